import ByteJSON
import Common
import Crypto
import Foundation
import FoundationNetworking
import Logging
import ServiceKit
import ServiceLifecycle
import TestKit
import Testing

@testable import Parser

/// The parser role behind the real HTTP server, and callers with real tokens.
struct ServedBench: Sendable {
    let bench: Bench
    let port: Int
    let ours: String
    let theirs: String
    let admin: String
    /// May manage our account's things.
    let manager: String

    static func run(
        _ bench: Bench, settings: ParserSettings = .unlimited, _ body: @Sendable (ServedBench) async throws -> Void
    ) async throws {
        let key = Curve25519.Signing.PrivateKey()
        try await bench.directory.publish([
            .key(VerificationKeyRecord(keyID: "k1", publicKey: key.publicKey.rawRepresentation.base64URL))
        ])
        let role = try await ParserRole.build(try bench.context(), settings: settings)
        let (ports, listening) = AsyncStream.makeStream(of: Int.self)
        let server = HTTPServer(
            HTTPServerSettings(port: 0), roles: [role],
            authenticator: Authenticator(directory: bench.directory, now: { .then }), log: bench.log,
            metrics: Metrics(), logger: .quiet, onListening: { listening.yield($0) })
        try await withRunning([server as any Service] + role.services, logger: .quiet) {
            for await port in ports {
                try await body(
                    ServedBench(
                        bench: bench, port: port, ours: try token(bench.account, [.read, .write], key),
                        theirs: try token(bench.otherAccount, [.read, .write], key),
                        admin: try token(bench.otherAccount, [.admin], key),
                        manager: try token(bench.account, [.manage], key)))
                break
            }
        }
    }

    private static func token(_ account: AccountID, _ scopes: Set<Scope>, _ key: Curve25519.Signing.PrivateKey) throws
        -> String
    {
        let claims = TokenClaims(
            account: account, token: .make(), scopes: scopes, issuedAt: .then,
            expiresAt: Timestamp.then.advanced(bySeconds: 3600))
        let header = Data(#"{"alg":"EdDSA","kid":"k1","typ":"JWT"}"#.utf8).base64URL
        let signed = header + "." + (try JSONEncoder().encode(claims)).base64URL
        return signed + "." + (try key.signature(for: Data(signed.utf8))).base64URL
    }

    func send(_ path: String, as token: String?) async throws -> (status: Int, json: JSONValue) {
        try await send("GET", path, as: token)
    }

    /// Expects this status of a request.
    func expect(
        _ status: Int, _ method: String, _ path: String, as token: String?, body: String? = nil,
        sourceLocation: SourceLocation = #_sourceLocation
    ) async throws {
        let answer = try await send(method, path, as: token, body: body)
        #expect(answer.status == status, "\(method) \(path)", sourceLocation: sourceLocation)
    }

    func send(_ method: String, _ path: String, as token: String?, body: String? = nil) async throws
        -> (status: Int, json: JSONValue)
    {
        guard let url = URL(string: "http://127.0.0.1:\(port)\(path)") else { throw URLError(.badURL) }
        var request = URLRequest(url: url)
        request.httpMethod = method
        request.timeoutInterval = 20
        if let token { request.setValue("Bearer \(token)", forHTTPHeaderField: "Authorization") }
        if let body {
            request.httpBody = Data(body.utf8)
            request.setValue("application/json", forHTTPHeaderField: "Content-Type")
        }
        let (data, response) = try await URLSession.shared.data(for: request)
        let status = (response as? HTTPURLResponse)?.statusCode ?? 0
        return (status, try JSONDocument(parsing: data.isEmpty ? Array("null".utf8) : Array(data)).root)
    }
}
