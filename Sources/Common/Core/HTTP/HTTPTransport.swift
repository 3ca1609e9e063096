/// Sends HTTP requests to the outside.
///
/// Every bound is enforced while bytes arrive, and the address is checked when the connection is made, so that a
/// name that resolves to a forbidden address is refused however it got there.
public protocol HTTPTransport: Sendable {
    /// Sends a request and reads the whole response; any status is a response, not an error.
    func send(_ request: OutgoingRequest) async throws(HTTPTransportError) -> IncomingResponse
}

/// A request to the outside.
public struct OutgoingRequest: Sendable {
    public var method: String
    public var url: String
    /// In their order; a name may occur more than once.
    public var headers: [(name: String, value: String)]
    public var body: [UInt8]
    public var limits: HTTPLimits

    public init(
        _ method: String = "GET", _ url: String, headers: [(name: String, value: String)] = [], body: [UInt8] = [],
        limits: HTTPLimits = HTTPLimits()
    ) {
        self.method = method
        self.url = url
        self.headers = headers
        self.body = body
        self.limits = limits
    }
}

/// Bounds of one exchange.
public struct HTTPLimits: Sendable, Hashable {
    public var connectTimeout: Duration = .seconds(10)
    /// From the first byte sent to the last received.
    public var totalTimeout: Duration = .seconds(60)
    /// How long less than one byte a second may arrive.
    public var stallTimeout: Duration = .seconds(20)
    /// Bytes of the body after decompression.
    public var maximumBodyBytes: Int = 32 << 20
    public var maximumHeaderBytes: Int = 256 << 10
    public var maximumRedirects: Int = 5

    public init() {}
}

/// A response from the outside.
public struct IncomingResponse: Sendable {
    public var status: Int
    /// In their order, of the last response if there were redirects.
    public var headers: [(name: String, value: String)]
    /// Decompressed.
    public var body: [UInt8]
    /// The address that answered, after redirects.
    public var url: String

    public init(status: Int, headers: [(name: String, value: String)] = [], body: [UInt8] = [], url: String = "") {
        self.status = status
        self.headers = headers
        self.body = body
        self.url = url
    }

    /// The first header of this name, whatever its case.
    public subscript(_ name: String) -> String? {
        headers.first { $0.name.lowercased() == name.lowercased() }?.value
    }
}

/// Why no response came, by what to do next.
public enum HTTPTransportError: Error, Sendable, Hashable, CustomStringConvertible {
    /// The address is malformed or its scheme is not allowed: mend the configuration.
    case invalidURL(String)
    /// A header or the method holds what must not stand there.
    case invalidRequest(String)
    /// The host's address is not allowed (loopback, private, link-local, metadata).
    case forbiddenAddress(String)
    case unresolvedHost(String)
    case connectionFailed(String)
    case tlsFailed(String)
    case timedOut(String)
    case bodyTooLarge(limit: Int)
    case headersTooLarge(limit: Int)
    case tooManyRedirects(limit: Int)
    case badEncoding(String)
    case cancelled
    case failed(String)

    /// Whether the same request may well succeed a little later.
    public var isTransient: Bool {
        switch self {
        case .unresolvedHost, .connectionFailed, .timedOut, .failed: true
        default: false
        }
    }

    public var description: String {
        switch self {
        case .invalidURL(let url): "not an address that can be fetched: \(url)"
        case .invalidRequest(let reason): reason
        case .forbiddenAddress(let host):
            "\(host) is an internal address; an operator may allow it in `fetch.allow_addresses`"
        case .unresolvedHost(let host): "no such host: \(host)"
        case .connectionFailed(let reason): "could not connect: \(reason)"
        case .tlsFailed(let reason): "no secure connection: \(reason)"
        case .timedOut(let what): "timed out: \(what)"
        case .bodyTooLarge(let limit): "the response is larger than \(limit) bytes"
        case .headersTooLarge(let limit): "the response's headers are larger than \(limit) bytes"
        case .tooManyRedirects(let limit): "more than \(limit) redirects"
        case .badEncoding(let reason): "the response could not be decompressed: \(reason)"
        case .cancelled: "cancelled"
        case .failed(let reason): reason
        }
    }
}
