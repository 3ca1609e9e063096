/// Finds several members of an object in one pass over it, by names that are known beforehand.
public struct JSONMemberTable: Sendable {
    /// The names, by slot.
    public let names: [String]
    /// A name that is wanted, where its hash leads to.
    private struct Entry {
        /// -1 where there is none.
        var slot: Int16 = -1
        /// Most names that are not wanted are told by this.
        var length: UInt32 = 0
        /// Where it begins in the text.
        var start: UInt32 = 0
    }
    /// By hash; a power of two, at most a quarter full.
    private let entries: [Entry]
    /// The names, one after another.
    private let text: [UInt8]

    /// - Precondition: There are fewer than 16,384 names.
    public init(_ names: [String]) {
        precondition(names.count < 1 << 14, "too many names for a table of members: \(names.count)")
        self.names = names
        var text: [UInt8] = []
        var size = 8
        while size < 4 * names.count { size *= 2 }
        var entries = [Entry](repeating: Entry(), count: size)
        for (slot, name) in names.enumerated() {
            let key = Array(name.utf8)
            var at = key.withUnsafeBufferPointer { Self.hash($0) } & (size - 1)
            while entries[at].slot >= 0 { at = (at + 1) & (size - 1) }
            entries[at] = Entry(slot: Int16(slot), length: UInt32(key.count), start: UInt32(text.count))
            text += key
        }
        self.text = text
        self.entries = entries
    }

    /// Looks for the members of an object; any other value has none. The last of several with one name wins.
    ///
    /// - Parameter positions: By slot, where the member is (``JSONView/value(at:)``); 0 is none.
    /// - Returns: ``bit(of:)`` is set if a member is there; one that is not set says that none of its slots is.
    public func find(in object: JSONView, _ positions: UnsafeMutableBufferPointer<UInt32>) -> UInt64 {
        positions.update(repeating: 0)
        guard object.kind == .object, !names.isEmpty else { return 0 }
        return entries.withUnsafeBufferPointer { entries in
            text.withUnsafeBufferPointer { keys in
                var present: UInt64 = 0
                var at = object.position &+ 1
                let end = Int(object.node.next)
                while at < end {
                    let slot = slot(of: object.value(at: UInt32(truncatingIfNeeded: at)), entries, keys)
                    if slot >= 0 {
                        positions[slot] = UInt32(truncatingIfNeeded: at &+ 1)
                        present |= Self.bit(of: slot)
                    }
                    at = Int(object.nodes[at &+ 1].next)
                }
                return present
            }
        }
    }

    /// The bit of a slot: one of the lower 63, the last of which many slots may share.
    @inlinable public static func bit(of slot: Int) -> UInt64 { 1 &<< UInt64(truncatingIfNeeded: min(slot, 62)) }

    /// The slot of a name; -1 if it is none of ours.
    @inline(__always)
    private func slot(
        of name: JSONView, _ entries: UnsafeBufferPointer<Entry>, _ keys: UnsafeBufferPointer<UInt8>
    ) -> Int {
        if name.isEscaped { return names.firstIndex(of: name.decoded) ?? -1 }
        let wanted = name.content
        var at = Self.hash(wanted) & (entries.count &- 1)
        while true {
            let entry = entries[at]
            guard entry.slot >= 0 else { return -1 }
            if Int(entry.length) == wanted.count, let base = keys.baseAddress,
                isEqual(base + Int(entry.start), wanted)
            {
                return Int(entry.slot)
            }
            at = (at &+ 1) & (entries.count &- 1)
        }
    }

    /// Tells names of members apart by length, beginning, middle and end.
    @inline(__always)
    private static func hash(_ name: UnsafeBufferPointer<UInt8>) -> Int {
        guard let first = name.first else { return 0 }
        let last = Int(name[name.count &- 1])
        let middle = Int(name[name.count &>> 1])
        return (Int(first) &* 31 &+ last &* 17 &+ middle &* 7 &+ name.count &* 101)
    }
}
