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
        /// Statuses whose JSON says no more than that it is an object, or refers to what is not there.
        public let vague: [String]
    }

    public let operations: [Operation]

    /// Reads the file of this repository.
    public init() throws {
        let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().deletingLastPathComponent()
        let text = try String(contentsOf: root.appendingPathComponent("schemas/openapi.yaml"), encoding: .utf8)
        let document = try Yams.load(yaml: text) as? [String: Any]
        let schemas = Schemas(document: document ?? [:], folder: root.appendingPathComponent("schemas"))
        let paths = document?["paths"] as? [String: [String: [String: Any]]] ?? [:]
        operations = paths.flatMap { path, methods in
            methods.compactMap { method, members in
                HTTPRequest.Method(method.uppercased()).map { method in
                    let responses = members["responses"] as? [String: Any] ?? [:]
                    return Operation(
                        route: Route(method: method, path: path), role: members["x-role"] as? String ?? "",
                        id: members["operationId"] as? String ?? "", isOpen: members["security"] != nil,
                        statuses: responses.keys.sorted(),
                        vague: responses.filter { !schemas.tellMembers(of: $0.value) }.map(\.key).sorted())
                }
            }
        }.sorted { $0.route < $1.route }
    }

    /// The routes that a role answers.
    public func routes(of role: String) -> [Route] { operations.filter { $0.role == role }.map(\.route) }
}

/// The schemas of the document and of the files beside it.
private struct Schemas {
    let document: [String: Any]
    let folder: URL

    /// Whether an answer's JSON, if it has any, tells of its members.
    func tellMembers(of answer: Any) -> Bool {
        guard let answer = resolved(answer) else { return false }
        let content = answer["content"] as? [String: [String: Any]] ?? [:]
        return content.filter { $0.key.hasSuffix("json") }.allSatisfy { isShaped($0.value["schema"] ?? [:]) }
    }

    private func isShaped(_ schema: Any) -> Bool {
        guard let schema = resolved(schema) else { return false }
        if schema["$ref"] is String { return true }  // another file, which is there
        for word in ["allOf", "oneOf", "anyOf"] {
            if let parts = schema[word] as? [Any] { return !parts.isEmpty && parts.allSatisfy(isShaped) }
        }
        guard schema["type"] as? String == "object" else { return schema["type"] != nil }
        if let properties = schema["properties"] as? [String: Any] { return !properties.isEmpty }
        return schema["additionalProperties"] is [String: Any]
    }

    /// What a reference stands for; nil if there is no such thing.
    private func resolved(_ value: Any) -> [String: Any]? {
        guard let object = value as? [String: Any], let reference = object["$ref"] as? String else {
            return value as? [String: Any]
        }
        guard reference.hasPrefix("#/") else {
            return FileManager.default.fileExists(atPath: folder.appendingPathComponent(reference).path) ? object : nil
        }
        var found: Any? = document
        for part in reference.dropFirst(2).split(separator: "/") {
            found = (found as? [String: Any])?[String(part)]
        }
        return found.flatMap(resolved)
    }
}
