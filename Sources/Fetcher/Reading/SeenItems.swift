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
        if position == nil { arrivals += 1 }
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
    /// Columns, which are several times as quick to write and read as one object for each item.
    private struct Columns: Codable {
        var ids: [String] = []
        /// In hexadecimal digits.
        var digests: [String] = []
        /// `t` and milliseconds, `n` and a number, or nothing.
        var positions: [String] = []
        /// Which of them a pass under way took.
        var fresh: [Int] = []
    }

    init(from decoder: any Decoder) throws {
        let columns = try decoder.singleValueContainer().decode(Columns.self)
        guard columns.ids.count == columns.digests.count, columns.ids.count == columns.positions.count else {
            throw DecodingError.dataCorrupted(
                .init(codingPath: decoder.codingPath, debugDescription: "columns of different lengths"))
        }
        for (i, id) in columns.ids.enumerated() {
            guard let digest = UInt64(columns.digests[i], radix: 16) else { continue }
            insert(id, digest: digest, position: ReadPosition(mark: columns.positions[i]))
            entries[id]?.isFresh = false
        }
        for i in columns.fresh where columns.ids.indices.contains(i) { entries[columns.ids[i]]?.isFresh = true }
    }

    /// In one order, so that equal contents are equal bytes.
    func encode(to encoder: any Encoder) throws {
        var columns = Columns()
        for (i, (id, entry)) in entries.sorted(by: { SeenItems.isBefore($0, $1) }).enumerated() {
            columns.ids.append(id)
            columns.digests.append(String(entry.digest, radix: 16))
            columns.positions.append(entry.position?.mark ?? "")
            if entry.isFresh { columns.fresh.append(i) }
        }
        var container = encoder.singleValueContainer()
        try container.encode(columns)
    }
}

extension ReadPosition {
    /// As short as it can be told.
    fileprivate var mark: String {
        switch self {
        case .instant(let instant): "t\(instant.milliseconds)"
        case .number(let number): "n\(number)"
        }
    }

    fileprivate init?(mark: String) {
        let value = mark.dropFirst()
        switch mark.first {
        case "t":
            guard let milliseconds = Int64(value) else { return nil }
            self = .instant(Timestamp(milliseconds: milliseconds))
        case "n":
            guard let number = Double(value) else { return nil }
            self = .number(number)
        default: return nil
        }
    }
}

/// FNV-1a over bytes, 64 bits: tells an edit, proves nothing.
func digest(of bytes: some Sequence<UInt8>) -> UInt64 {
    bytes.reduce(0xCBF2_9CE4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 }
}
