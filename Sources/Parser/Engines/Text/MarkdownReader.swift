/// Reads Markdown as issue trackers and chats write it, HTML within it included.
///
/// Line by line for blocks, sign by sign within a line.
struct MarkdownReader {
    private let source: Bytes
    private var builder: CleanTextBuilder
    private var markup = HTMLMarkup()
    private var isQuote = false
    private var afterBlank = true
    private var inList = false
    /// The fence that ends the code block, where one is open.
    private var fence: (sign: UInt8, length: Int)?
    private var isIndentedCode = false

    /// Brackets of the line that may turn out to be a link: where their text starts in the output.
    private var brackets: [(mark: Int, isImage: Bool)] = []
    /// No closing parenthesis before here.
    private var noParenthesisBefore = 0
    /// Runs of backticks, by length, that are not closed any more.
    private var openTicks: Set<Int> = []

    static func read(_ source: Bytes) -> CleanText {
        var reader = MarkdownReader(source: source)
        reader.read()
        return reader.builder.finish()
    }

    private init(source: Bytes) {
        self.source = source
        builder = CleanTextBuilder(capacity: source.count)
    }

    private mutating func read() {
        var index = 0
        while index < source.count {
            let (line, next) = Lines.next(source, from: index)
            index = max(next, block(line, next: next))
        }
    }

    // MARK: - Blocks

    /// Reads one line; returns where reading goes on, beyond the line if an element within it ends later.
    private mutating func block(_ line: Range<Int>, next: Int) -> Int {
        if let fence {
            if isFenceEnd(line, fence) {
                builder.endCode()
                self.fence = nil
                afterBlank = true
            } else {
                code(line)
            }
            return next
        }
        if Lines.isBlank(source, line) {
            if isIndentedCode { builder.append(0x0A) } else { builder.paragraph() }
            if isQuote { endQuote() }
            afterBlank = true
            return next
        }
        if builder.isCode, !isIndentedCode {
            // Within <pre>
            return inline(line.lowerBound, line.upperBound, next: next)
        }
        let indent = indentation(line)
        if indent >= 4, afterBlank || isIndentedCode, !inList, !isQuote, builder.quoteDepth == 0 {
            if !isIndentedCode { builder.beginCode() }
            isIndentedCode = true
            code(line)
            return next
        }
        if isIndentedCode {
            builder.endCode()
            isIndentedCode = false
        }
        defer { afterBlank = false }
        if let start = MailQuotes.quoted(source, line), !startsTag(line) {
            if !isQuote { builder.beginQuote() }
            isQuote = true
            return inline(start, line.upperBound, next: next)
        }
        if isQuote { endQuote() }
        let start = firstVisible(line)
        if let opened = fenceStart(start, line.upperBound) {
            builder.beginCode()
            fence = opened
            return next
        }
        if isRule(start, line.upperBound) || isDefinition(start, line.upperBound) {
            builder.line()
            return next
        }
        if MailQuotes.isAnnouncement(source[line]), next < source.count,
            MailQuotes.quoted(source, Lines.next(source, from: nextVisibleLine(next)).line) != nil
        {
            builder.beginQuote()
            isQuote = true
            return inline(start, line.upperBound, next: nextVisibleLine(next))
        }
        return inline(contentStart(start, line.upperBound), line.upperBound, next: next)
    }

    private mutating func endQuote() {
        builder.endQuote()
        isQuote = false
    }

    private mutating func code(_ line: Range<Int>) {
        builder.append(source, line)
        builder.append(0x0A)
    }

    private func indentation(_ line: Range<Int>) -> Int {
        var columns = 0
        for index in line {
            if source[index] == 0x20 { columns += 1 } else if source[index] == 0x09 { columns += 4 } else { break }
            if columns >= 4 { break }
        }
        return columns
    }

    private func firstVisible(_ line: Range<Int>) -> Int {
        line.first { source[$0] > 0x20 } ?? line.upperBound
    }

    private func nextVisibleLine(_ start: Int) -> Int {
        var index = start
        for _ in 0..<3 {
            let (line, next) = Lines.next(source, from: index)
            guard Lines.isBlank(source, line), next < source.count else { break }
            index = next
        }
        return index
    }

    /// `>` alone is a quotation; that which ends a tag of an earlier line is not looked for.
    private func startsTag(_ line: Range<Int>) -> Bool { source[line.lowerBound] == UInt8(ascii: "<") }

    private func fenceStart(_ start: Int, _ end: Int) -> (sign: UInt8, length: Int)? {
        guard start < end, source[start] == UInt8(ascii: "`") || source[start] == UInt8(ascii: "~") else { return nil }
        var index = start
        while index < end, source[index] == source[start] { index += 1 }
        guard index - start >= 3 else { return nil }
        // ```code``` in one line is inline code
        if source[start] == UInt8(ascii: "`"), source[index..<end].contains(UInt8(ascii: "`")) { return nil }
        return (source[start], index - start)
    }

