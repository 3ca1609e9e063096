/// The one pass over a text: checks the whole grammar and UTF-8, and writes the index.
final class JSONScanner {
    private(set) var nodes: [JSONNode] = []
    private let maximumDepth: Int

    init(maximumDepth: Int) { self.maximumDepth = maximumDepth }

    func scan(_ text: UnsafeBufferPointer<UInt8>) throws(JSONError) {
        nodes.reserveCapacity(text.count / 12 + 4)
        var at = skipSpace(text, from: 0)
        at = try value(text, at: at, depth: 0)
        at = skipSpace(text, from: at)
        if at != text.count { throw JSONError(.trailingBytes, at: at) }
    }

    @inline(__always)
    private func skipSpace(_ text: UnsafeBufferPointer<UInt8>, from start: Int) -> Int {
        var at = start
        while at < text.count {
            switch text[at] {
            case 0x20, 0x0A, 0x0D, 0x09: at &+= 1
            default: return at
            }
        }
        return at
    }

    private func value(_ text: UnsafeBufferPointer<UInt8>, at start: Int, depth: Int) throws(JSONError) -> Int {
        guard start < text.count else { throw JSONError(.unexpectedEnd, at: start) }
        switch text[start] {
        case UInt8(ascii: "{"): return try object(text, at: start, depth: depth)
        case UInt8(ascii: "["): return try array(text, at: start, depth: depth)
        case UInt8(ascii: "\""): return try string(text, at: start)
        case UInt8(ascii: "t"): return try literal(text, at: start, "true", .true)
        case UInt8(ascii: "f"): return try literal(text, at: start, "false", .false)
        case UInt8(ascii: "n"): return try literal(text, at: start, "null", .null)
        default: return try number(text, at: start)
        }
    }

    private func object(_ text: UnsafeBufferPointer<UInt8>, at start: Int, depth: Int) throws(JSONError) -> Int {
        guard depth < maximumDepth else { throw JSONError(.tooDeep, at: start) }
        let me = open(.object, at: start)
        var at = skipSpace(text, from: start &+ 1)
        guard at < text.count else { throw JSONError(.unexpectedEnd, at: at) }
        if text[at] == UInt8(ascii: "}") { return close(me, at: at) }
        while true {
            guard at < text.count else { throw JSONError(.unexpectedEnd, at: at) }
            guard text[at] == UInt8(ascii: "\"") else { throw JSONError(.unexpectedByte, at: at) }
            at = skipSpace(text, from: try string(text, at: at))
            guard at < text.count else { throw JSONError(.unexpectedEnd, at: at) }
            guard text[at] == UInt8(ascii: ":") else { throw JSONError(.unexpectedByte, at: at) }
            at = skipSpace(text, from: at &+ 1)
            at = skipSpace(text, from: try value(text, at: at, depth: depth &+ 1))
            guard at < text.count else { throw JSONError(.unexpectedEnd, at: at) }
            switch text[at] {
            case UInt8(ascii: ","): at = skipSpace(text, from: at &+ 1)
            case UInt8(ascii: "}"): return close(me, at: at)
            default: throw JSONError(.unexpectedByte, at: at)
            }
        }
    }

    private func array(_ text: UnsafeBufferPointer<UInt8>, at start: Int, depth: Int) throws(JSONError) -> Int {
        guard depth < maximumDepth else { throw JSONError(.tooDeep, at: start) }
        let me = open(.array, at: start)
        var at = skipSpace(text, from: start &+ 1)
        guard at < text.count else { throw JSONError(.unexpectedEnd, at: at) }
        if text[at] == UInt8(ascii: "]") { return close(me, at: at) }
        while true {
            at = skipSpace(text, from: try value(text, at: at, depth: depth &+ 1))
            guard at < text.count else { throw JSONError(.unexpectedEnd, at: at) }
            switch text[at] {
            case UInt8(ascii: ","): at = skipSpace(text, from: at &+ 1)
            case UInt8(ascii: "]"): return close(me, at: at)
            default: throw JSONError(.unexpectedByte, at: at)
            }
        }
    }

    private func open(_ kind: JSONKind, at start: Int) -> Int {
        nodes.append(JSONNode(kind: kind, escaped: false, start: UInt32(truncatingIfNeeded: start), end: 0, next: 0))
        return nodes.count &- 1
    }

    private func close(_ index: Int, at: Int) -> Int {
        nodes[index].end = UInt32(truncatingIfNeeded: at &+ 1)
        nodes[index].next = UInt32(truncatingIfNeeded: nodes.count)
        return at &+ 1
    }

    private func leaf(_ kind: JSONKind, _ start: Int, _ end: Int, escaped: Bool = false) {
        nodes.append(
            JSONNode(
                kind: kind, escaped: escaped, start: UInt32(truncatingIfNeeded: start),
                end: UInt32(truncatingIfNeeded: end), next: UInt32(truncatingIfNeeded: nodes.count &+ 1)))
    }

    private func literal(
        _ text: UnsafeBufferPointer<UInt8>, at start: Int, _ word: StaticString, _ kind: JSONKind
    ) throws(JSONError) -> Int {
        let end = start &+ word.utf8CodeUnitCount
        guard end <= text.count else { throw JSONError(.unexpectedEnd, at: text.count) }
        for i in 0..<word.utf8CodeUnitCount where text[start &+ i] != word.utf8Start[i] {
            throw JSONError(.unexpectedByte, at: start &+ i)
        }
        leaf(kind, start, end)
        return end
    }

