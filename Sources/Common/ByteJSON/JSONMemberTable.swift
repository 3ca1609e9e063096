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
        let document = value.document
        let parent = document.nodes[value.index]
        if parent.kind == .object, !names.isEmpty {
            document.bytes.withUnsafeBufferPointer { bytes in
                document.nodes.withUnsafeBufferPointer { nodes in
                    var at = value.index + 1
                    while at < Int(parent.next) {
                        let name = nodes[at]
                        if let slot = slot(of: name, in: bytes, document) { positions[slot] = UInt32(at + 1) }
                        at = Int(nodes[at + 1].next)
                    }
                }
            }
        }
        return JSONMembers(document: document, positions: positions)
    }

    @inline(__always)
    private func slot(
        of name: JSONNode, in bytes: UnsafeBufferPointer<UInt8>, _ document: JSONDocument
    ) -> Int? {
        if name.escaped {
            let text = document.text(of: name)
            return names.firstIndex(of: text)
        }
        let wanted = UnsafeBufferPointer(rebasing: bytes[Int(name.start)..<Int(name.end)])
        var at = Self.hash(wanted) & (slots.count - 1)
        while slots[at] >= 0 {
            let slot = Int(slots[at])
            if keys[slot].count == wanted.count, keys[slot].elementsEqual(wanted) { return slot }
            at = (at + 1) & (slots.count - 1)
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
    private let document: JSONDocument
    /// 0, the root's position, is none.
    private let positions: [UInt32]

    init(document: JSONDocument, positions: [UInt32]) {
        self.document = document
        self.positions = positions
    }

    /// The member at a slot of the table; nil if the object has none of that name.
    public subscript(_ slot: Int) -> JSONValue? {
        let position = positions[slot]
        return position == 0 ? nil : JSONValue(document: document, index: Int(position))
    }
}
