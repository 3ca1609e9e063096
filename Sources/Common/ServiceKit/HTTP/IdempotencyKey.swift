import Crypto
public import HTTPTypes
public import Hummingbird

/// What makes a creating call safe to repeat: the key that its sender chose, and what exactly was asked.
public struct IdempotencyKey: Sendable, Hashable {
    public static let header = HTTPField.Name("Idempotency-Key")!

    public let text: String
    /// Hash of method, path and body: the same key with another request is a mistake of the sender.
    public let fingerprint: String

    /// The request's key; nil if it has none.
    ///
    /// - Throws: ``Problem`` 400 if the key is not 1 to 255 printable ASCII characters.
    public init?(_ request: Request, body: [UInt8]) throws {
        guard let text = request.headers[Self.header] else { return nil }
        guard (1...255).contains(text.utf8.count), text.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else {
            throw Problem.badRequest("`Idempotency-Key` must be 1 to 255 printable characters; a UUID is a good one")
        }
        self.text = text
        var hash = SHA256()
        hash.update(data: Array("\(request.method) \(request.uri.path)\n".utf8))
        hash.update(data: body)
        fingerprint = hash.finalize().map { byte in
            let digits = String(byte, radix: 16)
            return digits.count == 1 ? "0" + digits : digits
        }.joined()
    }
}
