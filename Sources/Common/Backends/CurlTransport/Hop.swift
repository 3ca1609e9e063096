import CCurl
import Common

/// One request of a chain of redirects: a value that says what the next one is.
///
/// Redirects are followed here and not by libcurl, which would hand headers like `Api-Key` on to any host.
struct Hop {
    var method: String
    var url: Address
    var headers: [(name: String, value: String)]
    var body: [UInt8]

    /// Headers that say nothing about who asks; only these go to another origin.
    private static let harmless: Set<String> = [
        "accept", "accept-encoding", "accept-language", "if-range", "range", "user-agent",
    ]

    init(_ request: OutgoingRequest) throws(HTTPTransportError) {
        guard let url = Address(request.url) else { throw .invalidURL(request.url) }
        for header in request.headers where !header.name.isToken || header.value.utf8.contains(where: \.isLineBreak) {
            throw .invalidRequest("the header `\(header.name)` holds a character that a header must not hold")
        }
        guard request.method.isToken else { throw .invalidRequest("`\(request.method)` is not a method") }
        method = request.method
        self.url = url
        headers = request.headers
        body = request.body
    }

    /// Where a response sends us; nil if it is to be handed to the caller.
    ///
    /// A body never goes to another origin: such a redirect is the caller's to see.
    func redirected(status: Int, headers response: [(name: String, value: String)]) throws(HTTPTransportError) -> Hop? {
        guard [301, 302, 303, 307, 308].contains(status),
            let location = response.last(where: { $0.name.lowercased() == "location" })?.value
        else { return nil }
        guard let target = url.resolving(location) else {
            throw .invalidURL("\(location) (redirected from \(url.text))")
        }
        var next = self
        next.url = target
        if status == 303 && method != "HEAD" || status < 303 && method == "POST" {
            next.method = "GET"
            next.body = []
            next.headers.removeAll { $0.name.lowercased() == "content-type" }
        }
        if target.origin != url.origin {
            guard next.body.isEmpty else { return nil }
            next.headers.removeAll { !Hop.harmless.contains($0.name.lowercased()) }
        }
        return next
    }

    /// The header lines as libcurl takes them.
    func headerLines(userAgent: String) -> [String] {
        var lines = headers.map { $0.value.isEmpty ? "\($0.name);" : "\($0.name): \($0.value)" }
        lines.append("Expect:")
        if !headers.contains(where: { $0.name.lowercased() == "user-agent" }) {
            lines.append("User-Agent: \(userAgent)")
        }
        if !body.isEmpty, !headers.contains(where: { $0.name.lowercased() == "content-type" }) {
            lines.append("Content-Type: application/octet-stream")
        }
        return lines
    }
}

/// An absolute http or https address, as libcurl's own parser reads it.
struct Address {
    let text: String
    let host: String
    /// Scheme, host and port.
    let origin: String

    init?(_ text: String) {
        guard let handle = curl_url() else { return nil }
        defer { curl_url_cleanup(handle) }
        self.init(handle, text, flags: 0)
    }

    /// The address that a `Location` means.
    func resolving(_ location: String) -> Address? {
        guard let handle = curl_url() else { return nil }
        defer { curl_url_cleanup(handle) }
        guard curl_url_set(handle, CURLUPART_URL, text, 0) == CURLUE_OK else { return nil }
        return Address(handle, location, flags: CURLU_URLENCODE)
    }

    private init?(_ handle: OpaquePointer, _ text: String, flags: Int32) {
        guard !text.utf8.contains(where: \.isLineBreak),
            curl_url_set(handle, CURLUPART_URL, text, UInt32(flags | CURLU_DISALLOW_USER)) == CURLUE_OK,
            curl_url_set(handle, CURLUPART_FRAGMENT, nil, 0) == CURLUE_OK
        else { return nil }
        func part(_ part: CURLUPart, _ flags: Int32 = 0) -> String? {
            var value: UnsafeMutablePointer<CChar>?
            guard curl_url_get(handle, part, &value, UInt32(flags)) == CURLUE_OK, let value else { return nil }
            defer { curl_free(value) }
            return String(cString: value)
        }
        guard let url = part(CURLUPART_URL), let scheme = part(CURLUPART_SCHEME)?.lowercased(),
            scheme == "http" || scheme == "https", let host = part(CURLUPART_HOST)?.lowercased(),
            let port = part(CURLUPART_PORT, CURLU_DEFAULT_PORT)
        else { return nil }
        self.text = url
        self.host = host
        origin = "\(scheme)://\(host):\(port)"
    }
}

extension UInt8 {
    fileprivate var isLineBreak: Bool { self == 0x0A || self == 0x0D || self == 0 }
}

extension String {
    /// Whether it is a token of HTTP (RFC 9110, 5.6.2).
    fileprivate var isToken: Bool {
        !isEmpty
            && utf8.allSatisfy { byte in
                switch byte {
                case 0x30...0x39, 0x41...0x5A, 0x61...0x7A: true
                default: "!#$%&'*+-.^_`|~".utf8.contains(byte)
                }
            }
    }
}
