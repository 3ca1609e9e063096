/// Escape sequences of JSON strings.
enum JSONEscapes {
    /// Decodes a validated string; the result is never longer than its source. A lone surrogate becomes U+FFFD.
    ///
    /// - Returns: How many bytes were written.
    static func decode(_ source: UnsafeBufferPointer<UInt8>, into target: UnsafeMutableBufferPointer<UInt8>) -> Int {
        var read = 0
        var written = 0
        while read < source.count {
            guard source[read] == UInt8(ascii: "\\") else {
                copyRun(source, &read, target, &written)
                continue
            }
            let escape = source[read &+ 1]
            read &+= 2
            switch escape {
            case UInt8(ascii: "b"): target[written] = 0x08
            case UInt8(ascii: "f"): target[written] = 0x0C
            case UInt8(ascii: "n"): target[written] = 0x0A
            case UInt8(ascii: "r"): target[written] = 0x0D
            case UInt8(ascii: "t"): target[written] = 0x09
            case UInt8(ascii: "u"):
                var code = unit(source, read)
                read &+= 4
                if code & 0xFC00 == 0xD800, read &+ 6 <= source.count, source[read] == UInt8(ascii: "\\"),
                    source[read &+ 1] == UInt8(ascii: "u"), case let low = unit(source, read &+ 2),
                    low & 0xFC00 == 0xDC00
                {
                    code = 0x10000 &+ ((code & 0x3FF) << 10) &+ (low & 0x3FF)
                    read &+= 6
                }
                written &+= encode(Unicode.Scalar(code) ?? "\u{FFFD}", at: written, in: target)
                continue
            default: target[written] = escape
            }
            written &+= 1
        }
        return written
    }

    /// Copies what stands before the next escape, eight bytes at a time.
    @inline(__always)
    private static func copyRun(
        _ source: UnsafeBufferPointer<UInt8>, _ read: inout Int, _ target: UnsafeMutableBufferPointer<UInt8>,
        _ written: inout Int
    ) {
        let from = UnsafeRawBufferPointer(source)
        let to = UnsafeMutableRawBufferPointer(target)
        while read &+ 8 <= source.count, written &+ 8 <= target.count {
            let word = from.loadUnaligned(fromByteOffset: read, as: UInt64.self)
            let solidi = word.littleEndian ^ 0x5C5C_5C5C_5C5C_5C5C
            let found = (solidi &- 0x0101_0101_0101_0101) & ~solidi & 0x8080_8080_8080_8080
            to.storeBytes(of: word, toByteOffset: written, as: UInt64.self)
            let plain = found == 0 ? 8 : found.trailingZeroBitCount >> 3
            read &+= plain
            written &+= plain
            if plain < 8 { return }
        }
        while read < source.count, source[read] != UInt8(ascii: "\\") {
            target[written] = source[read]
            read &+= 1
            written &+= 1
        }
    }

    @inline(__always)
    static func hexValue(_ byte: UInt8) -> UInt8? {
        switch byte {
        case 0x30...0x39: byte &- 0x30
        case 0x41...0x46: byte &- 0x37
        case 0x61...0x66: byte &- 0x57
        default: nil
        }
    }

    /// The four digits of `\u`.
    private static func unit(_ source: UnsafeBufferPointer<UInt8>, _ start: Int) -> UInt32 {
        var value: UInt32 = 0
        for i in start..<start &+ 4 { value = value << 4 | UInt32(hexValue(source[i]) ?? 0) }
        return value
    }

    private static func encode(
        _ scalar: Unicode.Scalar, at start: Int, in target: UnsafeMutableBufferPointer<UInt8>
    ) -> Int {
        var at = start
        for byte in UTF8.encode(scalar) ?? UTF8.encodedReplacementCharacter {
            target[at] = byte
            at &+= 1
        }
        return at &- start
    }
}
