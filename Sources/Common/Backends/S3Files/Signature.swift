package import Common
import Crypto
import Foundation

/// Signs requests as Amazon's Signature Version 4 has it.
///
/// libcurl signs too (`CURLOPT_AWS_SIGV4`), but not links for others, and not every version of it puts parameters in order.
package struct Signature: Sendable {
    package let credentials: S3Credentials
    package let region: String

    package init(credentials: S3Credentials, region: String) {
        self.credentials = credentials
        self.region = region
    }

    /// The headers to send: those of the request, and what signs them.
    ///
    /// - Parameters:
    ///   - path: Percent-encoded.
    ///   - headers: `Host` is among them.
    package func sign(
        _ method: String, path: String, query: [(name: String, value: String)],
        headers: [(name: String, value: String)],
        body: [UInt8], at time: Timestamp
    ) -> [(name: String, value: String)] {
        let sum = FileSum.of(body)
        var headers = headers
        headers.append(("x-amz-content-sha256", sum))
        headers.append(("x-amz-date", Self.stamp(time)))
        if let token = credentials.sessionToken { headers.append(("x-amz-security-token", token.reveal())) }
        let (signed, text) = Self.canonical(method, path, Self.encoded(query), headers, sum)
        headers.append(
            (
                "Authorization",
                "AWS4-HMAC-SHA256 Credential=\(credentials.accessKey)/\(scope(time)),SignedHeaders=\(signed),Signature=\(signature(text, time))"
            ))
        return headers
    }

    /// The parameters of a link that anybody may get: those of the request, and what signs them.
    package func presign(
        path: String, query: [(name: String, value: String)], host: String, seconds: Int, at time: Timestamp
    ) -> String {
        var query = query
        query.append(("X-Amz-Algorithm", "AWS4-HMAC-SHA256"))
        query.append(("X-Amz-Credential", "\(credentials.accessKey)/\(scope(time))"))
        query.append(("X-Amz-Date", Self.stamp(time)))
        query.append(("X-Amz-Expires", String(seconds)))
        if let token = credentials.sessionToken { query.append(("X-Amz-Security-Token", token.reveal())) }
        query.append(("X-Amz-SignedHeaders", "host"))
        let text = Self.encoded(query)
        let (_, request) = Self.canonical("GET", path, text, [("host", host)], "UNSIGNED-PAYLOAD")
        return text + "&X-Amz-Signature=" + signature(request, time)
    }

    private static func canonical(
        _ method: String, _ path: String, _ query: String, _ headers: [(name: String, value: String)], _ sum: String
    ) -> (signed: String, text: String) {
        let sorted = headers.map { ($0.name.lowercased(), $0.value.trimmingCharacters(in: .whitespaces)) }
            .sorted { $0.0 < $1.0 }
        let signed = sorted.map(\.0).joined(separator: ";")
        let lines = sorted.map { "\($0.0):\($0.1)\n" }.joined()
        return (signed, "\(method)\n\(path)\n\(query)\n\(lines)\n\(signed)\n\(sum)")
    }

    private func scope(_ time: Timestamp) -> String { "\(Self.stamp(time).prefix(8))/\(region)/s3/aws4_request" }

    private func signature(_ request: String, _ time: Timestamp) -> String {
        let text = "AWS4-HMAC-SHA256\n\(Self.stamp(time))\n\(scope(time))\n\(FileSum.of(Array(request.utf8)))"
        var key = Array("AWS4\(credentials.secretKey.reveal())".utf8)
        for part in scope(time).split(separator: "/") { key = Self.code(Array(part.utf8), key) }
        return Self.code(Array(text.utf8), key).map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }

    private static func code(_ bytes: [UInt8], _ key: [UInt8]) -> [UInt8] {
        Array(HMAC<SHA256>.authenticationCode(for: bytes, using: SymmetricKey(data: key)))
    }

    /// `20130524T000000Z`
    private static func stamp(_ time: Timestamp) -> String {
        time.description.prefix(19).filter { $0 != "-" && $0 != ":" } + "Z"
    }

    /// Parameters in their order, as they stand in the address.
    package static func encoded(_ query: [(name: String, value: String)]) -> String {
        query.map { (encoded($0.name), encoded($0.value)) }.sorted { $0 < $1 }.map { "\($0)=\($1)" }
            .joined(separator: "&")
    }

    package static func encoded(_ text: String, keepingSlash: Bool = false) -> String {
        let digits = Array("0123456789ABCDEF".utf8)
        var bytes: [UInt8] = []
        for byte in text.utf8 {
            switch byte {
            case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x2D, 0x2E, 0x5F, 0x7E: bytes.append(byte)
            case 0x2F where keepingSlash: bytes.append(byte)
            default: bytes += [0x25, digits[Int(byte >> 4)], digits[Int(byte & 15)]]
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
