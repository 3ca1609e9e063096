import Common
import Crypto

/// What cross-posts of one item have in common.
enum MergeKey {
    /// From this length on, nobody says the same by chance.
    static let longText = 80

    /// The key of a text by a person in a workspace; nil if nothing can be a cross-post of it.
    static func make(workspace: WorkspaceID, text: String, person: Person) -> Digest128? {
        let normalised = normalise(text)
        guard normalised.length > 0 else { return nil }
        var hash = SHA256()
        hash.update(workspace.rawValue)
        if normalised.length < longText {
            guard let key = person.key else { return nil }
            hash.update("\0p\0")
            hash.update(key)
            hash.update("\0")
        } else {
            hash.update("\0t\0")
        }
        normalised.text.withUnsafeBytes { hash.update(bufferPointer: $0) }
        return Digest128(hash.finalize())
    }

    /// Lower case, white space folded; and the number of characters, counted as Unicode scalars.
    static func normalise(_ text: String) -> (text: [UInt8], length: Int) {
        var text = text
        return text.withUTF8 { source in
            var length = 0
            let folded = [UInt8](unsafeUninitializedCapacity: 2 * source.count + 1) { folded, count in
                var at = 0
                var isSpacePending = false
                while at < source.count {
                    let byte = source[at]
                    at &+= 1
                    if byte <= 0x20 {
                        isSpacePending = count > 0
                        continue
                    }
                    if isSpacePending {
                        folded[count] = 0x20
                        count &+= 1
                        length &+= 1
                        isSpacePending = false
                    }
                    if byte < 0x80 {
                        folded[count] = byte >= 0x41 && byte <= 0x5A ? byte &+ 0x20 : byte
                        count &+= 1
                        length &+= 1
                    } else {
                        let end = end(of: byte, from: at, in: source)
                        let (bytes, scalars) = lowerCase(source, at &- 1..<end, into: &folded, from: count)
                        count &+= bytes
                        length &+= scalars
                        at = end
                    }
                }
            }
            return (folded, length)
        }
    }

    /// Where the scalar that begins with this byte ends.
    @inline(__always)
    private static func end(of lead: UInt8, from next: Int, in source: UnsafeBufferPointer<UInt8>) -> Int {
        min(source.count, next &+ (lead >= 0xF0 ? 3 : lead >= 0xE0 ? 2 : 1))
    }

    /// Writes the lower case of a scalar of more than one byte.
    ///
    /// - Returns: How many bytes and scalars were written; never more than twice the bytes that were read.
    @inline(__always)
    private static func lowerCase(
        _ source: UnsafeBufferPointer<UInt8>, _ range: Range<Int>, into folded: inout UnsafeMutableBufferPointer<UInt8>,
        from count: Int
    ) -> (bytes: Int, scalars: Int) {
        if range.count == 2, let lower = twoByteLowerCase(source[range.lowerBound], source[range.lowerBound &+ 1]) {
            folded[count] = lower.0
            folded[count &+ 1] = lower.1
            return (2, 1)
        }
        if hasCase(source[range.lowerBound], source[range.lowerBound &+ 1]),
            let scalar = String(decoding: source[range], as: UTF8.self).unicodeScalars.first
        {
            let lower = scalar.properties.lowercaseMapping
            if lower.utf8.count <= 2 * range.count {
                for (offset, byte) in lower.utf8.enumerated() { folded[count &+ offset] = byte }
                return (lower.utf8.count, lower.unicodeScalars.count)
            }
        }
        for offset in 0..<range.count { folded[count &+ offset] = source[range.lowerBound &+ offset] }
        return (range.count, 1)
    }

    /// The lower case of letters of the commonest alphabets; nil where a table has to tell.
    @inline(__always)
    private static func twoByteLowerCase(_ first: UInt8, _ second: UInt8) -> (UInt8, UInt8)? {
        let scalar = UInt32(first & 0x1F) << 6 | UInt32(second & 0x3F)
        let lower: UInt32
        switch scalar {
        case 0xC0...0xD6, 0xD8...0xDE, 0x391...0x3A1, 0x3A3...0x3A9, 0x410...0x42F: lower = scalar &+ 0x20
        case 0x400...0x40F: lower = scalar &+ 0x50
        case 0x80...0xBF, 0xD7, 0xDF...0xFF, 0x3B1...0x3CE, 0x430...0x45F: lower = scalar
        default: return nil
        }
        return (UInt8(0xC0 | lower >> 6), UInt8(0x80 | lower & 0x3F))
    }

    /// Whether a scalar with these first two bytes may be an upper-case letter. Most that are written are not: emoji,
    /// the scripts of Asia, and the small letters of the others.
    @inline(__always)
    private static func hasCase(_ first: UInt8, _ second: UInt8) -> Bool {
        switch first {
        case 0xC4...0xD6: true
        case 0xE1: true  // Georgian, Cherokee, Latin and Greek with several marks
        case 0xE2: second >= 0x84 && second <= 0xB3  // letter-like signs, enclosed letters, Glagolitic, Coptic
        case 0xEA: second >= 0x99 && second <= 0xAD
        case 0xEF: second == 0xBC  // full-width letters
        case 0xF0: second == 0x90 || second == 0x91 || second == 0x96 || second == 0x9E
        default: false
        }
    }
}

extension SHA256 {
    fileprivate mutating func update(_ text: String) {
        var text = text
        text.withUTF8 { update(bufferPointer: UnsafeRawBufferPointer($0)) }
    }
}
