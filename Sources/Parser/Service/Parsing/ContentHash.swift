import Common
import Connectors
import Crypto

/// What an edit can change, in one short value: equal content, equal hash, whatever engines say about it.
struct ContentHash {
    private var scratch: [UInt8] = []

    /// 16 bytes of SHA-256 in lower-case hexadecimal digits.
    mutating func callAsFunction(of item: MappedItem) -> String {
        scratch.removeAll(keepingCapacity: true)
        add(item.title ?? "")
        add(item.textBytes)
        add(item.rating)
        add(item.ratingScale?.minimum)
        add(item.ratingScale?.maximum)
        add(item.productVersion ?? "")
        scratch.append(item.deletedAt == nil ? 0 : 1)
        for label in item.labels.sorted() { add(label) }
        return String(unsafeUninitializedCapacity: 32) { digits in
            var at = 0
            for byte in SHA256.hash(data: scratch).prefix(16) {
                digits[at] = Self.digit(byte >> 4)
                digits[at + 1] = Self.digit(byte & 15)
                at += 2
            }
            return at
        }
    }

    /// Each part behind its length, so that no two different contents are the same bytes.
    private mutating func add(_ text: String) { add(text.utf8) }

    private mutating func add(_ text: some Collection<UInt8>) {
        withUnsafeBytes(of: UInt32(truncatingIfNeeded: text.count).littleEndian) { scratch.append(contentsOf: $0) }
        scratch.append(contentsOf: text)
    }

    private mutating func add(_ number: Double?) {
        withUnsafeBytes(of: (number?.bitPattern ?? .max).littleEndian) { scratch.append(contentsOf: $0) }
    }

    private static func digit(_ value: UInt8) -> UInt8 { value < 10 ? 0x30 + value : 0x57 + value }
}
