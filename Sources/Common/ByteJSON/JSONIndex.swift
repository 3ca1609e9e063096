/// The values of one text, in the order in which they begin; the members of an object are names and values in turn.
///
/// Filled once by ``JSONScanner``, never changed afterwards: values share it without copying.
@usableFromInline final class JSONIndex: @unchecked Sendable {
    @usableFromInline let bytes: [UInt8]
    /// Never changed, and known to be: a variable's every reading would be tracked at run time.
    @usableFromInline let nodes: UnsafeMutablePointer<JSONNode>

    init(scanning bytes: [UInt8], maximumDepth: Int) throws(JSONError) {
        var table = JSONNodeTable(capacity: bytes.count / 12 + 8)
        let failure: JSONError? = bytes.withUnsafeBufferPointer { text in
            do throws(JSONError) {
                var scanner = JSONScanner(text, maximumDepth: maximumDepth)
                try scanner.scan(into: &table)
                return nil
            } catch {
                return error
            }
        }
        if let failure {
            table.nodes.deallocate()
            throw failure
        }
        self.bytes = bytes
        nodes = table.nodes
    }

    deinit { nodes.deallocate() }

    /// Hands the text to `body` as a pointer.
    @inline(__always)
    func withText<Value>(_ body: (UnsafePointer<UInt8>) -> Value) -> Value {
        bytes.withUnsafeBufferPointer { text in
            // A validated text has at least one byte, so it has an address.
            text.baseAddress.map(body) ?? withUnsafePointer(to: 0, body)
        }
    }

    /// Decodes the string at a node.
    func text(of node: JSONNode) -> String {
        withText { text in
            let source = UnsafeBufferPointer(start: text + Int(node.start), count: Int(node.end - node.start))
            guard node.isEscaped else { return String(decoding: source, as: UTF8.self) }
            return String(unsafeUninitializedCapacity: source.count) { JSONEscapes.decode(source, into: $0) }
        }
    }
}

/// One value of the index: where it lies and where the next one after it is.
@usableFromInline struct JSONNode: Sendable {
    @usableFromInline var kind: JSONKind
    /// A string with an escape sequence, which must be decoded.
    @usableFromInline var isEscaped: Bool
    /// First byte; for strings the one after the quotation mark.
    @usableFromInline var start: UInt32
    /// One past the last byte; for strings the closing quotation mark.
    @usableFromInline var end: UInt32
    /// Position of the node that follows this value and all inside it; while it is open, of the one it is in.
    @usableFromInline var next: UInt32
}

/// Where the scanner puts nodes: memory that grows.
struct JSONNodeTable: ~Copyable {
    private(set) var nodes: UnsafeMutablePointer<JSONNode>
    private(set) var count = 0
    private var capacity: Int

    init(capacity: Int) {
        self.capacity = capacity
        nodes = .allocate(capacity: capacity)
    }

    @inline(__always)
    mutating func append(_ node: JSONNode) {
        if count == capacity { grow() }
        (nodes + count).initialize(to: node)
        count &+= 1
    }

    @inline(never)
    private mutating func grow() {
        let larger = UnsafeMutablePointer<JSONNode>.allocate(capacity: capacity * 2)
        larger.moveInitialize(from: nodes, count: count)
        nodes.deallocate()
        nodes = larger
        capacity *= 2
    }
}
