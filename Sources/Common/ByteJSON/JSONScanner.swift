/// The one pass over a text: checks the whole grammar and UTF-8, and writes the index.
struct JSONScanner {
    private let text: UnsafePointer<UInt8>
    private let count: Int
    private let maximumDepth: Int

    init(_ text: UnsafeBufferPointer<UInt8>, maximumDepth: Int) {
        // Without bytes nothing is read from the address.
        self.text = text.baseAddress ?? UnsafePointer(bitPattern: 1).unsafelyUnwrapped
        count = text.count
        self.maximumDepth = maximumDepth
    }

    mutating func scan(into table: inout JSONNodeTable) throws(JSONError) {
        var at = skipSpace(from: 0)
        var depth = 0
        /// The array or object that we are in.
        var parent: UInt32 = 0
        values: while true {
            guard at < count else { throw JSONError(.unexpectedEnd, at: at) }
            switch text[at] {
            case UInt8(ascii: "\""): at = try string(at: at, into: &table)
            case UInt8(ascii: "{"), UInt8(ascii: "["):
                guard depth < maximumDepth else { throw JSONError(.tooDeep, at: at) }
                let isObject = text[at] == UInt8(ascii: "{")
                let position = UInt32(truncatingIfNeeded: table.count)
                table.append(
                    JSONNode(
                        kind: isObject ? .object : .array, isEscaped: false, start: UInt32(truncatingIfNeeded: at),
                        end: 0, next: parent))
                at = skipSpace(from: at &+ 1)
                guard at < count else { throw JSONError(.unexpectedEnd, at: at) }
                if text[at] == (isObject ? UInt8(ascii: "}") : UInt8(ascii: "]")) {
                    at &+= 1
                    close(position, at: at, in: table)
                } else {
                    depth &+= 1
                    parent = position
                    if isObject { at = try name(at: at, into: &table) }
                    continue values
                }
            case UInt8(ascii: "t"): at = try literal(at: at, "true", .true, into: &table)
            case UInt8(ascii: "f"): at = try literal(at: at, "false", .false, into: &table)
            case UInt8(ascii: "n"): at = try literal(at: at, "null", .null, into: &table)
            default: at = try number(at: at, into: &table)
            }
            // A value has ended: another one follows, or what it is in ends, too.
            while depth > 0 {
                at = skipSpace(from: at)
                guard at < count else { throw JSONError(.unexpectedEnd, at: at) }
                let isObject = table.nodes[Int(parent)].kind == .object
                if text[at] == UInt8(ascii: ",") {
                    at = skipSpace(from: at &+ 1)
                    if isObject { at = try name(at: at, into: &table) }
                    continue values
                }
                guard text[at] == (isObject ? UInt8(ascii: "}") : UInt8(ascii: "]")) else {
                    throw JSONError(.unexpectedByte, at: at)
                }
                at &+= 1
                let outer = table.nodes[Int(parent)].next
                close(parent, at: at, in: table)
                parent = outer
                depth &-= 1
            }
            break
        }
        at = skipSpace(from: at)
        if at != count { throw JSONError(.trailingBytes, at: at) }
    }

    @inline(__always)
    private func close(_ position: UInt32, at end: Int, in table: borrowing JSONNodeTable) {
        table.nodes[Int(position)].end = UInt32(truncatingIfNeeded: end)
        table.nodes[Int(position)].next = UInt32(truncatingIfNeeded: table.count)
    }

    @inline(__always)
    private func skipSpace(from start: Int) -> Int {
        var at = start
        // Most often there is none.
        while at < count, text[at] <= 0x20 {
            switch text[at] {
            case 0x20, 0x0A, 0x0D, 0x09: at &+= 1
            default: return at
            }
        }
        return at
    }

    /// A member's name, the colon, and the space up to the value.
    @inline(__always)
    private func name(at start: Int, into table: inout JSONNodeTable) throws(JSONError) -> Int {
        guard start < count else { throw JSONError(.unexpectedEnd, at: start) }
        guard text[start] == UInt8(ascii: "\"") else { throw JSONError(.unexpectedByte, at: start) }
        let at = skipSpace(from: try string(at: start, into: &table))
        guard at < count else { throw JSONError(.unexpectedEnd, at: at) }
        guard text[at] == UInt8(ascii: ":") else { throw JSONError(.unexpectedByte, at: at) }
        return skipSpace(from: at &+ 1)
    }

    @inline(__always)
    private func leaf(
        _ kind: JSONKind, _ start: Int, _ end: Int, isEscaped: Bool = false, into table: inout JSONNodeTable
    ) {
        table.append(
            JSONNode(
                kind: kind, isEscaped: isEscaped, start: UInt32(truncatingIfNeeded: start),
                end: UInt32(truncatingIfNeeded: end), next: UInt32(truncatingIfNeeded: table.count &+ 1)))
    }

