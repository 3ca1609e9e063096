import Foundation
public import HTTPTypes
public import ServiceKit
import Yams

/// `schemas/openapi.yaml`, as far as tests ask it.
public struct OpenAPIDocument: Sendable {
    /// One operation of one path.
    public struct Operation: Sendable {
        public let route: Route
        /// The role of the binary that answers it: `x-role`.
        public let role: String
        public let id: String
        /// Whether it wants a token.
        public let isOpen: Bool
        public let statuses: [String]
    }

    public let operations: [Operation]

    /// Reads the file of this repository.
    public init() throws {
        let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().deletingLastPathComponent()
        let text = try String(contentsOf: root.appendingPathComponent("schemas/openapi.yaml"), encoding: .utf8)
        let document = try Yams.load(yaml: text) as? [String: Any]
        let paths = document?["paths"] as? [String: [String: [String: Any]]] ?? [:]
        operations = paths.flatMap { path, methods in
            methods.compactMap { method, members in
                HTTPRequest.Method(method.uppercased()).map { method in
                    Operation(
                        route: Route(method: method, path: path), role: members["x-role"] as? String ?? "",
                        id: members["operationId"] as? String ?? "", isOpen: members["security"] != nil,
                        statuses: (members["responses"] as? [String: Any] ?? [:]).keys.sorted())
                }
            }
        }.sorted { $0.route < $1.route }
    }

    /// The routes that a role answers.
    public func routes(of role: String) -> [Route] { operations.filter { $0.role == role }.map(\.route) }
}
