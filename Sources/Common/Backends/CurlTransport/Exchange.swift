import CCurl
import Common
import Glibc

/// One request on its way, redirects included.
///
/// It lives on the loop's thread only.
final class Exchange {
    /// What is to happen after a transfer ended.
    enum Next {
        case done(Result<IncomingResponse, HTTPTransportError>)
        /// The handle is set up for the address it was redirected to.
        case again
    }

    private(set) var handle: EasyHandle
    let ticket: Ticket
    let completion: CurlLoop.Completion
    private let settings: CurlTransport.Settings
    private let limits: HTTPLimits
    private let deadline: ContinuousClock.Instant
    private var hop: Hop
    private var redirects = 0

    private var headers: [(name: String, value: String)] = []
    private var headerBytes = 0
    private var body: [UInt8] = []
    /// Why one of our callbacks ended the transfer.
    private var abort: HTTPTransportError?
    private var refused: IPAddress?

    init(
        _ request: OutgoingRequest, settings: CurlTransport.Settings, ticket: Ticket,
        completion: @escaping CurlLoop.Completion
    ) throws(HTTPTransportError) {
        hop = try Hop(request)
        handle = try EasyHandle()
        self.ticket = ticket
        self.completion = completion
        self.settings = settings
        limits = request.limits
        deadline = .now + request.limits.totalTimeout
        prepare()
        aim()
    }

    /// Decides what a transfer's end means.
    func finish(_ code: CURLcode) -> Next {
        guard code == CURLE_OK, abort == nil else { return .done(.failure(failure(code))) }
        let status = handle.status
        do throws(HTTPTransportError) {
            if let next = try hop.redirected(status: status, headers: headers) {
                guard redirects < limits.maximumRedirects else {
                    throw .tooManyRedirects(limit: limits.maximumRedirects)
                }
                redirects += 1
                hop = next
                headers = []
                body = []
                aim()
                return .again
            }
        } catch {
            return .done(.failure(error))
        }
        return .done(.success(IncomingResponse(status: status, headers: headers, body: body, url: hop.url.text)))
    }

    /// Sets what holds for every hop.
    private func prepare() {
        handle.set(CURLOPT_NOSIGNAL, true)
        handle.set(CURLOPT_QUICK_EXIT, true)  // do not wait for a name look-up that nobody wants any more
        handle.set(CURLOPT_PROXY, "")
        handle.set(CURLOPT_PROTOCOLS_STR, "http,https")
        handle.set(CURLOPT_FOLLOWLOCATION, false)  // redirects are ours: see Hop
        handle.set(CURLOPT_ACCEPT_ENCODING, "")
        handle.set(CURLOPT_HTTP_VERSION, Int(CURL_HTTP_VERSION_2TLS))
        handle.set(CURLOPT_SSL_VERIFYPEER, true)
        handle.set(CURLOPT_SSL_VERIFYHOST, 2)
        handle.set(CURLOPT_SSLVERSION, Int(CURL_SSLVERSION_TLSv1_2))
        if let file = settings.certificateAuthorities { handle.set(CURLOPT_CAINFO, file) }
        handle.set(CURLOPT_CONNECTTIMEOUT_MS, limits.connectTimeout)
        handle.set(CURLOPT_LOW_SPEED_LIMIT, 1)
        handle.set(CURLOPT_LOW_SPEED_TIME, max(1, Int(limits.stallTimeout.components.seconds)))
        let addresses = settings.resolve()
        if !addresses.isEmpty { handle.set(CURLOPT_RESOLVE, list: addresses) }

        let context = Unmanaged.passUnretained(self).toOpaque()  // the loop keeps us until the handle is removed
        earshot_curl_on_header(handle.pointer, receiveHeader, context)
        earshot_curl_on_body(handle.pointer, receiveBody, context)
        earshot_curl_on_open_socket(handle.pointer, openSocket, context)
    }

    /// Sets what the hop decides.
    private func aim() {
        handle.set(CURLOPT_URL, hop.url.text)
        handle.set(CURLOPT_TIMEOUT_MS, deadline - .now)
        handle.set(CURLOPT_HTTPGET, true)
        handle.set(CURLOPT_CUSTOMREQUEST, nil)
        handle.set(CURLOPT_NOBODY, hop.method == "HEAD")
        if hop.method != "HEAD", hop.method != "GET" || !hop.body.isEmpty {
            handle.set(body: hop.body)
            handle.set(CURLOPT_CUSTOMREQUEST, hop.method)
        }
        handle.set(CURLOPT_HTTPHEADER, list: hop.headerLines(userAgent: settings.userAgent))
    }

    // MARK: - What arrives

