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

    /// Moves on from where the batch was read to behind it.
    ///
    /// - Throws: ``EventLogError/fenced(topic:partition:)`` if somebody else did.
    func advance(_ batch: PartitionBatch) throws {
        let moved = try execute(
            """
            UPDATE consumer_offsets SET next_offset = \(batch.next)
            WHERE topic = \(batch.topic.name) AND partition_number = \(batch.partition) AND next_offset = \(batch.from)
            """)
        if moved == 1 { return }
        let begun = try execute(
            """
            INSERT INTO consumer_offsets (topic, partition_number, next_offset)
            VALUES (\(batch.topic.name), \(batch.partition), \(batch.next))
            ON CONFLICT (topic, partition_number) DO NOTHING
            """)
        guard begun == 1 else { throw EventLogError.fenced(topic: batch.topic.name, partition: batch.partition) }
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
