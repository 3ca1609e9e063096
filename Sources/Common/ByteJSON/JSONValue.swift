/// One value inside a ``JSONDocument``.
///
/// Reading costs nothing until a string is decoded. A value keeps its document alive.
public struct JSONValue: Sendable {
    @usableFromInline let index: JSONIndex
    @usableFromInline let position: Int

    @inlinable init(index: JSONIndex, position: Int) {
        self.index = index
        self.position = position
    }

    @inlinable var node: JSONNode { index.nodes[position] }

    /// The document that the value is in.
    public var document: JSONDocument { JSONDocument(index: index) }

    /// What the value is.
    @inlinable public var kind: JSONKind { node.kind }
    @inlinable public var isNull: Bool { node.kind == .null }

    /// The value's own bytes, verbatim; a string includes its quotation marks.
    public var raw: ArraySlice<UInt8> { index.bytes[range] }

    /// Where the value's own bytes lie in the document.
    @inlinable public var range: Range<Int> {
        let node = node
        return node.kind == .string ? Int(node.start) - 1..<Int(node.end) + 1 : Int(node.start)..<Int(node.end)
    }

    /// The member with this name, or nil if the value is no object or has none. The last one wins, as in JavaScript.
    public subscript(_ key: String) -> JSONValue? {
        guard node.kind == .object else { return nil }
        var key = key
        let found = key.withUTF8 { name in withView { $0.find(name) } }
        return found > 0 ? JSONValue(index: index, position: found) : nil
    }

    /// The element at this position, or nil if the value is no array or is shorter.
    public subscript(_ position: Int) -> JSONValue? {
        guard node.kind == .array, position >= 0 else { return nil }
        var at = self.position + 1
        let end = Int(node.next)
        var left = position
        while at < end {
            if left == 0 { return JSONValue(index: index, position: at) }
            left -= 1
            at = Int(index.nodes[at].next)
        }
        return nil
    }

    /// The elements of an array; empty for any other value.
    public var elements: Elements { Elements(parent: self, isArray: node.kind == .array) }

    /// The members of an object in their order; empty for any other value.
    public var members: Members { Members(parent: self, isObject: node.kind == .object) }

    /// How many elements or members there are; 0 for any other value.
    public var count: Int {
        guard node.kind == .array || node.kind == .object else { return 0 }
        var count = 0
        var at = position + 1
        while at < Int(node.next) {
            at = Int(index.nodes[node.kind == .object ? at + 1 : at].next)
            count += 1
        }
        return count
    }

    /// The decoded string, or nil if the value is no string. A lone surrogate becomes U+FFFD.
    public var string: String? {
        let node = node
        return node.kind == .string ? index.text(of: node) : nil
    }

    /// The string's bytes where they lie, or nil if the value is no string or holds an escape; then use ``string``.
    public var plainBytes: ArraySlice<UInt8>? {
        let node = node
        return node.kind == .string && !node.isEscaped ? index.bytes[Int(node.start)..<Int(node.end)] : nil
    }

    /// The number as an integer, or nil if it is none, has a fraction or does not fit.
    public var int64: Int64? { withView(\.int64) }

    /// The number, or nil if the value is none.
    public var double: Double? { withView(\.double) }

    public var bool: Bool? {
        switch node.kind {
        case .true: true
        case .false: false
        default: nil
        }
    }

    /// The elements of an array.
    public struct Elements: Sequence, IteratorProtocol, Sendable {
        private let index: JSONIndex
        private var at: Int
        private let end: Int

        init(parent: JSONValue, isArray: Bool) {
            index = parent.index
            at = parent.position + 1
            end = isArray ? Int(parent.node.next) : at
        }

        public mutating func next() -> JSONValue? {
            guard at < end else { return nil }
            defer { at = Int(index.nodes[at].next) }
            return JSONValue(index: index, position: at)
        }
    }

    /// The members of an object.
    public struct Members: Sequence, IteratorProtocol, Sendable {
        private let index: JSONIndex
        private var at: Int
        private let end: Int

        init(parent: JSONValue, isObject: Bool) {
            index = parent.index
            at = parent.position + 1
            end = isObject ? Int(parent.node.next) : at
        }

        public mutating func next() -> (name: String, value: JSONValue)? {
            guard at < end else { return nil }
            defer { at = Int(index.nodes[at + 1].next) }
            return (index.text(of: index.nodes[at]), JSONValue(index: index, position: at + 1))
        }
    }
}

extension JSONDocument {
    init(index: JSONIndex) { self.index = index }
}
