/// A value looked at without keeping its document alive: for inner loops.
///
/// Copying it costs nothing. It must not outlive the call that handed it out, ``JSONView/scanning(_:maximumDepth:_:)``
/// or ``JSONValue/withView(_:)``.
public struct JSONView {
    @usableFromInline let nodes: UnsafePointer<JSONNode>
    @usableFromInline let text: UnsafePointer<UInt8>
    @usableFromInline let position: Int

    @inlinable init(nodes: UnsafePointer<JSONNode>, text: UnsafePointer<UInt8>, position: Int) {
        self.nodes = nodes
        self.text = text
        self.position = position
    }

    /// Validates a JSON text and hands out its root, while `body` runs.
    ///
    /// - Throws: ``JSONError`` naming the first offending byte.
    public static func scanning<Value>(
        _ bytes: UnsafeBufferPointer<UInt8>, maximumDepth: Int = 128, _ body: (JSONView) -> Value
    ) throws(JSONError) -> Value {
        guard bytes.count < Int(Int32.max) else { throw JSONError(.tooLarge, at: bytes.count) }
        var table = JSONNodeTable(capacity: bytes.count / 12 + 8)
        defer { table.nodes.deallocate() }
        var scanner = JSONScanner(bytes, maximumDepth: maximumDepth)
        try scanner.scan(into: &table)
        // A validated text has at least one byte, so it has an address.
        guard let text = bytes.baseAddress else { throw JSONError(.unexpectedEnd, at: 0) }
        return body(JSONView(nodes: table.nodes, text: text, position: 0))
    }

    @inlinable var node: JSONNode { nodes[position] }

    /// What the value is.
    @inlinable public var kind: JSONKind { nodes[position].kind }
    @inlinable public var isNull: Bool { nodes[position].kind == .null }

    /// The value's own bytes, verbatim; a string includes its quotation marks.
    public var raw: UnsafeBufferPointer<UInt8> {
        let node = node
        let mark: UInt32 = node.kind == .string ? 1 : 0
        return UnsafeBufferPointer(
            start: text + Int(node.start &- mark), count: Int(node.end &- node.start &+ mark &+ mark))
    }

    /// The bytes of a string where they lie, or of another value; escapes are not decoded.
    @inlinable public var content: UnsafeBufferPointer<UInt8> {
        let node = node
        return UnsafeBufferPointer(start: text + Int(node.start), count: Int(node.end &- node.start))
    }

    /// Whether a string holds escapes, so that ``content`` is not what it says.
    @inlinable public var isEscaped: Bool { nodes[position].isEscaped }

    /// The decoded string, or nil if the value is no string. A lone surrogate becomes U+FFFD.
    public var string: String? {
        let node = node
        return node.kind == .string ? decoded : nil
    }

    /// The text of a string or the bytes of another value.
    public var decoded: String {
        let content = content
        guard isEscaped else { return String(decoding: content, as: UTF8.self) }
        return String(unsafeUninitializedCapacity: content.count) { JSONEscapes.decode(content, into: $0) }
    }

    /// The text of a string or the bytes of another value, as UTF-8.
    public var decodedBytes: [UInt8] {
        let content = content
        guard isEscaped else { return Array(content) }
        return [UInt8](unsafeUninitializedCapacity: content.count) { target, count in
            count = JSONEscapes.decode(content, into: target)
        }
    }

    /// The number as an integer, or nil if it is none, has a fraction or does not fit.
    public var int64: Int64? {
        switch kind {
        case .integer: JSONNumber.int64(content)
        case .double: JSONNumber.double(content).flatMap { Int64(exactly: $0) }
        default: nil
        }
    }

    /// The number, or nil if the value is none.
    public var double: Double? {
        switch kind {
        case .integer, .double: JSONNumber.double(content)
        default: nil
        }
    }

    /// The number that a string spells in a few digits, with a point or without; nil says nothing.
    public var spelledNumber: Double? {
        let content = content
        var points = 0
        guard kind == .string, let first = content.first, first &- 0x30 < 10,
            content.last.map({ $0 &- 0x30 < 10 }) == true
        else { return nil }
        for byte in content where byte &- 0x30 >= 10 {
            guard byte == UInt8(ascii: "."), points == 0 else { return nil }
            points = 1
        }
        return JSONNumber.exact(content)
    }

    public var bool: Bool? {
        switch kind {
        case .true: true
        case .false: false
        default: nil
        }
    }

    /// Whether the value is a string of this text.
    public func isText(_ wanted: String) -> Bool {
        guard kind == .string else { return false }
        guard !isEscaped else { return decoded == wanted }
        let content = content
        let wanted = wanted.utf8
        return content.count == wanted.count && content.elementsEqual(wanted)
    }

