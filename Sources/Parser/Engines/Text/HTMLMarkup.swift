/// What a tag of HTML does to the text around it; shared by HTML and by Markdown, which may hold HTML.
struct HTMLMarkup {
    /// Elements that change where text goes until they end.
    private struct Frame {
        enum Effect { case quote, code, skip }
        var name: Name
        var effect: Effect
        /// Elements of the same name that opened since.
        var nested = 0
    }

    /// A tag's name in lower case: its first 8 bytes, which tell all names apart that matter.
    struct Name: Equatable {
        var value: UInt64
        init(_ literal: StaticString) {
            value = 0
            for index in 0..<min(8, literal.utf8CodeUnitCount) { value = value << 8 | UInt64(literal.utf8Start[index]) }
        }
        init(_ source: Bytes, _ range: Range<Int>) {
            value = 0
            for index in range.prefix(8) { value = value << 8 | UInt64(source[index] | 0x20) }
        }
    }

    private var frames: [Frame] = []
    /// Beyond this depth elements are read for their text only.
    private static let deepest = 64
    /// No such sign comes any more: looked for once, not again.
    private var noMoreDoubleQuotes = false
    private var noMoreSingleQuotes = false
    private var noMoreCommentEnds = false

    private var skips = 0

    /// Whether text is left out here: scripts, styles, captions of pictures.
    var isSkipping: Bool { skips > 0 }

    /// Reads what starts with `<` at an index; returns where reading goes on.
    ///
    /// Each byte is looked at a fixed number of times: what turns out to be no tag is written as text up to where
    /// that was seen.
    mutating func read(_ source: Bytes, at start: Int, into builder: inout CleanTextBuilder) -> Int {
        let next = start + 1 < source.count ? source[start + 1] : 0
        if next == UInt8(ascii: "!") || next == UInt8(ascii: "?") {
            return declaration(source, at: start, into: &builder)
        }
        let isEnd = next == UInt8(ascii: "/")
        var index = start + (isEnd ? 2 : 1)
        let nameStart = index
        while index < source.count, (source[index] | 0x20) &- 0x61 < 26 || source[index] &- 0x30 < 10 { index += 1 }
        guard index > nameStart, (source[nameStart] | 0x20) &- 0x61 < 26, nameEnds(source, at: index) else {
            text(source, start..<start + 1, into: &builder)
            return start + 1
        }
        let name = Name(source, nameStart..<index)
        let attributes = index
        guard let end = tagEnd(source, from: index) else {
            let stop = source[index...].dropFirst().firstIndex(of: UInt8(ascii: "<")) ?? source.count
            text(source, start..<stop, into: &builder)
            return stop
        }
        if isEnd {
            close(name, into: &builder)
        } else {
            open(name, source, attributes..<end, into: &builder)
        }
        var after = end + 1
        if !isEnd, name == Name("script") || name == Name("style") || name == Name("textarea") {
            after = rawEnd(source, from: after, name: name)
        }
        return after
    }

    private func nameEnds(_ source: Bytes, at index: Int) -> Bool {
        guard index < source.count else { return false }
        let byte = source[index]
        return byte <= 0x20 || byte == UInt8(ascii: ">") || byte == UInt8(ascii: "/") || byte == UInt8(ascii: "-")
    }

    private func text(_ source: Bytes, _ range: Range<Int>, into builder: inout CleanTextBuilder) {
        if !isSkipping { builder.append(source, range) }
    }

    /// Where the `>` of a tag is; nil if another tag or the end comes first.
    private mutating func tagEnd(_ source: Bytes, from start: Int) -> Int? {
        var index = start
        while index < source.count {
            switch source[index] {
            case UInt8(ascii: ">"): return index
            case UInt8(ascii: "<"): return nil
            case UInt8(ascii: "\"") where !noMoreDoubleQuotes:
                if let end = source[(index + 1)...].firstIndex(of: UInt8(ascii: "\"")) {
                    index = end
                } else {
                    noMoreDoubleQuotes = true
                }
            case UInt8(ascii: "'") where !noMoreSingleQuotes:
                if let end = source[(index + 1)...].firstIndex(of: UInt8(ascii: "'")) {
                    index = end
                } else {
                    noMoreSingleQuotes = true
                }
            default: break
            }
            index += 1
        }
        return nil
    }

    private mutating func declaration(_ source: Bytes, at start: Int, into builder: inout CleanTextBuilder) -> Int {
        let isComment = source[start...].starts(with: Array("<!--".utf8))
        if isComment, !noMoreCommentEnds {
            var index = start + 4
            while index + 2 < source.count {
                if source[index] == 0x2D, source[index + 1] == 0x2D, source[index + 2] == 0x3E { return index + 3 }
                index += 1
            }
            noMoreCommentEnds = true
        }
        var index = start + 1
        while index < source.count, source[index] != UInt8(ascii: ">"), source[index] != UInt8(ascii: "<") {
            index += 1
        }
        if index < source.count, source[index] == UInt8(ascii: ">"), !isComment { return index + 1 }
        text(source, start..<index, into: &builder)
        return index
    }

    /// The end of the element whose content is no markup.
    private func rawEnd(_ source: Bytes, from start: Int, name: Name) -> Int {
        var index = start
        while index + 2 < source.count {
            if source[index] == UInt8(ascii: "<"), source[index + 1] == UInt8(ascii: "/") {
                var end = index + 2
                while end < source.count, (source[end] | 0x20) &- 0x61 < 26, end < index + 12 { end += 1 }
                if Name(source, index + 2..<end) == name {
                    return source[end...].firstIndex(of: UInt8(ascii: ">")).map { $0 + 1 } ?? source.count
                }
            }
            index += 1
        }
        return source.count
    }

