import Common
import Crypto

/// Who said something, as far as it can be told apart.
struct Person: Hashable, Sendable {
    /// 0 is nobody known. The same number is the same person.
    var number: Int64
    /// What tells the person from all others; nil if only a name is known, which several people may have.
    var key: String?

    /// An e-mail address is the person wherever it appears; an account is one at its provider.
    init(_ author: Feedback.Author, source: String, instance: String) {
        if let email = author.email?.lowercased(), email.utf8.contains(UInt8(ascii: "@")),
            !email.utf8.contains(UInt8(ascii: "*"))
        {
            key = "e\0\(email)"
        } else if let id = author.id, !id.isEmpty {
            key = "i\0\(source)\0\(instance)\0\(id)"
        }
        if let text = key ?? author.name.flatMap({ $0.isEmpty ? nil : "n\0\(source)\0\(instance)\0\($0)" }) {
            let bits = Digest128(SHA256.hash(data: Array(text.utf8))).high
            number = bits == 0 ? 1 : Int64(bitPattern: bits)
        } else {
            number = 0
        }
    }
}
