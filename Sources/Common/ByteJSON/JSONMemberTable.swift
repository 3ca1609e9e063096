/// Finds several members of an object in one pass over it, by names that are known beforehand.
public struct JSONMemberTable: Sendable {
    /// The names, by slot.
    public let names: [String]
    /// Slot by hash, -1 where there is none; a power of two, at most a quarter full.
    private let slots: [Int16]
    /// The names one after another, and where each begins; one more says where the last one ends.
    private let text: [UInt8]
    private let starts: [Int32]

    /// - Precondition: There are fewer than 16,384 names.
    public init(_ names: [String]) {
        precondition(names.count < 1 << 14, "too many names for a table of members: \(names.count)")
        self.names = names
        var text: [UInt8] = []
        var starts: [Int32] = [0]
        var size = 8
        while size < 4 * names.count { size *= 2 }
        var slots = [Int16](repeating: -1, count: size)
        for (slot, name) in names.enumerated() {
            let key = Array(name.utf8)
            text += key
            starts.append(Int32(text.count))
            var at = key.withUnsafeBufferPointer { Self.hash($0) } & (size - 1)
            while slots[at] >= 0 { at = (at + 1) & (size - 1) }
            slots[at] = Int16(slot)
        }
        self.text = text
        self.starts = starts
        self.slots = slots
    }

    /// Looks for the members of an object; any other value has none. The last of several with one name wins.
    ///
    /// - Parameter positions: By slot, where the member is (``JSONView/value(at:)``); 0 is none.
    /// - Returns: ``bit(of:)`` is set if a member is there; one that is not set says that none of its slots is.
    public func find(in object: JSONView, _ positions: UnsafeMutableBufferPointer<UInt32>) -> UInt64 {
        positions.update(repeating: 0)
        guard object.kind == .object, !names.isEmpty else { return 0 }
        return slots.withUnsafeBufferPointer { slots in
            text.withUnsafeBufferPointer { keys in
                starts.withUnsafeBufferPointer { starts in
                    var present: UInt64 = 0
                    var at = object.position &+ 1
                    let end = Int(object.node.next)
                    while at < end {
                        let slot = slot(of: object.value(at: UInt32(truncatingIfNeeded: at)), slots, keys, starts)
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
    }

    /// The bit of a slot: one of the lower 63, the last of which many slots may share.
    @inlinable public static func bit(of slot: Int) -> UInt64 { 1 &<< UInt64(truncatingIfNeeded: min(slot, 62)) }

    /// The slot of a name; -1 if it is none of ours.
    @inline(__always)
    private func slot(
        of name: JSONView, _ slots: UnsafeBufferPointer<Int16>, _ keys: UnsafeBufferPointer<UInt8>,
        _ starts: UnsafeBufferPointer<Int32>
    ) -> Int {
        if name.isEscaped { return names.firstIndex(of: name.decoded) ?? -1 }
        let wanted = name.content
        var at = Self.hash(wanted) & (slots.count &- 1)
        while slots[at] >= 0 {
            let slot = Int(slots[at])
            let start = Int(starts[slot])
            if Int(starts[slot &+ 1]) &- start == wanted.count, let base = keys.baseAddress,
                isEqual(base + start, wanted)
            {
                return slot
            }
            at = (at &+ 1) & (slots.count &- 1)
        }
        return -1
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
