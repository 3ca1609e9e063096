/// Reads plain text: only quotations, as mail programs write them, are markup.
enum PlainReader {
    static func read(_ source: Bytes) -> CleanText {
        var builder = CleanTextBuilder(capacity: source.count)
        var index = 0
        var isQuote = false
        var announced = false
        while index < source.count {
            let (line, next) = Lines.next(source, from: index)
            index = next
            if Lines.isBlank(source, line) {
                builder.paragraph()
                continue
            }
            if MailQuotes.isOriginal(source[line]) {
                if !isQuote { builder.beginQuote() }
                builder.append(source, index..<source.count)
                break
            }
            if let start = MailQuotes.quoted(source, line) {
                if !isQuote { builder.beginQuote() }
                isQuote = true
                announced = false
                builder.append(source, start..<line.upperBound)
            } else if MailQuotes.isAnnouncement(source[line]) {
                if !isQuote { builder.beginQuote() }
                isQuote = true
                announced = true
                builder.append(source, line)
            } else {
                // After an announcement without marks, the rest is the earlier mail
                if isQuote, !announced {
                    builder.endQuote()
                    isQuote = false
                }
                builder.append(source, line)
            }
            builder.line()
        }
        return builder.finish()
    }
}
