public import ByteJSON
public import Common

/// Talks to a server's HTTP interface on behalf of a command.
public struct APIClient: Sendable {
    public let server: String
    private let token: Secret
    private let transport: any HTTPTransport

    public init(server: String, token: Secret, transport: any HTTPTransport) {
        self.server = server.hasSuffix("/") ? String(server.dropLast()) : server
        self.token = token
        self.transport = transport
    }

    /// An answer with a status below 300.
    ///
    /// - Throws: ``APIFailure`` with the server's own words, or that it cannot be reached.
    @discardableResult
    public func send(
        _ method: String, _ path: String, query: [(String, String)] = [], headers: [(String, String)] = [],
        body: [UInt8] = [], contentType: String? = "application/json"
    ) async throws -> IncomingResponse {
        var url = server + path
        if !query.isEmpty {
            url += "?" + query.map { $0.0 + "=" + $0.1.percentEncoded }.joined(separator: "&")
        }
        var limits = HTTPLimits()
        limits.totalTimeout = .seconds(600)
        limits.stallTimeout = .seconds(120)
        limits.maximumBodyBytes = 256 << 20
        let all =
            headers + [("Authorization", "Bearer " + token.reveal())]
            + (body.isEmpty ? [] : contentType.map { [("Content-Type", $0)] } ?? [])
        let response: IncomingResponse
        do {
            response = try await transport.send(
                OutgoingRequest(method, url, headers: all.map { (name: $0.0, value: $0.1) }, body: body, limits: limits)
            )
        } catch {
            throw APIFailure.unreachable(server: server, reason: error.description)
        }
        guard response.status < 300 else {
            let problem = (try? JSONDocument(parsing: response.body))?.root
            throw APIFailure.refused(
                status: response.status,
                detail: Self.words(of: problem) ?? String(decoding: response.body.prefix(300), as: UTF8.self),
                retryAfter: response["Retry-After"].flatMap { Int($0) })
        }
        return response
    }

    /// What a problem document says, with each thing that is wrong.
    private static func words(of problem: JSONValue?) -> String? {
        guard let problem, let detail = problem["detail"]?.string else { return nil }
        let errors = problem["errors"].map { Array($0.elements) } ?? []
        return errors.reduce(into: detail) { text, error in
            text += "\n  \(error["at"]?.string ?? "?"): \(error["reason"]?.string ?? "?")"
        }
    }

    /// An answer that is JSON.
    public func json(
        _ method: String, _ path: String, query: [(String, String)] = [], body: JSON? = nil
    ) async throws -> JSONValue {
        try JSONDocument(parsing: try await send(method, path, query: query, body: body?.bytes ?? []).body).root
    }
}

/// Why the server did not do what a command asked for.
public enum APIFailure: Error, CustomStringConvertible {
    case unreachable(server: String, reason: String)
    case refused(status: Int, detail: String, retryAfter: Int?)

    /// Whether the same request may well succeed a little later.
    public var isTransient: Bool {
        switch self {
        case .unreachable: true
        case .refused(let status, _, _): status == 429 || status == 503 || status == 502 || status == 504
        }
    }

    public var description: String {
        switch self {
        case .unreachable(let server, let reason): "the server at \(server) cannot be reached: \(reason)"
        case .refused(let status, let detail, _): "the server refused (\(status)): \(detail)"
        }
    }
}

extension String {
    /// Percent-encoded by RFC 3986, unreserved characters left as they are.
    public var percentEncoded: String {
        var text = ""
        for byte in utf8 {
            switch byte {
            case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x2D, 0x2E, 0x5F, 0x7E:
                text.unicodeScalars.append(Unicode.Scalar(byte))
            default: text += "%" + (byte < 16 ? "0" : "") + String(byte, radix: 16, uppercase: true)
            }
        }
        return text
    }
}
