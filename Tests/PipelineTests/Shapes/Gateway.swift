import Common
import CurlTransport
import Foundation
import Synchronization

/// One address in front of the roles, by the rules of `compose/gateway.conf`.
struct Gateway: HTTPTransport {
    let url = "http://earshot.test"
    private let rules: [(pattern: String, role: String)]
    /// Where each role listens.
    private let addresses: [String: String]
    private let transport = CurlTransport(policy: .any)

    init(to addresses: [String: String]) throws {
        self.addresses = addresses
        let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().deletingLastPathComponent()
        let text = try String(contentsOf: root.appendingPathComponent("compose/gateway.conf"), encoding: .utf8)
        rules = text.split(separator: "\n").compactMap { line in
            let words = line.split(separator: " ", omittingEmptySubsequences: true)
            guard words.count == 2, words[0].hasPrefix("~"), words[1].hasSuffix(";") else { return nil }
            return (String(words[0].dropFirst()), String(words[1].dropLast()))
        }
    }

    func send(_ request: OutgoingRequest) async throws(HTTPTransportError) -> IncomingResponse {
        guard request.url.hasPrefix(url) else { return try await transport.send(request) }
        let path = String(request.url.dropFirst(url.count))
        let role = rules.first { path.range(of: $0.pattern, options: .regularExpression) != nil }?.role ?? "workspace"
        guard let address = addresses[role] else { throw .unresolvedHost(role) }
        var request = request
        request.url = address + path
        return try await transport.send(request)
    }
}