    private func isFenceEnd(_ line: Range<Int>, _ fence: (sign: UInt8, length: Int)) -> Bool {
        var index = firstVisible(line)
        let start = index
        while index < line.upperBound, source[index] == fence.sign { index += 1 }
        return index - start >= fence.length && Lines.isBlank(source, index..<line.upperBound)
    }

    /// Rules, underlines of headings, separators of tables.
    private func isRule(_ start: Int, _ end: Int) -> Bool {
        var signs = 0
        var kinds: Set<UInt8> = []
        for index in start..<end {
            let byte = source[index]
            if byte <= 0x20 { continue }
            guard [0x2D, 0x3D, 0x2A, 0x5F, 0x7C, 0x3A].contains(byte) else { return false }
            kinds.insert(byte)
            signs += 1
        }
        return signs >= 3 && (kinds.count == 1 || kinds.contains(0x7C))
    }

    /// `[name]: address`
    private func isDefinition(_ start: Int, _ end: Int) -> Bool {
        guard start < end, source[start] == UInt8(ascii: "["),
            let close = source[start..<min(end, start + 80)].firstIndex(of: UInt8(ascii: "]")), close + 2 < end
        else { return false }
        return source[close + 1] == UInt8(ascii: ":") && source[close + 2] <= 0x20
            && source[close + 2..<end].contains(UInt8(ascii: "/"))
    }

    /// Past the signs of headings, list items and task boxes.
    private mutating func contentStart(_ start: Int, _ end: Int) -> Int {
        var index = start
        var isItem = false
        if source[index] == UInt8(ascii: "#") {
            while index < end, source[index] == UInt8(ascii: "#") { index += 1 }
            guard index - start <= 6, index == end || source[index] == 0x20 else { return start }
            builder.line()
            return index
        }
        if [0x2D, 0x2A, 0x2B].contains(source[index]), index + 1 < end, source[index + 1] <= 0x20 {
            index += 2
            isItem = true
        } else if source[index] &- 0x30 < 10 {
            while index < end, source[index] &- 0x30 < 10, index - start < 9 { index += 1 }
            guard index + 1 < end, source[index] == UInt8(ascii: ".") || source[index] == UInt8(ascii: ")"),
                source[index + 1] == 0x20
            else { return start }
            index += 2
            isItem = true
        }
        inList = isItem || (inList && start > 0 && source[start - 1] <= 0x20 && source[start - 1] != 0x0A)
        guard isItem else { return start }
        builder.line()
        if index + 3 < end, source[index] == UInt8(ascii: "["), source[index + 2] == UInt8(ascii: "]"),
            [0x20, 0x78, 0x58].contains(source[index + 1])
        {
            index += 3
        }
        return index
    }

    // MARK: - Within a line

    /// Reads from an index to the end of the line; returns where reading goes on.
    private mutating func inline(_ start: Int, _ end: Int, next: Int) -> Int {
        var index = start
        brackets.removeAll(keepingCapacity: true)
        while index < end {
            let byte = source[index]
            switch byte {
            case UInt8(ascii: "<"):
                if let stop = autolink(index, end) {
                    builder.append(source, index + 1..<stop)
                    index = stop + 1
                } else {
                    index = markup.read(source, at: index, into: &builder)
                }
            case _ where markup.isSkipping: index += 1
            case UInt8(ascii: "&"):
                if let (scalar, length) = HTMLEntities.read(source, at: index) {
                    builder.append(scalar)
                    index += length
                } else {
                    index += builder.append(source, at: index)
                }
            case _ where builder.isCode: index += builder.append(source, at: index)
            case UInt8(ascii: "`"): index = ticks(index)
            case UInt8(ascii: "\\"):
                let escapes =
                    index + 1 < end && source[index + 1] > 0x20 && source[index + 1] < 0x7F
                    && !((source[index + 1] | 0x20) &- 0x61 < 26) && !(source[index + 1] &- 0x30 < 10)
                index += escapes ? 1 : 0
                index += builder.append(source, at: index)
            case UInt8(ascii: "*"), UInt8(ascii: "_"), UInt8(ascii: "~"): index = emphasis(index, end)
            case UInt8(ascii: "["):
                let isImage = index > start && source[index - 1] == UInt8(ascii: "!")
                if brackets.count == 8 { brackets.removeFirst() }
                brackets.append((builder.mark(), isImage))
                index += builder.append(source, at: index)
            case UInt8(ascii: "]"): index = bracketEnd(index, end)
            case UInt8(ascii: "|"):
                builder.space()
                index += 1
            case UInt8(ascii: ":"):
                if let (scalar, length) = EmojiNames.read(source, at: index) {
                    builder.append(scalar)
                    index += length
                } else {
                    index += builder.append(source, at: index)
                }
            case UInt8(ascii: "h") where WordFeatures.isLink(source, at: index):
                // Underscores of an address are no emphasis
                let stop = address(index, end)
                builder.append(source, index..<stop)
                index = stop
            default: index += builder.append(source, at: index)
            }
        }
        if index <= end { builder.line() }
        return max(index, next)
    }

