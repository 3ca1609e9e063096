public import Common
import Synchronization

/// HTTP to the outside over libcurl.
///
/// One thread drives all transfers through one multi handle, so connections are pooled and shared (HTTP/1.1, and
/// HTTP/2 where TLS negotiates it). Proxies, cookies, netrc and user names in addresses are not used.
public final class CurlTransport: HTTPTransport {
    /// How connections are made; the same for all requests.
    public struct Settings: Sendable {
        /// Which addresses may be connected to.
        public var policy: AddressPolicy = .publicOnly
        /// A file of trusted certificates in PEM form; nil trusts what the system trusts.
        public var certificateAuthorities: String?
        /// Sent where a request brings none.
        public var userAgent = "earshot"
        /// Connections to one host; further requests wait for one.
        public var connectionsPerHost = 16
        public var connections = 128
        /// Addresses of names, asked for each request, as `CURLOPT_RESOLVE` takes them: tests of name changes.
        package var resolve: @Sendable () -> [String] = { [] }

        public init() {}
    }

    private let loop: CurlLoop

    public init(_ settings: Settings = Settings()) {
        loop = CurlLoop(settings: settings)
        let loop = loop
        CurlThread.start("http-out", stop: { loop.close() }) { loop.run() }
    }

    /// Makes a transport that connects to what this policy allows.
    public convenience init(policy: AddressPolicy, certificateAuthorities: String? = nil) {
        var settings = Settings()
        settings.policy = policy
        settings.certificateAuthorities = certificateAuthorities
        self.init(settings)
    }

    deinit { loop.close() }

    public func send(_ request: OutgoingRequest) async throws(HTTPTransportError) -> IncomingResponse {
        let ticket = Ticket()
        let result = await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                loop.submit(request, ticket) { continuation.resume(returning: $0) }
            }
        } onCancel: {
            loop.cancel(ticket)
        }
        return try result.get()
    }

    /// Cancels what is under way, closes all connections and ends the thread; returns when that is done.
    public func shutdown() async {
        await withCheckedContinuation { continuation in
            loop.close { continuation.resume() }
        }
    }
}

/// Names one request, and remembers whether it is still wanted.
final class Ticket: Sendable {
    private let cancelled = Atomic<Bool>(false)
    var isCancelled: Bool { cancelled.load(ordering: .acquiring) }
    func cancel() { cancelled.store(true, ordering: .releasing) }
}
