/// One value inside a ``JSONDocument``.
///
/// Reading costs nothing until a string is decoded. A value keeps its document alive.
public struct JSONValue: Sendable {
    public let document: JSONDocument
    @usableFromInline let index: Int

    @inlinable init(document: JSONDocument, index: Int) {
        self.document = document
        self.index = index
    }

    @inlinable var node: JSONNode { document.nodes[index] }

    /// What the value is.
    @inlinable public var kind: JSONKind { node.kind }
    @inlinable public var isNull: Bool { node.kind == .null }

    /// The value's own bytes, verbatim; a string includes its quotation marks.
    @inlinable public var raw: ArraySlice<UInt8> { document.bytes[range] }

    /// Where the value's own bytes lie in the document.
    @inlinable public var range: Range<Int> {
        let node = node
        return node.kind == .string ? Int(node.start) - 1..<Int(node.end) + 1 : Int(node.start)..<Int(node.end)
    }

    /// The member with this name, or nil if the value is no object or has none. The last one wins, as in JavaScript.
    public subscript(_ key: String) -> JSONValue? {
        guard node.kind == .object else { return nil }
        var found: JSONValue?
        var at = index + 1
        let end = Int(node.next)
        var key = key
        key.withUTF8 { wanted in
            while at < end {
                let name = document.nodes[at]
                if matches(name, wanted) { found = JSONValue(document: document, index: at + 1) }
                at = Int(document.nodes[at + 1].next)
            }
        }
        return found
    }

    /// The element at this position, or nil if the value is no array or is shorter.
    public subscript(_ position: Int) -> JSONValue? {
        guard node.kind == .array, position >= 0 else { return nil }
        var at = index + 1
        let end = Int(node.next)
        var left = position
        while at < end {
            if left == 0 { return JSONValue(document: document, index: at) }
            left -= 1
            at = Int(document.nodes[at].next)
        }
        return nil
    }

    /// The elements of an array; empty for any other value.
    public var elements: Elements { Elements(parent: self, isArray: node.kind == .array) }

    /// The members of an object in their order; empty for any other value.
    public var members: Members { Members(parent: self, isObject: node.kind == .object) }

    /// The decoded string, or nil if the value is no string. A lone surrogate becomes U+FFFD.
    public var string: String? {
        let node = node
        guard node.kind == .string else { return nil }
        return document.text(of: node)
    }

    /// The number as an integer, or nil if it is none, has a fraction or does not fit.
    public var int64: Int64? {
        switch node.kind {
        case .integer: Int64(String(decoding: raw, as: UTF8.self))
        case .double: double.flatMap { Int64(exactly: $0) }
        default: nil
        }
    }

    /// The number, or nil if the value is none.
    public var double: Double? {
        switch node.kind {
        case .integer, .double: Double(String(decoding: raw, as: UTF8.self))
        default: nil
        }
    }

    public var bool: Bool? {
        switch node.kind {
        case .true: true
        case .false: false
        default: nil
        }
    }

    /// Compares a member's name, decoding it only if it holds an escape.
    private func matches(_ name: JSONNode, _ wanted: UnsafeBufferPointer<UInt8>) -> Bool {
        if name.escaped { return document.text(of: name).utf8.elementsEqual(wanted) }
        let length = Int(name.end - name.start)
        guard length == wanted.count else { return false }
        return document.bytes.withUnsafeBufferPointer { bytes in
            for i in 0..<length where bytes[Int(name.start) + i] != wanted[i] { return false }
            return true
        }
    }

    /// The elements of an array.
    public struct Elements: Sequence, IteratorProtocol, Sendable {
        private let document: JSONDocument
        private var at: Int
        private let end: Int

        init(parent: JSONValue, isArray: Bool) {
            document = parent.document
            at = parent.index + 1
            end = isArray ? Int(parent.node.next) : at
        }

        public mutating func next() -> JSONValue? {
            guard at < end else { return nil }
            defer { at = Int(document.nodes[at].next) }
            return JSONValue(document: document, index: at)
        }
    }

    /// The members of an object.
    public struct Members: Sequence, IteratorProtocol, Sendable {
        private let document: JSONDocument
        private var at: Int
        private let end: Int

        init(parent: JSONValue, isObject: Bool) {
            document = parent.document
            at = parent.index + 1
            end = isObject ? Int(parent.node.next) : at
        }

        public mutating func next() -> (name: String, value: JSONValue)? {
            guard at < end else { return nil }
            defer { at = Int(document.nodes[at + 1].next) }
            return (document.text(of: document.nodes[at]), JSONValue(document: document, index: at + 1))
        }
    }
}

extension JSONDocument {
    /// Decodes the string at a node.
    func text(of node: JSONNode) -> String {
        let range = Int(node.start)..<Int(node.end)
        return bytes.withUnsafeBufferPointer { all in
            let slice = UnsafeBufferPointer(rebasing: all[range])
            guard node.escaped else { return String(decoding: slice, as: UTF8.self) }
            return String(unsafeUninitializedCapacity: slice.count) { unescape(slice, into: $0) }
        }
    }
}

/// Decodes the escapes of a validated string; the result is never longer than its source.
private func unescape(_ source: UnsafeBufferPointer<UInt8>, into target: UnsafeMutableBufferPointer<UInt8>) -> Int {
    var read = 0
    var written = 0
    func unit(_ at: Int) -> UInt32 {
        (0..<4).reduce(0) { $0 << 4 | UInt32(hexValue(source[at + $1]) ?? 0) }
    }
    while read < source.count {
        let byte = source[read]
        guard byte == UInt8(ascii: "\\") else {
            target[written] = byte
            written += 1
            read += 1
            continue
        }
        let escape = source[read + 1]
        read += 2
        switch escape {
        case UInt8(ascii: "b"): target[written] = 0x08
        case UInt8(ascii: "f"): target[written] = 0x0C
        case UInt8(ascii: "n"): target[written] = 0x0A
        case UInt8(ascii: "r"): target[written] = 0x0D
        case UInt8(ascii: "t"): target[written] = 0x09
        case UInt8(ascii: "u"):
            var code = unit(read)
            read += 4
            if code & 0xFC00 == 0xD800, read + 6 <= source.count, source[read] == UInt8(ascii: "\\"),
                source[read + 1] == UInt8(ascii: "u"), case let low = unit(read + 2), low & 0xFC00 == 0xDC00
            {
                code = 0x10000 + ((code & 0x3FF) << 10) + (low & 0x3FF)
                read += 6
            }
            for encoded in String(Unicode.Scalar(code) ?? "\u{FFFD}").utf8 {
                target[written] = encoded
                written += 1
            }
            continue
        default: target[written] = escape
        }
        written += 1
    }
    return written
}
