/// Reads HTML as providers send it: forum posts, mails, descriptions of tickets.
enum HTMLReader {
    static func read(_ source: Bytes) -> CleanText {
        var builder = CleanTextBuilder(capacity: source.count)
        var markup = HTMLMarkup()
        var index = 0
        while index < source.count {
            let byte = source[index]
            if byte == UInt8(ascii: "<") {
                index = markup.read(source, at: index, into: &builder)
            } else if markup.isSkipping {
                index += 1
            } else if byte == UInt8(ascii: "&"), let (scalar, length) = HTMLEntities.read(source, at: index) {
                builder.append(scalar)
                index += length
            } else if byte == 0x0A || byte == 0x0D, !builder.isCode {
                // A line break in the source is white space
                builder.space()
                index += 1
            } else {
                index += builder.append(source, at: index)
            }
        }
        return builder.finish()
    }
}
