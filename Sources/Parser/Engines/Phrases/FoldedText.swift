/// A text as phrases are looked for: lower case, words parted by one space, a space at both ends.
enum FoldedText {
    /// What lies beyond this many bytes is not looked at.
    static let limit = 8_192

    /// Writes the folded text and returns its length.
    static func fold(_ text: Bytes, into output: UnsafeMutableBufferPointer<UInt8>) -> Int {
        output[0] = 0x20
        var count = 1
        var index = 0
        while index < text.count, count < limit - 8 {
            let byte = text[index]
            if byte < 0x80 {
                index += 1
                if (byte | 0x20) &- 0x61 < 26 {
                    output[count] = byte | 0x20
                    count += 1
                } else if byte &- 0x30 < 10 {
                    output[count] = byte
                    count += 1
                } else if byte != UInt8(ascii: "'"), output[count - 1] != 0x20 {
                    output[count] = 0x20
                    count += 1
                }
                continue
            }
            let (scalar, width) = Scalars.decode(text, at: index)
            switch Scalars.classify(scalar) {
            case .modifier: break
            case .separator, .symbol:
                if scalar != 0x2019, output[count - 1] != 0x20 {
                    output[count] = 0x20
                    count += 1
                }
            default:
                let folded = Scalars.fold(scalar)
                if folded == scalar || width != 2 {
                    for offset in 0..<width { output[count + offset] = text[index + offset] }
                    if folded != scalar { output[count + width - 1] = UInt8(0x80 | folded & 0x3F) }
                    count += width
                } else if folded < 0x80 {
                    output[count] = UInt8(folded)
                    count += 1
                } else {
                    output[count] = UInt8(0xC0 | folded >> 6)
                    output[count + 1] = UInt8(0x80 | folded & 0x3F)
                    count += 2
                }
            }
            index += width
        }
        if output[count - 1] != 0x20 {
            output[count] = 0x20
            count += 1
        }
        return count
    }
}
