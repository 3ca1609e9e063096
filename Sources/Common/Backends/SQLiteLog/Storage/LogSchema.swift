import Common

/// The tables of the log's file.
///
/// Each partition is a table of chunks, so that appending is always at the end of a tree. A chunk holds records of
/// one commit; `entries` and `arena` are as ``ChunkBuilder`` writes them. A partition ends behind its last chunk, or at
/// what `bounds` says where that is more: it is written only when records are removed, as one page less for each
/// commit is a lot.
enum LogSchema {
    /// 2: partitions end where their chunks do. A program that knows only 1 would give offsets twice.
    static let version: Int64 = 2
    /// In bytes, of a new file. Chunks fill large pages, and it is the number of pages that a commit costs.
    static let pageSize = 16_384

    /// Makes the tables, or checks that they are ours.
    static func prepare(_ connection: LogConnection) throws {
        try connection.execute("PRAGMA page_size = \(pageSize)")
        try connection.execute("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA secure_delete = FAST")
        try connection.execute("PRAGMA cache_size = -8000")
        let found = try connection.statement("PRAGMA user_version")([]) { try $0.step() ? $0.integer(0) : 0 }
        if found > version {
            throw EventLogError.unavailable(
                "the log has format \(found), this program knows \(version): install the newer program")
        }
        if found > 0 { return try connection.execute("PRAGMA user_version = \(version)") }
        try connection.transaction {
            try connection.execute(
                """
                CREATE TABLE topic (
                    id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, retention TEXT NOT NULL,
                    partitions INTEGER NOT NULL);
                CREATE TABLE bounds (
                    topic INTEGER NOT NULL, part INTEGER NOT NULL, first_offset INTEGER NOT NULL,
                    end_offset INTEGER NOT NULL, PRIMARY KEY (topic, part)) WITHOUT ROWID;
                CREATE TABLE committed (
                    consumers TEXT NOT NULL, topic INTEGER NOT NULL, part INTEGER NOT NULL,
                    next_offset INTEGER NOT NULL, PRIMARY KEY (consumers, topic, part)) WITHOUT ROWID;
                PRAGMA user_version = \(version);
                """)
        }
    }

    /// The table of a partition's chunks.
    static func chunks(topic: Int64, partition: Int) -> String { "chunk_\(topic)_\(partition)" }

    /// Makes what a new topic needs.
    static func create(_ topic: Topic, in connection: LogConnection) throws -> Int64 {
        try connection.statement("INSERT INTO topic (name, retention, partitions) VALUES (?, ?, ?)")
            .run(.text(topic.name), .text(text(of: topic.retention)), .integer(Int64(topic.partitions)))
        let id = try connection.statement("SELECT last_insert_rowid()")([]) { try $0.step() ? $0.integer(0) : 0 }
        for partition in 0..<topic.partitions {
            try connection.execute(
                """
                CREATE TABLE \(chunks(topic: id, partition: partition)) (
                    first_offset INTEGER PRIMARY KEY, newest INTEGER NOT NULL, entries BLOB NOT NULL,
                    arena BLOB NOT NULL)
                """)
            try connection.statement("INSERT INTO bounds (topic, part, first_offset, end_offset) VALUES (?, ?, 0, 0)")
                .run(.integer(id), .integer(Int64(partition)))
        }
        return id
    }

    /// Reads all topics and their bounds.
    static func topics(in connection: LogConnection) throws -> [TopicState] {
        var topics: [TopicState] = []
        try connection.statement("SELECT id, name, retention, partitions FROM topic ORDER BY id")([]) { row in
            while try row.step() {
                guard let retention = retention(row.text(2)) else {
                    throw EventLogError.corrupt("topic \(row.text(1)) has the unknown retention \(row.text(2))")
                }
                let topic = Topic(name: row.text(1), retention: retention, partitions: Int(row.integer(3)))
                topics.append(TopicState(id: row.integer(0), topic: topic))
            }
        }
        for index in topics.indices {
            let query = try connection.statement(
                "SELECT part, first_offset, end_offset FROM bounds WHERE topic = ? ORDER BY part")
            var bounds = try query([.integer(topics[index].id)]) { row in
                var bounds: [PartitionBounds] = []
                while try row.step() {
                    bounds.append(
                        PartitionBounds(partition: Int(row.integer(0)), first: row.integer(1), end: row.integer(2)))
                }
                return bounds
            }
            for (partition, noted) in bounds.enumerated() {
                let end = try connection.end(of: chunks(topic: topics[index].id, partition: partition))
                bounds[partition] = PartitionBounds(
                    partition: partition, first: noted.first, end: max(noted.end, end ?? 0))
            }
            topics[index].bounds = bounds
        }
        return topics
    }

    /// Notes where a partition ends, in the transaction that removes records of its last chunk.
    static func note(_ bounds: PartitionBounds, of topic: Int64, in connection: LogConnection) throws {
        try connection.statement("UPDATE bounds SET first_offset = ?, end_offset = ? WHERE topic = ? AND part = ?")
            .run(
                .integer(bounds.first), .integer(bounds.end), .integer(topic),
                .integer(Int64(bounds.partition)))
    }

    private static func text(of retention: Topic.Retention) -> String {
        switch retention {
        case .days(let days): "days:\(days)"
        case .compacted: "compacted"
        }
    }

    private static func retention(_ text: String) -> Topic.Retention? {
        if text == "compacted" { return .compacted }
        guard text.hasPrefix("days:"), let days = Int(text.dropFirst(5)) else { return nil }
        return .days(days)
    }
}
