import Common

/// The items that were taken and may be met again: by id, each with a digest of its bytes.
///
/// What is met again with the same bytes is passed over; with other bytes it was edited and is taken again.
struct SeenItems: Sendable, Hashable {
    struct Entry: Sendable, Hashable {
        var digest: UInt64
        var position: ReadPosition?
        /// Taken by a pass that has not come to its end.
        var isFresh: Bool
        /// Order of arrival among those without a position.
        var order: Int
    }

    private(set) var entries: [String: Entry] = [:]
    private var arrivals = 0

    var count: Int { entries.count }

    func contains(_ id: String, digest: UInt64) -> Bool { entries[id]?.digest == digest }
    func contains(_ id: String) -> Bool { entries[id] != nil }

    /// Whether a pass that came to its end took exactly this.
    func isSettled(_ id: String, digest: UInt64) -> Bool {
        guard let entry = entries[id] else { return false }
        return entry.digest == digest && !entry.isFresh
    }

    mutating func insert(_ id: String, digest: UInt64, position: ReadPosition?) {
        arrivals += 1
        entries[id] = Entry(digest: digest, position: position, isFresh: true, order: position == nil ? arrivals : 0)
    }

    /// Ends a pass.
    mutating func settle() {
        for id in entries.keys { entries[id]?.isFresh = false }
    }

    /// Forgets what lies before a position and cannot be met again.
    mutating func forget(before position: ReadPosition) {
        entries = entries.filter { _, entry in entry.position.map { $0 >= position } ?? true }
    }

    /// Keeps at most `limit`: the highest positions, and of those without one the latest.
    mutating func keep(_ limit: Int) {
        guard entries.count > limit else { return }
        let ordered = entries.sorted { SeenItems.isBefore($0, $1) }
        entries = Dictionary(uniqueKeysWithValues: ordered.suffix(limit).map { ($0.key, $0.value) })
    }

    private static func isBefore(_ left: (key: String, value: Entry), _ right: (key: String, value: Entry)) -> Bool {
        switch (left.value.position, right.value.position) {
        case (nil, nil): (left.value.order, left.key) < (right.value.order, right.key)
        case (nil, _): true
        case (_, nil): false
        case (let a?, let b?): a == b ? left.key < right.key : a < b
        }
    }
}

extension SeenItems: Codable {
    private struct Line: Codable {
        var i: String
        var d: String
        var p: ReadPosition?
        var f: Bool?
    }

    init(from decoder: any Decoder) throws {
        for line in try decoder.singleValueContainer().decode([Line].self) {
            guard let digest = UInt64(line.d, radix: 16) else { continue }
            insert(line.i, digest: digest, position: line.p)
            entries[line.i]?.isFresh = line.f ?? false
        }
    }

    /// In one order, so that equal contents are equal bytes.
    func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(
            entries.sorted { SeenItems.isBefore($0, $1) }.map { id, entry in
                Line(i: id, d: String(entry.digest, radix: 16), p: entry.position, f: entry.isFresh ? true : nil)
            })
    }
}

/// FNV-1a over bytes, 64 bits: tells an edit, proves nothing.
func digest(of bytes: some Sequence<UInt8>) -> UInt64 {
    bytes.reduce(0xCBF2_9CE4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 }
}
