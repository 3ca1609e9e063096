public import ByteJSON
import Foundation

#if canImport(FoundationNetworking)
    import FoundationNetworking
#endif

/// Talks to a server on loopback as any client would.
public struct TestClient: Sendable {
    /// What the server answered.
    public struct Answer: Sendable {
        public let status: Int
        public let bytes: [UInt8]
        private let headers: [String: String]

        init(_ response: HTTPURLResponse, _ bytes: [UInt8]) {
            status = response.statusCode
            self.bytes = bytes
            headers = Dictionary(
                response.allHeaderFields.map { ("\($0.key)".lowercased(), "\($0.value)") }, uniquingKeysWith: { $1 })
        }

        /// The header of this name, whatever its case.
        public func header(_ name: String) -> String? { headers[name.lowercased()] }
        public var text: String { String(decoding: bytes, as: UTF8.self) }
        /// The body as JSON; null if it is none.
        public var json: JSON { (try? JSONDocument(parsing: bytes)).map { JSON($0.root) } ?? .null }
    }

    private let base: String
    /// Goes with every request as a bearer token.
    public var token: String?

    public init(port: Int, token: String? = nil) {
        base = "http://127.0.0.1:\(port)"
        self.token = token
    }

    /// The same client with another token.
    public func with(token: String?) -> TestClient {
        var client = self
        client.token = token
        return client
    }

    public func send(_ method: String, _ path: String, headers: [String: String] = [:], body: [UInt8]? = nil)
        async throws
        -> Answer
    {
        guard let url = URL(string: base + path) else { throw URLError(.badURL) }
        var request = URLRequest(url: url)
        request.httpMethod = method
        request.httpBody = body.map { Data($0) }
        if let token { request.setValue("Bearer \(token)", forHTTPHeaderField: "Authorization") }
        for (name, value) in headers { request.setValue(value, forHTTPHeaderField: name) }
        let (data, response) = try await URLSession.shared.data(for: request)
        guard let response = response as? HTTPURLResponse else { throw URLError(.badServerResponse) }
        return Answer(response, Array(data))
    }

    public func get(_ path: String, headers: [String: String] = [:]) async throws -> Answer {
        try await send("GET", path, headers: headers)
    }

    /// Sends JSON.
    public func send(_ method: String, _ path: String, _ json: JSON, headers: [String: String] = [:]) async throws
        -> Answer
    {
        try await send(
            method, path, headers: headers.merging(["Content-Type": "application/json"]) { given, _ in given },
            body: json.bytes)
    }

    public func post(_ path: String, _ json: JSON, headers: [String: String] = [:]) async throws -> Answer {
        try await send("POST", path, json, headers: headers)
    }
}
