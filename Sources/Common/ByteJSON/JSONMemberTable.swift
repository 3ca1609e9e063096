/// Finds several members of an object in one pass over it, by names that are known beforehand.
public struct JSONMemberTable: Sendable {
    /// The names, by slot.
    public let names: [String]
    /// Slot by hash, -1 where there is none; a power of two, at most half full.
    private let slots: [Int16]
    private let keys: [[UInt8]]

    /// - Precondition: There are fewer than 16,384 names.
    public init(_ names: [String]) {
        precondition(names.count < 1 << 14, "too many names for a table of members: \(names.count)")
        self.names = names
        let keys = names.map { Array($0.utf8) }
        var size = 8
        while size < 2 * names.count { size *= 2 }
        var slots = [Int16](repeating: -1, count: size)
        for (slot, key) in keys.enumerated() {
            var at = key.withUnsafeBufferPointer { Self.hash($0) } & (size - 1)
            while slots[at] >= 0, keys[Int(slots[at])] != key { at = (at + 1) & (size - 1) }
            slots[at] = Int16(slot)
        }
        self.keys = keys
        self.slots = slots
    }

    /// The members of an object that have these names; none of any other value. The last of several wins.
    public func members(of value: JSONValue) -> JSONMembers {
        var positions = [UInt32](repeating: 0, count: names.count)
        var present: UInt64 = 0
        let index = value.index
        let parent = value.node
        if parent.kind == .object, !names.isEmpty {
            index.withText { text in
                var at = value.position &+ 1
                while at < Int(parent.next) {
                    let name = index.nodes[at]
                    if let slot = slot(of: name, in: text, index) {
                        positions[slot] = UInt32(at &+ 1)
                        present |= 1 &<< UInt64(slot & 63)
                    }
                    at = Int(index.nodes[at &+ 1].next)
                }
            }
        }
        return JSONMembers(index: index, positions: positions, present: present)
    }

    @inline(__always)
    private func slot(of name: JSONNode, in text: UnsafePointer<UInt8>, _ index: JSONIndex) -> Int? {
        if name.isEscaped { return names.firstIndex(of: index.text(of: name)) }
        let wanted = UnsafeBufferPointer(start: text + Int(name.start), count: Int(name.end &- name.start))
        var at = Self.hash(wanted) & (slots.count &- 1)
        while slots[at] >= 0 {
            let slot = Int(slots[at])
            if keys[slot].count == wanted.count, keys[slot].elementsEqual(wanted) { return slot }
            at = (at &+ 1) & (slots.count &- 1)
        }
        return nil
    }

    /// Tells names of members apart by length, beginning, middle and end.
    @inline(__always)
    private static func hash(_ name: UnsafeBufferPointer<UInt8>) -> Int {
        guard let first = name.first else { return 0 }
        let last = Int(name[name.count - 1])
        let middle = Int(name[name.count / 2])
        return (Int(first) &* 31 &+ last &* 17 &+ middle &* 7 &+ name.count &* 101)
    }
}

/// The members that a ``JSONMemberTable`` found.
public struct JSONMembers: Sendable {
    private let index: JSONIndex
    /// 0, the root's position, is none.
    private let positions: [UInt32]
    /// Bit `slot % 64` is set if a member is there; a bit that is not set says that none of its slots is.
    public let present: UInt64

    init(index: JSONIndex, positions: [UInt32], present: UInt64) {
        self.present = present
        self.index = index
        self.positions = positions
    }

    /// The member at a slot of the table; nil if the object has none of that name.
    public subscript(_ slot: Int) -> JSONValue? {
        let position = positions[slot]
        return position == 0 ? nil : JSONValue(index: index, position: Int(position))
    }
}
