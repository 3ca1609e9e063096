import Crypto

/// The SHA-256 of a file, as its bytes come.
public struct FileSum: Sendable {
    private var hash = SHA256()
    public private(set) var count = 0

    public init() {}

    public mutating func add(_ bytes: [UInt8]) {
        count += bytes.count
        bytes.withUnsafeBytes { hash.update(bufferPointer: $0) }
    }

    /// In hexadecimal, of lower case.
    public var text: String { Self.hexadecimal(hash.finalize()) }

    /// The SHA-256 of some bytes, in hexadecimal.
    public static func of(_ bytes: [UInt8]) -> String {
        var sum = FileSum()
        sum.add(bytes)
        return sum.text
    }

    private static func hexadecimal(_ bytes: some Sequence<UInt8>) -> String {
        let digits = Array("0123456789abcdef".utf8)
        return String(
            decoding: bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
    }
}