    private func number(_ text: UnsafeBufferPointer<UInt8>, at start: Int) throws(JSONError) -> Int {
        var at = start
        @inline(__always) func digit(_ i: Int) -> Bool { i < text.count && text[i] &- 0x30 < 10 }
        if text[at] == UInt8(ascii: "-") { at &+= 1 }
        guard digit(at) else { throw JSONError(at == start ? .unexpectedByte : .invalidNumber, at: at) }
        if text[at] == UInt8(ascii: "0") {
            at &+= 1
            if digit(at) { throw JSONError(.invalidNumber, at: at) }
        } else {
            while digit(at) { at &+= 1 }
        }
        var kind = JSONKind.integer
        if at < text.count, text[at] == UInt8(ascii: ".") {
            kind = .double
            at &+= 1
            guard digit(at) else { throw JSONError(.invalidNumber, at: at) }
            while digit(at) { at &+= 1 }
        }
        if at < text.count, text[at] | 0x20 == UInt8(ascii: "e") {
            kind = .double
            at &+= 1
            if at < text.count, text[at] == UInt8(ascii: "+") || text[at] == UInt8(ascii: "-") { at &+= 1 }
            guard digit(at) else { throw JSONError(.invalidNumber, at: at) }
            while digit(at) { at &+= 1 }
        }
        leaf(kind, start, at)
        return at
    }

    /// Eight bytes at a time until a quotation mark, a reverse solidus, a control character or a byte above ASCII.
    private func string(_ text: UnsafeBufferPointer<UInt8>, at quote: Int) throws(JSONError) -> Int {
        let start = quote &+ 1
        let base = UnsafeRawPointer(text.baseAddress!)
        let low: UInt64 = 0x0101_0101_0101_0101
        let high: UInt64 = 0x8080_8080_8080_8080
        var at = start
        var escaped = false
        while true {
            while at &+ 8 <= text.count {
                let v = base.loadUnaligned(fromByteOffset: at, as: UInt64.self).littleEndian
                let q = v ^ 0x2222_2222_2222_2222
                let b = v ^ 0x5C5C_5C5C_5C5C_5C5C
                let hit =
                    (((q &- low) & ~q) | ((b &- low) & ~b) | ((v &- 0x2020_2020_2020_2020) & ~v) | v) & high
                if hit != 0 {
                    at &+= hit.trailingZeroBitCount >> 3
                    break
                }
                at &+= 8
            }
            guard at < text.count else { throw JSONError(.unexpectedEnd, at: at) }
            let byte = text[at]
            if byte == UInt8(ascii: "\"") {
                leaf(.string, start, at, escaped: escaped)
                return at &+ 1
            } else if byte == UInt8(ascii: "\\") {
                escaped = true
                at = try escape(text, at: at)
            } else if byte < 0x20 {
                throw JSONError(.controlCharacter, at: at)
            } else if byte < 0x80 {
                at &+= 1
            } else {
                at = try scalar(text, at: at)
            }
        }
    }

    private func escape(_ text: UnsafeBufferPointer<UInt8>, at start: Int) throws(JSONError) -> Int {
        guard start &+ 1 < text.count else { throw JSONError(.unexpectedEnd, at: start) }
        switch text[start &+ 1] {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"), UInt8(ascii: "b"), UInt8(ascii: "f"),
            UInt8(ascii: "n"), UInt8(ascii: "r"), UInt8(ascii: "t"):
            return start &+ 2
        case UInt8(ascii: "u"):
            guard start &+ 6 <= text.count else { throw JSONError(.unexpectedEnd, at: text.count) }
            for i in (start &+ 2)..<(start &+ 6) where hexValue(text[i]) == nil {
                throw JSONError(.invalidEscape, at: i)
            }
            return start &+ 6
        default: throw JSONError(.invalidEscape, at: start)
        }
    }

    /// Checks one multi-byte sequence by the table of well-formed UTF-8 (Unicode, table 3-7).
    private func scalar(_ text: UnsafeBufferPointer<UInt8>, at start: Int) throws(JSONError) -> Int {
        let first = text[start]
        let length: Int
        var lowest: UInt8 = 0x80
        var highest: UInt8 = 0xBF
        switch first {
        case 0xC2...0xDF: length = 2
        case 0xE0: (length, lowest) = (3, 0xA0)
        case 0xED: (length, highest) = (3, 0x9F)
        case 0xE1...0xEF: length = 3
        case 0xF0: (length, lowest) = (4, 0x90)
        case 0xF4: (length, highest) = (4, 0x8F)
        case 0xF1...0xF3: length = 4
        default: throw JSONError(.invalidUTF8, at: start)
        }
        guard start &+ length <= text.count else { throw JSONError(.invalidUTF8, at: start) }
        guard text[start &+ 1] >= lowest, text[start &+ 1] <= highest else { throw JSONError(.invalidUTF8, at: start) }
        var at = start &+ 2
        while at < start &+ length {
            guard text[at] & 0xC0 == 0x80 else { throw JSONError(.invalidUTF8, at: start) }
            at &+= 1
        }
        return start &+ length
    }
}

@inline(__always) func hexValue(_ byte: UInt8) -> UInt8? {
    switch byte {
    case 0x30...0x39: byte &- 0x30
    case 0x41...0x46: byte &- 0x37
    case 0x61...0x66: byte &- 0x57
    default: nil
    }
}