    // MARK: - Elements

    private mutating func open(_ name: Name, _ source: Bytes, _ range: Range<Int>, into builder: inout CleanTextBuilder)
    {
        let isVoid = range.last.map { source[$0] == UInt8(ascii: "/") } ?? false
        switch name {
        case Name("br"): if !isSkipping { builder.line() }
        case Name("img"): if !isSkipping { image(source, range, into: &builder) }
        case Name("td"), Name("th"): builder.space()
        case Name("blockquote"): push(name, .quote, into: &builder)
        case Name("pre"): push(name, .code, into: &builder)
        case Name("head"), Name("svg"), Name("template"), Name("select"):
            if !isVoid { push(name, .skip, into: &builder) }
        case Name("aside"), Name("div"):
            builder.line()
            guard !isVoid else { return }
            let classes = attribute("class", source, range)
            if hasClass(classes, "quote") || hasClass(classes, "onebox") || hasClass(classes, "gmail_quote") {
                push(name, .quote, into: &builder)
            } else if hasClass(classes, "meta"), name == Name("div") {
                push(name, .skip, into: &builder)
            } else {
                nest(name)
            }
        default:
            if Self.isParagraph(name) { builder.paragraph() } else if Self.isBlock(name) { builder.line() }
            if !isVoid { nest(name) }
        }
    }

    private mutating func close(_ name: Name, into builder: inout CleanTextBuilder) {
        if Self.isParagraph(name) { builder.paragraph() } else if Self.isBlock(name) { builder.line() }
        guard let index = frames.lastIndex(where: { $0.name == name }) else { return }
        if frames[index].nested > 0 {
            frames[index].nested -= 1
            return
        }
        while frames.count > index { pop(into: &builder) }
    }

    private mutating func nest(_ name: Name) {
        guard let index = frames.lastIndex(where: { $0.name == name }) else { return }
        frames[index].nested += 1
    }

    private mutating func push(_ name: Name, _ effect: Frame.Effect, into builder: inout CleanTextBuilder) {
        guard frames.count < Self.deepest else {
            nest(name)
            return
        }
        frames.append(Frame(name: name, effect: effect))
        switch effect {
        case .quote: builder.beginQuote()
        case .code: builder.beginCode()
        case .skip: skips += 1
        }
    }

    private mutating func pop(into builder: inout CleanTextBuilder) {
        guard let frame = frames.popLast() else { return }
        switch frame.effect {
        case .quote: builder.endQuote()
        case .code: builder.endCode()
        case .skip: skips -= 1
        }
    }

    private static func isParagraph(_ name: Name) -> Bool {
        switch name {
        case Name("p"), Name("h1"), Name("h2"), Name("h3"), Name("h4"), Name("h5"), Name("h6"): true
        default: false
        }
    }

    private static func isBlock(_ name: Name) -> Bool {
        switch name {
        case Name("div"), Name("li"), Name("ul"), Name("ol"), Name("table"), Name("tr"), Name("hr"), Name("section"),
            Name("article"), Name("header"), Name("footer"), Name("aside"), Name("details"), Name("summary"),
            Name("figure"), Name("dl"), Name("dt"), Name("dd"), Name("title"), Name("form"), Name("main"):
            true
        default: false
        }
    }

    /// Emoji are text that happens to be drawn; of other pictures nothing was said.
    private func image(_ source: Bytes, _ range: Range<Int>, into builder: inout CleanTextBuilder) {
        guard hasClass(attribute("class", source, range), "emoji"), let alt = attribute("alt", source, range) else {
            return
        }
        alt.withUnsafeBufferPointer { bytes in
            if let (scalar, _) = EmojiNames.read(bytes, at: 0), bytes[0] == UInt8(ascii: ":") {
                builder.append(scalar)
            } else {
                builder.append(bytes, 0..<bytes.count)
            }
        }
    }

    // MARK: - Attributes

    private func attribute(_ name: StaticString, _ source: Bytes, _ range: Range<Int>) -> [UInt8]? {
        let length = name.utf8CodeUnitCount
        var index = range.lowerBound
        while index + length < range.upperBound {
            let byte = source[index]
            if byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "'") {
                guard let end = source[(index + 1)..<range.upperBound].firstIndex(of: byte) else { return nil }
                index = end + 1
                continue
            }
            let isStart = source[index - 1] <= 0x20
            if isStart, source[index + length] == UInt8(ascii: "="),
                (0..<length).allSatisfy({ source[index + $0] | 0x20 == name.utf8Start[$0] })
            {
                return value(source, from: index + length + 1, to: range.upperBound)
            }
            index += 1
        }
        return nil
    }

    private func value(_ source: Bytes, from start: Int, to end: Int) -> [UInt8] {
        guard start < end else { return [] }
        let quote = source[start]
        if quote == UInt8(ascii: "\"") || quote == UInt8(ascii: "'") {
            let stop = source[(start + 1)..<end].firstIndex(of: quote) ?? end
            return Array(source[(start + 1)..<stop])
        }
        let stop = source[start..<end].firstIndex { $0 <= 0x20 } ?? end
        return Array(source[start..<stop])
    }

    private func hasClass(_ classes: [UInt8]?, _ name: String) -> Bool {
        classes?.split(separator: 0x20).contains { $0.elementsEqual(name.utf8) } ?? false
    }
}
