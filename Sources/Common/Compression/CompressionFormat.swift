/// A compressed form of a byte sequence.
public enum CompressionFormat: Sendable, Hashable {
    /// RFC 1952; several members one after another are one sequence.
    case gzip
    /// RFC 1950: what HTTP calls `deflate`.
    case zlib
    /// RFC 1951: bare deflate, which some senders send as `deflate`.
    case deflate

    /// The form that the first bytes announce, if they announce gzip.
    public static func detect(_ firstBytes: some Collection<UInt8>) -> CompressionFormat? {
        firstBytes.prefix(2).elementsEqual([0x1F, 0x8B]) ? .gzip : nil
    }

    /// What an HTTP body with `Content-Encoding: deflate` is: zlib if its header says so, else bare deflate.
    public static func httpDeflate(_ firstBytes: some Collection<UInt8>) -> CompressionFormat {
        var header = 0
        for byte in firstBytes.prefix(2) { header = header << 8 | Int(byte) }
        return header & 0x0F00 == 0x0800 && header % 31 == 0 ? .zlib : .deflate
    }

    var windowBits: Int32 {
        switch self {
        case .gzip: 15 + 16
        case .zlib: 15
        case .deflate: -15
        }
    }
}

/// What can be wrong with compressed bytes.
public enum CompressionError: Error, Sendable, Hashable, CustomStringConvertible {
    /// The bytes are not of this form, or were changed.
    case malformed(String)
    /// The bytes end before the compressed sequence does.
    case truncated
    /// Bytes follow the end of the compressed sequence.
    case trailingBytes
    /// There is more than ``InflateLimits/maximumBytes``.
    case tooLarge(limit: Int)
    /// The bytes grow more than ``InflateLimits/maximumRatio`` times: a decompression bomb.
    case ratioExceeded(limit: Int)
    case outOfMemory

    public var description: String {
        switch self {
        case .malformed(let reason): "the compressed bytes are malformed: \(reason)"
        case .truncated: "the compressed bytes end too early"
        case .trailingBytes: "bytes follow the end of the compressed data"
        case .tooLarge(let limit): "there is more than the \(limit) bytes that are allowed once it is decompressed"
        case .ratioExceeded(let limit): "it grows more than \(limit) times when it is decompressed"
        case .outOfMemory: "no memory to decompress with"
        }
    }
}
