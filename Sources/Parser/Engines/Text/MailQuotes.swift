/// Signs by which mail programs mark what they quote.
enum MailQuotes {
    /// Whether a line announces a quotation: `On Monday, Ann wrote:`.
    static func isAnnouncement(_ line: Slice<Bytes>) -> Bool {
        let trimmed = trim(line)
        guard trimmed.count > 10, trimmed.count < 300, trimmed.last == UInt8(ascii: ":") else { return false }
        let starts = ["On ", "Am ", "Le ", "El ", "Il ", "Em ", "Op ", "Den ", "W dniu ", "Dne "]
        let ends = [
            "wrote:", "schrieb:", "a écrit :", "a écrit:", "escribió:", "ha scritto:", "escreveu:", "schreef:",
            "skrev:", "napsal:", "napisał:",
        ]
        return starts.contains { trimmed.starts(with: $0.utf8) }
            && (ends.contains { trimmed.suffix($0.utf8.count).elementsEqual($0.utf8) }
                || trimmed.starts(with: "Am ".utf8) && contains(trimmed, "schrieb "))
    }

    /// Whether a line starts a copy of an earlier mail: `-----Original Message-----`.
    static func isOriginal(_ line: Slice<Bytes>) -> Bool {
        let trimmed = trim(line)
        guard trimmed.starts(with: "-----".utf8), trimmed.count < 80 else { return false }
        return [
            "Original Message", "Ursprüngliche Nachricht", "Message d'origine", "Mensaje original", "Forwarded message",
        ]
        .contains { contains(trimmed, $0) }
    }

    /// Where the text of a quoted line starts, its `>` left out; nil if it is not quoted.
    static func quoted(_ source: Bytes, _ line: Range<Int>) -> Int? {
        var index = line.lowerBound
        while index < line.upperBound, index < line.lowerBound + 3, source[index] == 0x20 { index += 1 }
        guard index < line.upperBound, source[index] == UInt8(ascii: ">") else { return nil }
        while index < line.upperBound, source[index] == UInt8(ascii: ">") || source[index] == 0x20 { index += 1 }
        return index
    }

    private static func trim(_ line: Slice<Bytes>) -> Slice<Bytes> {
        var line = line
        while let first = line.first, first <= 0x20 { line.removeFirst() }
        while let last = line.last, last <= 0x20 { line.removeLast() }
        return line
    }

    private static func contains(_ line: Slice<Bytes>, _ part: String) -> Bool {
        let part = Array(part.utf8)
        guard line.count >= part.count else { return false }
        return (line.startIndex...line.endIndex - part.count).contains { line[$0...].starts(with: part) }
    }
}

/// Lines of a text.
enum Lines {
    /// The line that starts at an index, without its end, and where the next one starts.
    static func next(_ source: Bytes, from start: Int) -> (line: Range<Int>, next: Int) {
        var end = start
        while end < source.count, source[end] != 0x0A, source[end] != 0x0D { end += 1 }
        var next = end
        if next < source.count {
            next += source[next] == 0x0D && next + 1 < source.count && source[next + 1] == 0x0A ? 2 : 1
        }
        return (start..<end, next)
    }

    static func isBlank(_ source: Bytes, _ line: Range<Int>) -> Bool {
        line.allSatisfy { source[$0] <= 0x20 }
    }
}
