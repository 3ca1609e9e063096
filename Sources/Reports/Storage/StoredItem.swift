import Common

/// What is known of an item besides its document: a row of `feedback`.
struct StoredItem: Hashable, Sendable, Countable {
    enum State: Int64, Sendable {
        case live
        /// The provider says that it is gone. Only id, revision and hash are kept.
        case deleted
        /// It says nothing, or a rule of the workspace keeps it out. Only id, revision and hash are kept.
        case filtered
    }

    var id: Digest128
    var workspace: Int64
    var timestamp: Int64
    var revision: Revision
    var state: State
    var mergeKey: Digest128?
    /// The item that is counted in its place.
    var mergedInto: Digest128?
    /// Where it was read from.
    var raw: Feedback.RawReference
}

/// What a cross-post can be told by.
struct StoredMember: Hashable, Sendable, Countable {
    var workspace: Int64
    var timestamp: Int64
    var id: Digest128
    var mergedInto: Digest128?
}

/// Which of two states of an item is the later one, whatever their order of arrival.
struct Revision: Hashable, Comparable, Sendable {
    var number: Int64
    var isDeletion: Bool
    var hash: Digest128

    static func < (left: Revision, right: Revision) -> Bool {
        (left.number, left.isDeletion ? 1 : 0, left.hash) < (right.number, right.isDeletion ? 1 : 0, right.hash)
    }
}

extension DatabaseConnection {
    /// The row of an item; nil if there is none.
    func item(_ id: Digest128) throws -> StoredItem? {
        var item: StoredItem?
        try forEachItem(of: [id]) { item = $0 }
        return item
    }

    /// Hands the rows of these items to `body`, where the database can, in the order of the ids.
    func forEachItem(of ids: [Digest128], _ body: (StoredItem) -> Void) throws {
        let columns = [
            "id", "workspace", "timestamp", "revision", "state", "hash", "merge_key", "merged_into", "raw_partition",
            "raw_offset", "raw_item",
        ]
        try forEach(columns, of: BulkKey("feedback", "id"), in: BulkRows([.digests(ids)])) { row in
            let state = StoredItem.State(rawValue: row.integer(4)) ?? .live
            body(
                StoredItem(
                    id: row.digest(0), workspace: row.integer(1), timestamp: row.integer(2),
                    revision: Revision(number: row.integer(3), isDeletion: state == .deleted, hash: row.digest(5)),
                    state: state, mergeKey: row.optionalDigest(6), mergedInto: row.optionalDigest(7),
                    raw: Feedback.RawReference(
                        partition: Int(row.integer(8)), offset: row.integer(9), item: Int(row.integer(10)))))
        }
    }

    /// Hands the items that have one of these merge keys to `body`.
    func forEachMember(of keys: [Digest128], _ body: (_ key: Digest128, StoredMember) -> Void) throws {
        let columns = ["merge_key", "workspace", "timestamp", "id", "merged_into"]
        try forEach(columns, of: BulkKey("feedback", "merge_key"), in: BulkRows([.digests(keys)])) { row in
            body(
                row.digest(0),
                StoredMember(
                    workspace: row.integer(1), timestamp: row.integer(2), id: row.digest(3),
                    mergedInto: row.optionalDigest(4)))
        }
    }

    /// Writes rows, over what is there unless all are new.
    func write(_ items: [(item: StoredItem, document: [UInt8])], areNew: Bool, storedAt: Timestamp) throws {
        guard !items.isEmpty else { return }
        let values = [
            "workspace", "timestamp", "revision", "state", "hash", "merge_key", "merged_into", "raw_partition",
            "raw_offset", "raw_item", "stored_at", "document",
        ]
        try write(
            BulkRows([
                .digests(items.map(\.item.id)), .integers(items.map(\.item.workspace)),
                .integers(items.map(\.item.timestamp)), .integers(items.map(\.item.revision.number)),
                .integers(items.map(\.item.state.rawValue)), .digests(items.map(\.item.revision.hash)),
                .optionalDigests(items.map(\.item.mergeKey)), .optionalDigests(items.map(\.item.mergedInto)),
                .integers(items.map { Int64($0.item.raw.partition) }), .integers(items.map(\.item.raw.offset)),
                .integers(items.map { Int64($0.item.raw.item) }), .integers(items.map { _ in storedAt.milliseconds }),
                .blobs(items.map(\.document)),
            ]),
            BulkStatement(
                into: "feedback", columns: ["id"] + values, key: ["id"], conflict: areNew ? .fail : .replace(values)))
    }

    /// Says of items what they are merged into.
    func merge(_ items: [(id: Digest128, into: Digest128?)]) throws {
        try update(
            ["merged_into"], of: BulkKey("feedback", "id"),
            to: BulkRows([.optionalDigests(items.map(\.into)), .digests(items.map(\.id))]))
    }

    /// Hands lists of one length to `body`, so that there is one statement for all of them: the last is filled up
    /// with its own last element.
    func forEachChunk(of values: [Digest128], _ body: ([Digest128]) throws -> Void) throws {
        let length = values.count <= 16 ? 16 : 256
        for start in stride(from: 0, to: values.count, by: length) {
            var chunk = Array(values[start..<min(start + length, values.count)])
            while chunk.count < length { chunk.append(chunk[chunk.count - 1]) }
            try body(chunk)
        }
    }
}