    fileprivate func receive(header line: UnsafeBufferPointer<UInt8>) -> Bool {
        headerBytes += line.count
        guard headerBytes <= limits.maximumHeaderBytes else {
            abort = .headersTooLarge(limit: limits.maximumHeaderBytes)
            return false
        }
        if line.starts(with: "HTTP/".utf8) {  // the next response: after 100, or a redirect
            headers = []
        } else if let colon = line.firstIndex(of: UInt8(ascii: ":")) {
            let name = String(decoding: line[..<colon], as: UTF8.self)
            headers.append((name, String(decoding: line[(colon + 1)...].trimmed, as: UTF8.self)))
        }
        return true
    }

    fileprivate func receive(body bytes: UnsafeBufferPointer<UInt8>) -> Bool {
        guard body.count + bytes.count <= limits.maximumBodyBytes else {
            abort = .bodyTooLarge(limit: limits.maximumBodyBytes)
            return false
        }
        body.append(contentsOf: bytes)
        return true
    }

    /// Whether a socket may be opened to this address; remembers the one that may not.
    fileprivate func admit(_ address: IPAddress?) -> Bool {
        guard let address else { return false }
        if settings.policy.allows(address) { return true }
        refused = address
        return false
    }

    private func failure(_ code: CURLcode) -> HTTPTransportError {
        if let abort { return abort }
        let reason = handle.reason(of: code)
        switch code {
        case CURLE_COULDNT_CONNECT:
            if let refused { return .forbiddenAddress("\(hop.url.host) (\(refused))") }
            return .connectionFailed(reason)
        case CURLE_COULDNT_RESOLVE_HOST: return .unresolvedHost(hop.url.host)
        case CURLE_URL_MALFORMAT, CURLE_UNSUPPORTED_PROTOCOL: return .invalidURL(hop.url.text)
        case CURLE_OPERATION_TIMEDOUT: return .timedOut(reason)
        case CURLE_BAD_CONTENT_ENCODING: return .badEncoding(reason)
        case CURLE_OUT_OF_MEMORY where body.isEmpty:  // what libcurl says of one header line over 100 KiB
            return .headersTooLarge(limit: limits.maximumHeaderBytes)
        case CURLE_SSL_CONNECT_ERROR, CURLE_PEER_FAILED_VERIFICATION, CURLE_SSL_CERTPROBLEM, CURLE_SSL_CIPHER,
            CURLE_SSL_CACERT_BADFILE, CURLE_SSL_ISSUER_ERROR, CURLE_SSL_INVALIDCERTSTATUS:
            return .tlsFailed(reason)
        default: return .failed(reason)
        }
    }
}

extension Slice where Base == UnsafeBufferPointer<UInt8> {
    /// Without blanks and line ends around it.
    fileprivate var trimmed: Self {
        var slice = self
        while let byte = slice.first, byte <= 0x20 { slice = slice.dropFirst() }
        while let byte = slice.last, byte <= 0x20 { slice = slice.dropLast() }
        return slice
    }
}

// MARK: - libcurl's callbacks; each is called on the loop's thread

private let receiveHeader: curl_write_callback = { bytes, size, count, context in
    receive(bytes, size * count, context) { $0.receive(header: $1) }
}

private let receiveBody: curl_write_callback = { bytes, size, count, context in
    receive(bytes, size * count, context) { $0.receive(body: $1) }
}

/// - Returns: How many bytes were taken; anything but `count` ends the transfer.
private func receive(
    _ bytes: UnsafeMutablePointer<CChar>?, _ count: Int, _ context: UnsafeMutableRawPointer?,
    _ take: (Exchange, UnsafeBufferPointer<UInt8>) -> Bool
) -> Int {
    guard let context else { return 0 }
    let exchange = Unmanaged<Exchange>.fromOpaque(context).takeUnretainedValue()
    let raw = UnsafeRawBufferPointer(start: bytes, count: count)
    return raw.withMemoryRebound(to: UInt8.self) { take(exchange, $0) } ? count : count + 1
}

private let openSocket: curl_opensocket_callback = { context, _, address in
    guard let context, let address else { return -1 }
    let exchange = Unmanaged<Exchange>.fromOpaque(context).takeUnretainedValue()
    // The address may be longer than `sockaddr`: it is read where it lies.
    guard let offset = MemoryLayout<curl_sockaddr>.offset(of: \.addr) else { return -1 }
    let target = (UnsafeRawPointer(address) + offset).assumingMemoryBound(to: sockaddr.self)
    guard exchange.admit(IPAddress(target)) else { return -1 }
    let type = address.pointee.socktype | Int32(SOCK_CLOEXEC.rawValue)
    return socket(address.pointee.family, type, address.pointee.`protocol`)
}