    private func literal(
        at start: Int, _ word: StaticString, _ kind: JSONKind, into table: inout JSONNodeTable
    ) throws(JSONError) -> Int {
        let end = start &+ word.utf8CodeUnitCount
        guard end <= count else { throw JSONError(.unexpectedEnd, at: count) }
        for i in 0..<word.utf8CodeUnitCount where text[start &+ i] != word.utf8Start[i] {
            throw JSONError(.unexpectedByte, at: start &+ i)
        }
        leaf(kind, start, end, into: &table)
        return end
    }

    private func number(at start: Int, into table: inout JSONNodeTable) throws(JSONError) -> Int {
        var at = start
        if text[at] == UInt8(ascii: "-") { at &+= 1 }
        guard isDigit(at) else { throw JSONError(at == start ? .unexpectedByte : .invalidNumber, at: at) }
        if text[at] == UInt8(ascii: "0") {
            at &+= 1
            if isDigit(at) { throw JSONError(.invalidNumber, at: at) }
        } else {
            while isDigit(at) { at &+= 1 }
        }
        var kind = JSONKind.integer
        if at < count, text[at] == UInt8(ascii: ".") {
            kind = .double
            at &+= 1
            guard isDigit(at) else { throw JSONError(.invalidNumber, at: at) }
            while isDigit(at) { at &+= 1 }
        }
        if at < count, text[at] | 0x20 == UInt8(ascii: "e") {
            kind = .double
            at &+= 1
            if at < count, text[at] == UInt8(ascii: "+") || text[at] == UInt8(ascii: "-") { at &+= 1 }
            guard isDigit(at) else { throw JSONError(.invalidNumber, at: at) }
            while isDigit(at) { at &+= 1 }
        }
        leaf(kind, start, at, into: &table)
        return at
    }

    @inline(__always)
    private func isDigit(_ at: Int) -> Bool { at < count && text[at] &- 0x30 < 10 }

    /// Eight bytes at a time until a quotation mark, a reverse solidus, a control character or a byte above ASCII.
    @inline(__always)
    private func string(at quote: Int, into table: inout JSONNodeTable) throws(JSONError) -> Int {
        let start = quote &+ 1
        var at = start
        var isEscaped = false
        while true {
            while at &+ 8 <= count {
                let word = UnsafeRawPointer(text + at).loadUnaligned(as: UInt64.self).littleEndian
                let special = Self.special(in: word)
                if special == 0 {
                    at &+= 8
                } else {
                    at &+= special.trailingZeroBitCount >> 3
                    break
                }
            }
            guard at < count else { throw JSONError(.unexpectedEnd, at: at) }
            let byte = text[at]
            if byte == UInt8(ascii: "\"") {
                leaf(.string, start, at, isEscaped: isEscaped, into: &table)
                return at &+ 1
            } else if byte == UInt8(ascii: "\\") {
                isEscaped = true
                at = try escape(at: at)
            } else if byte < 0x20 {
                throw JSONError(.controlCharacter, at: at)
            } else if byte < 0x80 {
                at &+= 1
            } else {
                repeat { at = try scalar(at: at) } while at < count && text[at] >= 0x80
            }
        }
    }

    /// The high bit of each byte that ends a run of plain characters; bits above the lowest one may be wrong.
    @inline(__always)
    private static func special(in word: UInt64) -> UInt64 {
        let ones: UInt64 = 0x0101_0101_0101_0101
        let high: UInt64 = 0x8080_8080_8080_8080
        let quotes = word ^ 0x2222_2222_2222_2222
        let solidi = word ^ 0x5C5C_5C5C_5C5C_5C5C
        return (((quotes &- ones) | (solidi &- ones) | (word &- 0x2020_2020_2020_2020)) | word) & high
    }

    private func escape(at start: Int) throws(JSONError) -> Int {
        guard start &+ 1 < count else { throw JSONError(.unexpectedEnd, at: start) }
        switch text[start &+ 1] {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"), UInt8(ascii: "b"), UInt8(ascii: "f"),
            UInt8(ascii: "n"), UInt8(ascii: "r"), UInt8(ascii: "t"):
            return start &+ 2
        case UInt8(ascii: "u"):
            guard start &+ 6 <= count else { throw JSONError(.unexpectedEnd, at: count) }
            for i in (start &+ 2)..<(start &+ 6) where JSONEscapes.hexValue(text[i]) == nil {
                throw JSONError(.invalidEscape, at: i)
            }
            return start &+ 6
        default: throw JSONError(.invalidEscape, at: start)
        }
    }

    /// Checks one multi-byte sequence by the table of well-formed UTF-8 (Unicode, table 3-7).
    @inline(__always)
    private func scalar(at start: Int) throws(JSONError) -> Int {
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
        guard start &+ length <= count else { throw JSONError(.invalidUTF8, at: start) }
        guard text[start &+ 1] >= lowest, text[start &+ 1] <= highest else { throw JSONError(.invalidUTF8, at: start) }
        var at = start &+ 2
        while at < start &+ length {
            guard text[at] & 0xC0 == 0x80 else { throw JSONError(.invalidUTF8, at: start) }
            at &+= 1
        }
        return start &+ length
    }
}
