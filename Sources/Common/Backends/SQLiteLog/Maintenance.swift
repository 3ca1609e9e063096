import Common

/// Retention and compaction, in steps that the writer does between its commits.
///
/// Every step is right by itself, whatever was appended or cleaned since the one before.
struct Maintenance {
    /// How long a tombstone is kept, so that whoever follows the topic sees it.
    private static let tombstoneDays = 1
    private static let dayInMilliseconds: Int64 = 86_400_000
    /// Chunks that one step handles.
    private static let stepChunks = 32

    let coordinator: Coordinator
    let writer: LogWriter
    let reader: LogReader
    let now: Timestamp

    func run(on topic: TopicState) async throws {
        for partition in 0..<topic.topic.partitions {
            switch topic.topic.retention {
            case .days(let days): try await removeOlder(than: days, in: partition, of: topic)
            case .compacted: try await compact(partition, of: topic)
            }
        }
    }

    private func removeOlder(than days: Int, in partition: Int, of topic: TopicState) async throws {
        let cutoff = now.milliseconds - Int64(days) * Self.dayInMilliseconds
        while try await writer.perform({ [coordinator] connection in
            try connection.removeFirstChunks(
                in: partition, of: try coordinator.topicForWriter(topic.topic.name), newestBefore: cutoff,
                atMost: Self.stepChunks, coordinator)
        }) {}
    }

    private func compact(_ partition: Int, of topic: TopicState) async throws {
        let table = LogSchema.chunks(topic: topic.id, partition: partition)
        let end = try coordinator.topic(topic.topic.name).bounds[partition].end
        let cutoff = now.milliseconds - Int64(Self.tombstoneDays) * Self.dayInMilliseconds
        let plan = try await reader.perform { try $0.planCompaction(of: table, end: end, tombstonesBefore: cutoff) }
        // From the front: a value goes before the tombstone that removes it.
        for step in stride(from: 0, to: plan.chunks.count, by: Self.stepChunks) {
            let chunks = plan.chunks[step..<min(step + Self.stepChunks, plan.chunks.count)]
            try await writer.perform { [coordinator] connection in
                let bounds = try coordinator.topicForWriter(topic.topic.name).bounds[partition]
                try connection.transaction {
                    for first in chunks { try connection.rewrite(first, of: table, without: plan.removed) }
                    try LogSchema.note(bounds, of: topic.id, in: connection)
                }
            }
        }
    }
}

/// Which records compaction takes out, and the chunks that they are in.
struct CompactionPlan: Sendable {
    var chunks: [Int64] = []
    var removed: Set<Int64> = []
}

extension LogConnection {
    /// Removes chunks from a partition's front.
    ///
    /// - Returns: Whether there may be more of them.
    func removeFirstChunks(
        in partition: Int, of topic: TopicState, newestBefore cutoff: Int64, atMost limit: Int,
        _ coordinator: Coordinator
    ) throws -> Bool {
        let table = LogSchema.chunks(topic: topic.id, partition: partition)
        var bounds = topic.bounds
        // The first chunk that stays, or the end.
        let query = try statement("SELECT first_offset, newest FROM \(table) ORDER BY first_offset LIMIT ?")
        let (first, removed) = try query([.integer(Int64(limit) + 1)]) { row in
            var removed = 0
            while try row.step() {
                if row.integer(1) >= cutoff || removed == limit { return (row.integer(0), removed) }
                removed += 1
            }
            return (bounds[partition].end, removed)
        }
        guard removed > 0 else { return false }
        bounds[partition] = PartitionBounds(partition: partition, first: first, end: bounds[partition].end)
        try transaction {
            try statement("DELETE FROM \(table) WHERE first_offset < ?").run(.integer(first))
            try LogSchema.note(bounds[partition], of: topic.id, in: self)
        }
        coordinator.note(bounds, of: topic.topic.name)
        return removed == limit
    }

    /// Finds the records that a later one of their key replaces, and tombstones that were kept long enough.
    func planCompaction(of table: String, end: Int64, tombstonesBefore cutoff: Int64) throws -> CompactionPlan {
        var last: [[UInt8]: (offset: Int64, isOldTombstone: Bool)] = [:]
        var plan = CompactionPlan()
        var chunkOf: [Int64: Int64] = [:]
        try forEachChunk(of: table, from: 0) { chunk in
            try chunk.forEach { entry in
                guard entry.offset < end, entry.keyLength >= 0 else { return true }
                let key = Array(chunk.arena[entry.start..<entry.start + entry.keyLength])
                if let earlier = last[key]?.offset { plan.removed.insert(earlier) }
                last[key] = (entry.offset, entry.valueLength < 0 && entry.timestamp < cutoff)
                chunkOf[entry.offset] = chunk.first
                return true
            }
            return chunk.first < end
        }
        for (offset, isOldTombstone) in last.values where isOldTombstone { plan.removed.insert(offset) }
        plan.chunks = Set(plan.removed.compactMap { chunkOf[$0] }).sorted()
        return plan
    }

    /// Writes a chunk anew without some of its records; an empty one goes.
    func rewrite(_ first: Int64, of table: String, without removed: Set<Int64>) throws {
        var builder = ChunkBuilder()
        try forEachChunk(of: table, from: first) { chunk in
            guard chunk.first == first else { return false }
            try chunk.forEach { entry in
                if !removed.contains(entry.offset) {
                    builder.add(entry, of: chunk.arena, offset: entry.offset, timestamp: entry.timestamp)
                }
                return true
            }
            return false
        }
        try statement("DELETE FROM \(table) WHERE first_offset = ?").run(.integer(first))
        if !builder.isEmpty { try builder.write(to: table, in: self) }
    }

    /// Commits something small, to see whether the disk takes it.
    func probe() throws {
        try transaction {
            try execute("CREATE TABLE IF NOT EXISTS probe (room BLOB)")
            try execute("DELETE FROM probe; INSERT INTO probe VALUES (zeroblob(65536)); DELETE FROM probe")
        }
    }
}

extension Coordinator {
    /// Makes a topic, or checks the one that is there. On the writer's thread.
    func create(_ topic: Topic, in connection: LogConnection) throws {
        guard let known = topics.first(where: { $0.topic.name == topic.name })?.topic else {
            guard topic.partitions > 0 else {
                throw EventLogError.topicMismatch("\(topic.name) is declared without partitions")
            }
            let id = try connection.transaction { try LogSchema.create(topic, in: connection) }
            return add(TopicState(id: id, topic: topic))
        }
        guard known.partitions >= topic.partitions else {
            throw EventLogError.topicMismatch(
                "\(topic.name) has \(known.partitions) partitions, \(topic.partitions) are declared")
        }
        guard known.retention == topic.retention else {
            throw EventLogError.topicMismatch(
                "\(topic.name) is kept \(known.retention), declared is \(topic.retention)")
        }
    }
}
