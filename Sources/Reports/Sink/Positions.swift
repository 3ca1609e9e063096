import Common

/// How far the topic was read, kept in the transaction that stores what was read.
extension DatabaseConnection {
    /// Where a partition is to be read from; nil if it never was.
    func nextOffset(topic: Topic, partition: Int) throws -> Int64? {
        try first(
            """
            SELECT next_offset FROM consumer_offsets
            WHERE topic = \(topic.name) AND partition_number = \(partition)
            """
        ) { $0.integer(0) }
    }

    /// Where each partition is to be read from, by its number; those that never were are left out.
    func nextOffsets(topic: Topic) throws -> [Int: Int64] {
        let rows = try query(
            "SELECT partition_number, next_offset FROM consumer_offsets WHERE topic = \(topic.name)"
        ) { (Int($0.integer(0)), $0.integer(1)) }
        return Dictionary(rows) { first, _ in first }
    }

    /// Moves on from where batches of one topic were read to behind them.
    ///
    /// - Throws: ``EventLogError/fenced(topic:partition:)`` if somebody else did.
    func advance(_ batches: [PartitionBatch]) throws {
        guard let topic = batches.first?.topic.name else { return }
        let partitions = BulkRows.Column.integers(batches.map { Int64($0.partition) })
        let topics = BulkRows.Column.texts(batches.map { _ in topic })
        let key = BulkKey("consumer_offsets", "topic", "partition_number")
        var positions: [Int: Int64] = [:]
        try forEach(["partition_number", "next_offset"], of: key, in: BulkRows([topics, partitions])) { row in
            positions[Int(row.integer(0))] = row.integer(1)
        }
        // There is one writer at a time, so they stay what they are until the transaction is over.
        for batch in batches where positions[batch.partition] ?? batch.from != batch.from {
            throw EventLogError.fenced(topic: topic, partition: batch.partition)
        }
        try write(
            BulkRows([topics, partitions, .integers(batches.map(\.next))]),
            BulkStatement(
                into: key.table, columns: key.columns + ["next_offset"], key: key.columns,
                conflict: .replace(["next_offset"])))
    }
}

/// The highest raw reference seen, for each feedback partition and raw partition.
///
/// A parser that was restarted may send items again; they are not higher than what was seen.
struct Watermarks {
    private struct Place: Hashable {
        var partition: Int
        var rawPartition: Int
    }
    private var marks: [Place: Feedback.RawReference] = [:]
    private var moved: Set<Place> = []

    init(_ connection: any DatabaseConnection, partitions: [Int]) throws {
        let columns = ["partition_number", "raw_partition", "raw_offset", "raw_item"]
        let keys = BulkRows([.integers(Set(partitions).sorted().map(Int64.init))])
        try connection.forEach(columns, of: BulkKey("watermark", "partition_number"), in: keys) { row in
            let raw = Feedback.RawReference(
                partition: Int(row.integer(1)), offset: row.integer(2), item: Int(row.integer(3)))
            marks[Place(partition: Int(row.integer(0)), rawPartition: raw.partition)] = raw
        }
    }

    /// Notes an item; returns false if it was seen before.
    mutating func pass(_ raw: Feedback.RawReference, in partition: Int) -> Bool {
        let place = Place(partition: partition, rawPartition: raw.partition)
        if let mark = marks[place], raw <= mark { return false }
        marks[place] = raw
        moved.insert(place)
        return true
    }

    func save(_ connection: any DatabaseConnection) throws {
        let rows = moved.sorted { ($0.partition, $0.rawPartition) < ($1.partition, $1.rawPartition) }
        guard !rows.isEmpty else { return }
        let raws = rows.compactMap { marks[$0] }
        try connection.write(
            BulkRows([
                .integers(rows.map { Int64($0.partition) }), .integers(rows.map { Int64($0.rawPartition) }),
                .integers(raws.map(\.offset)), .integers(raws.map { Int64($0.item) }),
            ]),
            BulkStatement(
                into: "watermark", columns: ["partition_number", "raw_partition", "raw_offset", "raw_item"],
                key: ["partition_number", "raw_partition"], conflict: .replace(["raw_offset", "raw_item"])))
    }
}