    private func address(_ start: Int, _ end: Int) -> Int {
        var index = start
        while index < end, source[index] > 0x20, ![0x29, 0x5D, 0x3C, 0x3E].contains(source[index]) { index += 1 }
        return max(index, start + 1)
    }

    /// The end of `<https://…>` or `<name@example.org>`; nil if it is none.
    private func autolink(_ start: Int, _ end: Int) -> Int? {
        guard start + 1 < end else { return nil }
        let isAddress = WordFeatures.isLink(source, at: start + 1)
        var index = start + 1
        var isMail = false
        while index < min(end, start + 2_048), source[index] > 0x20, source[index] != UInt8(ascii: "<") {
            if source[index] == UInt8(ascii: "@") { isMail = true }
            if source[index] == UInt8(ascii: ">") { return isAddress || isMail ? index : nil }
            if !isAddress, [0x22, 0x27, 0x3D, 0x2F].contains(source[index]) { return nil }
            index += 1
        }
        return nil
    }

    /// Code within a line stays part of the text, without its ticks.
    private mutating func ticks(_ start: Int) -> Int {
        var open = start
        while open < source.count, source[open] == UInt8(ascii: "`") { open += 1 }
        let length = open - start
        guard length <= 8, !openTicks.contains(length) else {
            builder.append(source, start..<open)
            return open
        }
        var index = open
        while index < source.count {
            guard source[index] == UInt8(ascii: "`") else {
                index += 1
                continue
            }
            let close = index
            while index < source.count, source[index] == UInt8(ascii: "`") { index += 1 }
            if index - close == length {
                builder.append(source, open..<close)
                return index
            }
        }
        openTicks.insert(length)
        builder.append(source, start..<open)
        return open
    }

    private mutating func emphasis(_ start: Int, _ end: Int) -> Int {
        var index = start
        let sign = source[start]
        while index < end, source[index] == sign { index += 1 }
        let before = start > 0 ? source[start - 1] : 0x20
        let after = index < end ? source[index] : 0x20
        let isOpen = after > 0x20
        let isClose = before > 0x20
        let isWithin = Self.isWord(before) && Self.isWord(after)
        let isMarkup =
            switch sign {
            case UInt8(ascii: "_"): (isOpen || isClose) && !isWithin
            case UInt8(ascii: "~"): index - start == 2
            default: (isOpen || isClose) && !(before &- 0x30 < 10 && after &- 0x30 < 10)
            }
        if !isMarkup || index - start > 3 { builder.append(source, start..<index) }
        return index
    }

    private static func isWord(_ byte: UInt8) -> Bool {
        byte >= 0x80 || (byte | 0x20) &- 0x61 < 26 || byte &- 0x30 < 10
    }

    /// `](address)` and `][name]` make a link of what the bracket holds: its text stays, that of a picture goes.
    private mutating func bracketEnd(_ start: Int, _ end: Int) -> Int {
        guard let bracket = brackets.popLast() else { return start + builder.append(source, at: start) }
        var stop: Int?
        if start + 1 < end, source[start + 1] == UInt8(ascii: "("), start >= noParenthesisBefore {
            stop = parenthesisEnd(start + 1, end)
            if stop == nil { noParenthesisBefore = end }
        } else if start + 1 < end, source[start + 1] == UInt8(ascii: "[") {
            stop = source[start..<min(end, start + 128)].dropFirst().firstIndex(of: UInt8(ascii: "]"))
        }
        guard let stop else { return start + builder.append(source, at: start) }
        if bracket.isImage {
            builder.remove(from: bracket.mark - 1)
        } else {
            builder.remove(at: bracket.mark, count: 1)
        }
        return stop + 1
    }

    private func parenthesisEnd(_ start: Int, _ end: Int) -> Int? {
        var depth = 0
        var index = start
        while index < end {
            if source[index] == UInt8(ascii: "(") { depth += 1 }
            if source[index] == UInt8(ascii: ")") {
                depth -= 1
                if depth == 0 { return index }
            }
            index += 1
        }
        return nil
    }
}
