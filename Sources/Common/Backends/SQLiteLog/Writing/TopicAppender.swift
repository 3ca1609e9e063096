import Common

/// Gives offsets to the records of one topic and writes them as chunks.
final class TopicAppender {
    private(set) var topic: TopicState?
    private var ends: [Int64] = []
    private var builders: [ChunkBuilder] = []

    /// Whether it took records that are not in the tables yet.
    var isTouched: Bool { topic != nil }

    func begin(at topic: TopicState) {
        self.topic = topic
        ends = topic.bounds.map(\.end)
        while builders.count < ends.count { builders.append(ChunkBuilder()) }
    }

    /// Takes a batch within a transaction; full chunks go to the file at once.
    func add(_ append: LogWriter.Append, now: Int64, to connection: LogConnection) throws -> [LogPosition] {
        try add(append, now: now) { partition, _, _, _, _ in
            if builders[partition].isFull {
                try write(partition, to: connection)
                builders[partition].clear()
            }
        }
    }

    /// Takes a batch that the journal keeps until ``write(to:)``.
    func add(_ append: LogWriter.Append, now: Int64, to journal: Journal) -> [LogPosition] {
        let id = topic?.id ?? 0
        return add(append, now: now) { partition, entry, arena, offset, timestamp in
            journal.add(entry, of: arena, topic: id, partition: partition, offset: offset, timestamp: timestamp)
        }
    }

    /// Takes a record that the journal kept; one that is in the tables already is left out.
    func restore(_ found: Journal.Found, of bytes: UnsafeRawBufferPointer) throws {
        let end = ends[found.partition]
        guard found.entry.offset >= end else { return }
        guard found.entry.offset == end else {
            throw EventLogError.corrupt(
                "the journal goes on at offset \(found.entry.offset) of partition \(found.partition) of "
                    + "\(topic?.topic.name ?? ""), which ends at \(end): was log.sqlite replaced?")
        }
        ends[found.partition] += 1
        builders[found.partition].add(
            found.entry, of: bytes, offset: found.entry.offset, timestamp: found.entry.timestamp)
    }

    private func add(
        _ append: LogWriter.Append, now: Int64,
        _ taken: (Int, RecordBatch.Entry, UnsafeRawBufferPointer, Int64, Int64) throws -> Void
    ) rethrows -> [LogPosition] {
        var positions: [LogPosition] = []
        positions.reserveCapacity(append.batch.count)
        try append.batch.arena.withUnsafeBytes { arena in
            for (entry, partition) in zip(append.batch.entries, append.partitions) {
                let partition = Int(partition)
                let offset = ends[partition]
                let timestamp = entry.timestamp > 0 ? entry.timestamp : now
                ends[partition] += 1
                builders[partition].add(entry, of: arena, offset: offset, timestamp: timestamp)
                try taken(partition, entry, arena, offset, timestamp)
                positions.append(LogPosition(partition: partition, offset: offset))
            }
        }
        return positions
    }

    /// Writes what is left, within a transaction. The new ends are in the chunks.
    func write(to connection: LogConnection) throws {
        for partition in ends.indices where !builders[partition].isEmpty { try write(partition, to: connection) }
    }

    /// The transaction went well.
    ///
    /// - Returns: Where the topic's partitions end now.
    func take() -> [Int64] {
        defer { forget() }
        return ends
    }

    /// Forgets what it took: the transaction was rolled back.
    func forget() {
        topic = nil
        for partition in builders.indices { builders[partition].clear() }
    }

    private func write(_ partition: Int, to connection: LogConnection) throws {
        guard let topic else { return }
        try builders[partition].write(to: LogSchema.chunks(topic: topic.id, partition: partition), in: connection)
    }
}

extension ChunkBuilder {
    /// Inserts the chunk as a row.
    func write(to table: String, in connection: LogConnection) throws {
        let insert = try connection.statement(
            "INSERT INTO \(table) (first_offset, newest, entries, arena) VALUES (?, ?, ?, ?)")
        try entries.withUnsafeBytes { entries in
            try arena.withUnsafeBytes { arena in
                try insert.run(.integer(first), .integer(newest), .bytes(entries), .bytes(arena))
            }
        }
    }
}
