public import Crypto

/// 16 bytes of a SHA-256: what tables and hot paths hold in place of a text that names something.
///
/// Ordered as its bytes are, which is also the order of their base 32.
public struct Digest128: Hashable, Comparable, Sendable {
    /// The first eight bytes, the first one highest.
    public let high: UInt64
    /// The last eight bytes.
    public let low: UInt64

    public init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }

    /// The first half of a hash.
    public init(_ hash: SHA256.Digest) {
        self = hash.withUnsafeBytes { Digest128(loading: $0) }
    }

    /// Reads 16 bytes; nil if there are more or fewer.
    public init?(bytes: UnsafeRawBufferPointer) {
        guard bytes.count == 16 else { return nil }
        self.init(loading: bytes)
    }

    private init(loading bytes: UnsafeRawBufferPointer) {
        high = UInt64(bigEndian: bytes.loadUnaligned(as: UInt64.self))
        low = UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: 8, as: UInt64.self))
    }

    /// Hands the 16 bytes to `body`.
    @inlinable public func withBytes<Value>(_ body: (UnsafeRawBufferPointer) throws -> Value) rethrows -> Value {
        try withUnsafeBytes(of: (high.bigEndian, low.bigEndian), body)
    }

    public var bytes: [UInt8] { withBytes { Array($0) } }

    // The bytes are those of a hash already.
    @inlinable public func hash(into hasher: inout Hasher) { hasher.combine(low) }

    @inlinable public static func == (left: Digest128, right: Digest128) -> Bool {
        left.low == right.low && left.high == right.high
    }

    @inlinable public static func < (left: Digest128, right: Digest128) -> Bool {
        left.high == right.high ? left.low < right.low : left.high < right.high
    }
}

extension Digest128 {
    /// Reads 32 hexadecimal digits; nil if it is anything else.
    public init?(hexadecimal text: String) {
        var text = text
        let halves = text.withUTF8 { digits -> (UInt64, UInt64)? in
            guard digits.count == 32 else { return nil }
            var halves: (UInt64, UInt64) = (0, 0)
            for (index, digit) in digits.enumerated() {
                guard let value = Self.hexadecimalValue(digit) else { return nil }
                if index < 16 { halves.0 = halves.0 << 4 | value } else { halves.1 = halves.1 << 4 | value }
            }
            return halves
        }
        guard let halves else { return nil }
        self.init(high: halves.0, low: halves.1)
    }

    /// 32 lower-case hexadecimal digits.
    public var hexadecimal: String {
        let digits = Array("0123456789abcdef".utf8)
        return String(
            decoding: bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
    }

    private static func hexadecimalValue(_ digit: UInt8) -> UInt64? {
        switch digit {
        case 0x30...0x39: UInt64(digit - 0x30)
        case 0x61...0x66: UInt64(digit - 0x57)
        case 0x41...0x46: UInt64(digit - 0x37)
        default: nil
        }
    }
}

extension Identifier {
    /// The 16 bytes that the identifier was derived from; nil if it was not made of 16 bytes.
    public var digest: Digest128? {
        var text = rawValue
        let prefix = Kind.prefix.utf8.count
        return text.withUTF8 { Base32.decode(UnsafeBufferPointer(rebasing: $0.dropFirst(prefix))) }
    }

    /// The identifier that was derived from these bytes.
    public init(_ digest: Digest128) { self.init(digest: digest.bytes) }
}

extension Digest128: SQLConvertible {
    public var sqlValue: SQLValue { .blob(bytes) }
}
