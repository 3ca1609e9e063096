import Common
import Crypto

/// What cross-posts of one item have in common.
enum MergeKey {
    /// From this length on, nobody says the same by chance.
    static let longText = 80

    /// The key of a text by a person in a workspace; nil if nothing can be a cross-post of it.
    static func make(workspace: WorkspaceID, text: String, person: Person) -> String? {
        let normalised = normalise(text)
        guard normalised.length > 0 else { return nil }
        var hash = SHA256()
        hash.update(data: Array(workspace.rawValue.utf8))
        if normalised.length < longText {
            guard let key = person.key else { return nil }
            hash.update(data: Array("\0p\0\(key)\0".utf8))
        } else {
            hash.update(data: [0, 0x74, 0])
        }
        hash.update(data: normalised.text)
        return Base32.encode(hash.finalize().prefix(16))
    }

    /// Lower case, white space folded; and the number of characters, counted as Unicode scalars.
    static func normalise(_ text: String) -> (text: [UInt8], length: Int) {
        var isASCII = true
        for byte in text.utf8 where byte >= 0x80 {
            isASCII = false
            break
        }
        let source = isASCII ? text : text.lowercased()
        var folded: [UInt8] = []
        folded.reserveCapacity(source.utf8.count)
        var length = 0
        var isSpacePending = false
        for byte in source.utf8 {
            if byte <= 0x20 {
                isSpacePending = !folded.isEmpty
                continue
            }
            if isSpacePending {
                folded.append(0x20)
                length += 1
                isSpacePending = false
            }
            folded.append(byte >= 0x41 && byte <= 0x5A ? byte + 0x20 : byte)
            if byte & 0xC0 != 0x80 { length += 1 }
        }
        return (folded, length)
    }
}
