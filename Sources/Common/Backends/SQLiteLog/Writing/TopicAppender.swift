import Common

/// Gives offsets to the records of one topic within a transaction and writes them as chunks.
final class TopicAppender {
    private var topic: TopicState?
    private var ends: [Int64] = []
    private var builders: [ChunkBuilder] = []

    /// Whether it took records in this transaction.
    var isTouched: Bool { topic != nil }

    func begin(at topic: TopicState) {
        self.topic = topic
        ends = topic.bounds.map(\.end)
        while builders.count < ends.count { builders.append(ChunkBuilder()) }
    }

    /// Takes a batch; full chunks go to the file at once.
    func add(_ append: LogWriter.Append, now: Int64, to connection: LogConnection) throws -> [LogPosition] {
        var positions: [LogPosition] = []
        positions.reserveCapacity(append.batch.count)
        try append.batch.arena.withUnsafeBytes { arena in
            for (entry, partition) in zip(append.batch.entries, append.partitions) {
                let partition = Int(partition)
                let offset = ends[partition]
                ends[partition] += 1
                builders[partition].add(
                    entry, of: arena, offset: offset, timestamp: entry.timestamp > 0 ? entry.timestamp : now)
                if builders[partition].isFull { try write(partition, to: connection) }
                positions.append(LogPosition(partition: partition, offset: offset))
            }
        }
        return positions
    }

    /// Writes what is left. The new ends are in the chunks.
    func finish(in connection: LogConnection) throws {
        for partition in ends.indices where !builders[partition].isEmpty { try write(partition, to: connection) }
    }

    /// Ends the transaction's part that went well.
    ///
    /// - Returns: The topic's bounds after it.
    func take() -> [PartitionBounds] {
        defer { topic = nil }
        return (topic?.bounds ?? []).map {
            PartitionBounds(partition: $0.partition, first: $0.first, end: ends[$0.partition])
        }
    }

    /// The transaction was rolled back.
    func forget() {
        topic = nil
        for partition in builders.indices { builders[partition].clear() }
    }

    private func write(_ partition: Int, to connection: LogConnection) throws {
        guard let topic else { return }
        try builders[partition].write(to: LogSchema.chunks(topic: topic.id, partition: partition), in: connection)
        builders[partition].clear()
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
