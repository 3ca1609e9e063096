/// Reads BBCode: only tags that forums know are markup, other brackets are text.
struct BBCodeReader {
    private let source: Bytes
    private var builder: CleanTextBuilder
    private var index = 0

    static func read(_ source: Bytes) -> CleanText {
        var reader = BBCodeReader(source: source, builder: CleanTextBuilder(capacity: source.count))
        reader.read()
        return reader.builder.finish(unclosedIsProse: true)
    }

    private mutating func read() {
        while index < source.count {
            if source[index] == UInt8(ascii: "["), let tag = tag(at: index) {
                index = tag.end
                apply(tag)
            } else if source[index] == UInt8(ascii: "&"), let (scalar, length) = HTMLEntities.read(source, at: index) {
                builder.append(scalar)
                index += length
            } else {
                index += builder.append(source, at: index)
            }
        }
    }

    private struct Tag {
        var name: String
        var isEnd: Bool
        var end: Int
    }

    private static let known: Set<String> = [
        "b", "i", "u", "s", "strike", "url", "img", "quote", "code", "pre", "list", "ul", "ol", "li", "*", "color",
        "colour", "size", "font", "center", "left", "right", "justify", "h1", "h2", "h3", "spoiler", "table", "tr",
        "td", "th", "hr", "youtube", "video", "media", "email", "mention", "user", "noparse", "sub", "sup", "indent",
        "attachment", "attach", "previewyoutube", "icode", "inline", "details",
    ]

    /// The tag whose bracket is at an index; it must end in the same line, before another bracket opens.
    private func tag(at start: Int) -> Tag? {
        var end = start + 1
        let isEnd = end < source.count && source[end] == UInt8(ascii: "/")
        if isEnd { end += 1 }
        let nameStart = end
        while end < source.count, end - nameStart < 16,
            source[end] == UInt8(ascii: "*")
                || (source[end] | 0x20) &- 0x61 < 26 || source[end] &- 0x30 < 10
        {
            end += 1
        }
        guard end > nameStart, end < source.count else { return nil }
        let name = String(decoding: source[nameStart..<end], as: UTF8.self).lowercased()
        guard Self.known.contains(name) else { return nil }
        guard [UInt8(ascii: "]"), UInt8(ascii: "="), UInt8(ascii: " "), UInt8(ascii: ":")].contains(source[end]) else {
            return nil
        }
        let limit = min(source.count, end + 2_048)
        while end < limit, source[end] != UInt8(ascii: "]"), source[end] != UInt8(ascii: "["), source[end] != 0x0A {
            end += 1
        }
        guard end < limit, source[end] == UInt8(ascii: "]") else { return nil }
        return Tag(name: name, isEnd: isEnd, end: end + 1)
    }

    private mutating func apply(_ tag: Tag) {
        switch tag.name {
        case "quote": if tag.isEnd { builder.endQuote() } else { builder.beginQuote() }
        case "code", "pre": if !tag.isEnd { verbatim(until: tag.name) }
        case "img", "youtube", "video", "media", "attachment", "attach":
            if !tag.isEnd { skip(past: tag.name) }
        case "*", "li", "hr", "tr", "list", "ul", "ol", "table", "center", "h1", "h2", "h3", "indent":
            builder.line()
        case "td", "th": builder.space()
        default: break
        }
    }

    /// Code up to its end tag; without one, the tag alone is dropped.
    private mutating func verbatim(until name: String) {
        guard let end = endTag(name) else { return }
        builder.beginCode()
        while index < end.start { index += builder.append(source, at: index) }
        builder.endCode()
        index = end.end
    }

    private mutating func skip(past name: String) {
        if let end = endTag(name), end.start - index < 2_048 { index = end.end }
    }

    private var missing: Set<String> = []

    private init(source: Bytes, builder: CleanTextBuilder) {
        self.source = source
        self.builder = builder
    }

    /// The next end tag of a name; that there is none is found out once.
    private mutating func endTag(_ name: String) -> (start: Int, end: Int)? {
        guard !missing.contains(name) else { return nil }
        let wanted = Array("[/\(name)]".utf8)
        var start = index
        while start + wanted.count <= source.count {
            if source[start] == UInt8(ascii: "["),
                (1..<wanted.count).allSatisfy({ Scalars.fold(UInt32(source[start + $0])) == UInt32(wanted[$0]) })
            {
                return (start, start + wanted.count)
            }
            start += 1
        }
        missing.insert(name)
        return nil
    }
}
