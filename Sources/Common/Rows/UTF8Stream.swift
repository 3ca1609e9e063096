/// Makes UTF-8 of a text that comes in pieces: drops a byte order mark and translates UTF-16.
///
/// Bytes in other encodings pass as they are; `CSVHeader` reads a row that is no UTF-8 as Windows-1252.
struct UTF8Stream: Sendable {
    private enum Encoding { case unknown, bytes, utf16(isBigEndian: Bool) }
    private var encoding = Encoding.unknown
    /// Bytes that do not make a whole character yet.
    private var carry: [UInt8] = []
    private var mark = 0

    init() {}

    /// Goes on in a text that is not translated, somewhere behind its byte order mark of this length.
    init(plainAfter mark: Int) {
        encoding = .bytes
        self.mark = mark
    }

    /// Length of the byte order mark of a text that is not translated; nil if it is, or no byte came yet.
    var plainMark: Int? {
        if case .bytes = encoding { mark } else { nil }
    }

    /// Which order the bytes of UTF-16 have; nil where the text is none.
    var isBigEndianUTF16: Bool? {
        if case .utf16(let isBigEndian) = encoding { isBigEndian } else { nil }
    }
    var hasMark: Bool { mark > 0 }

    /// Translates a piece onto the end of `output`.
    mutating func decode(_ bytes: some Collection<UInt8>, into output: inout [UInt8], isLast: Bool) {
        if case .bytes = encoding {
            output.append(contentsOf: bytes)
            return
        }
        carry.append(contentsOf: bytes)
        if case .unknown = encoding {
            guard carry.count >= 4 || isLast else { return }
            let (encoding, mark) = Self.detect(carry)
            self.encoding = encoding
            self.mark = mark
            carry.removeFirst(mark)
        }
        switch encoding {
        case .unknown: break
        case .bytes:
            output.append(contentsOf: carry)
            carry = []
        case .utf16(let isBigEndian): translate(isBigEndian, into: &output, isLast: isLast)
        }
    }

    private static func detect(_ bytes: [UInt8]) -> (Encoding, markLength: Int) {
        if bytes.starts(with: [0xEF, 0xBB, 0xBF]) { return (.bytes, 3) }
        if bytes.starts(with: [0xFF, 0xFE]) { return (.utf16(isBigEndian: false), 2) }
        if bytes.starts(with: [0xFE, 0xFF]) { return (.utf16(isBigEndian: true), 2) }
        // Without a mark: the first characters of a table are letters, which UTF-16 pads with zeros.
        if bytes.count >= 4, bytes[1] == 0, bytes[3] == 0, bytes[0] != 0 { return (.utf16(isBigEndian: false), 0) }
        if bytes.count >= 4, bytes[0] == 0, bytes[2] == 0, bytes[1] != 0 { return (.utf16(isBigEndian: true), 0) }
        return (.bytes, 0)
    }

    private mutating func translate(_ isBigEndian: Bool, into output: inout [UInt8], isLast: Bool) {
        func unit(_ at: Int) -> UInt32 {
            isBigEndian
                ? UInt32(carry[at]) << 8 | UInt32(carry[at + 1]) : UInt32(carry[at + 1]) << 8 | UInt32(carry[at])
        }
        output.reserveCapacity(output.count + carry.count)
        var at = 0
        while at + 2 <= carry.count {
            var code = unit(at)
            var length = 2
            if code & 0xFC00 == 0xD800 {
                if at + 4 > carry.count, !isLast { break }
                if at + 4 <= carry.count, case let low = unit(at + 2), low & 0xFC00 == 0xDC00 {
                    code = 0x10000 + ((code & 0x3FF) << 10) + (low & 0x3FF)
                    length = 4
                }
            }
            Self.append(code, to: &output)
            at += length
        }
        if isLast, at < carry.count {  // half a unit
            Self.append(0xFFFD, to: &output)
            at = carry.count
        }
        carry.removeFirst(at)
    }

    /// Appends a scalar; a surrogate becomes U+FFFD.
    static func append(_ code: UInt32, to output: inout [UInt8]) {
        if code < 0x80 {
            output.append(UInt8(code))
        } else {
            output.append(
                contentsOf: UTF8.encode(Unicode.Scalar(code) ?? "\u{FFFD}") ?? UTF8.encodedReplacementCharacter)
        }
    }
}

/// The characters 0x80 to 0x9F of Windows-1252; the others are those of Unicode.
enum Windows1252 {
    private static let high: [UInt32] = [
        0x20AC, 0x81, 0x201A, 0x0192, 0x201E, 0x2026, 0x2020, 0x2021, 0x02C6, 0x2030, 0x0160, 0x2039, 0x0152, 0x8D,
        0x017D, 0x8F, 0x90, 0x2018, 0x2019, 0x201C, 0x201D, 0x2022, 0x2013, 0x2014, 0x02DC, 0x2122, 0x0161, 0x203A,
        0x0153, 0x9D, 0x017E, 0x0178,
    ]

    /// The bytes, read as Windows-1252, in UTF-8.
    static func utf8(_ bytes: some Collection<UInt8>) -> [UInt8] {
        var output: [UInt8] = []
        output.reserveCapacity(bytes.count + 16)
        for byte in bytes {
            UTF8Stream.append(byte >= 0x80 && byte < 0xA0 ? high[Int(byte - 0x80)] : UInt32(byte), to: &output)
        }
        return output
    }
}