    /// The member with this name, or nil if the value is no object or has none. The last one wins, as in JavaScript.
    public subscript(_ key: JSONKey) -> JSONView? {
        guard kind == .object else { return nil }
        let found = key.bytes.withUnsafeBufferPointer { find($0) }
        return found > 0 ? JSONView(nodes: nodes, text: text, position: found) : nil
    }

    /// The element at this position, or nil if the value is no array or is shorter.
    public subscript(_ position: Int) -> JSONView? {
        guard kind == .array, position >= 0 else { return nil }
        var left = position
        for element in elements {
            if left == 0 { return element }
            left &-= 1
        }
        return nil
    }

    /// The elements of an array; empty for any other value.
    @inlinable public var elements: Elements { Elements(self) }

    /// The elements of an array.
    public struct Elements: Sequence, IteratorProtocol {
        @usableFromInline let parent: JSONView
        @usableFromInline var at: Int
        @usableFromInline let end: Int

        @inlinable init(_ parent: JSONView) {
            self.parent = parent
            at = parent.position &+ 1
            end = parent.kind == .array ? Int(parent.node.next) : at
        }

        @inlinable public mutating func next() -> JSONView? {
            guard at < end else { return nil }
            defer { at = Int(parent.nodes[at].next) }
            return JSONView(nodes: parent.nodes, text: parent.text, position: at)
        }
    }

    /// The members of an object in their order; empty for any other value.
    var members: some Sequence<(name: JSONView, value: JSONView)> {
        let end = kind == .object ? Int(node.next) : 0
        return sequence(state: position &+ 1) { at -> (name: JSONView, value: JSONView)? in
            guard at < end else { return nil }
            defer { at = Int(nodes[at &+ 1].next) }
            return (
                JSONView(nodes: nodes, text: text, position: at), JSONView(nodes: nodes, text: text, position: at &+ 1)
            )
        }
    }

    /// Another value of the same text, where a ``JSONMemberTable`` found it.
    @inlinable public func value(at position: UInt32) -> JSONView {
        JSONView(nodes: nodes, text: text, position: Int(position))
    }

    /// The position of a member's value; 0, which only the root has, if there is none.
    func find(_ wanted: UnsafeBufferPointer<UInt8>) -> Int {
        let end = Int(nodes[position].next)
        var found = 0
        var at = position &+ 1
        while at < end {
            let name = nodes[at]
            if name.isEscaped {
                let name = JSONView(nodes: nodes, text: text, position: at)
                if name.decoded.utf8.elementsEqual(wanted) { found = at &+ 1 }
            } else if Int(name.end &- name.start) == wanted.count, isEqual(text + Int(name.start), wanted) {
                found = at &+ 1
            }
            at = Int(nodes[at &+ 1].next)
        }
        return found
    }
}

/// A member's name, ready to be looked for.
public struct JSONKey: Sendable, Hashable {
    let bytes: [UInt8]
    public init(_ name: String) { bytes = Array(name.utf8) }
}

@inline(__always)
func isEqual(_ bytes: UnsafePointer<UInt8>, _ wanted: UnsafeBufferPointer<UInt8>) -> Bool {
    let count = wanted.count
    let left = UnsafeRawPointer(bytes)
    guard let right = UnsafeRawPointer(wanted.baseAddress) else { return true }
    // Eight or four bytes at a time; the last ones may be looked at twice.
    if count >= 8 {
        var at = 0
        while at &+ 8 < count {
            if word(left, at) != word(right, at) { return false }
            at &+= 8
        }
        return word(left, count &- 8) == word(right, count &- 8)
    }
    if count >= 4 {
        return half(left, 0) == half(right, 0) && half(left, count &- 4) == half(right, count &- 4)
    }
    var at = 0
    while at < count {
        if bytes[at] != wanted[at] { return false }
        at &+= 1
    }
    return true
}

@inline(__always)
private func word(_ bytes: UnsafeRawPointer, _ at: Int) -> UInt64 {
    bytes.loadUnaligned(fromByteOffset: at, as: UInt64.self)
}

@inline(__always)
private func half(_ bytes: UnsafeRawPointer, _ at: Int) -> UInt32 {
    bytes.loadUnaligned(fromByteOffset: at, as: UInt32.self)
}

extension JSONValue {
    /// Hands out the value to be looked at, while `body` runs.
    @inline(__always)
    public func withView<Value>(_ body: (JSONView) -> Value) -> Value {
        withExtendedLifetime(index) {
            index.withText { body(JSONView(nodes: index.nodes, text: $0, position: position)) }
        }
    }

    /// The value that a view is of, if it is of this value's document.
    public func value(of view: JSONView) -> JSONValue? {
        view.nodes == UnsafePointer(index.nodes) ? JSONValue(index: index, position: view.position) : nil
    }
}
