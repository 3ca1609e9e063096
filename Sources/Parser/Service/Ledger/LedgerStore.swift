import Common

/// The parser's position in each raw partition, and its ledger; both move in one transaction.
struct LedgerStore: Sendable {
    let database: any Database

    /// What one partition batch adds to the ledger.
    struct Entry: Sendable {
        var partition: Int
        /// The position that the batch was read from, and the one after it.
        var from: Int64
        var next: Int64
        /// By workspace id; empty where it could not be told.
        var counts: [String: ParserLedger.Counts]
        /// Events that were passed over, because another installation counted them.
        var carried = 0
        /// The ends of the feedback partitions as far as this partition knows.
        var feedbackEnds: [Int64]
    }

    /// Where a partition stands.
    struct Position: Sendable {
        var next: Int64
        /// Everything that this partition appended later lies at or behind these offsets.
        var feedbackEnds: [Int64]
        /// Events that the log no longer kept when they should have been read.
        var lost: Int64 = 0
    }

    /// The position in a partition; a partition seen for the first time begins at `first`.
    ///
    /// What the log no longer keeps is passed over: the position is never before `first`.
    func position(of partition: Int, first: Int64) async throws -> Position {
        try await database.write { db in
            try db.execute(
                """
                INSERT INTO parser_position (raw_partition, next_offset, feedback_ends)
                VALUES (\(partition), \(first), '') ON CONFLICT (raw_partition) DO NOTHING
                """)
            var position =
                try db.first(
                    "SELECT next_offset, feedback_ends FROM parser_position WHERE raw_partition = \(partition)"
                ) { row in
                    Position(
                        next: row.integer(0), feedbackEnds: row.text(1).split(separator: ",").compactMap { Int64($0) })
                } ?? Position(next: first, feedbackEnds: [])
            guard position.next < first else { return position }
            try db.execute("UPDATE parser_position SET next_offset = \(first) WHERE raw_partition = \(partition)")
            position.lost = first - position.next
            position.next = first
            return position
        }
    }

    /// Moves positions and adds to the ledger.
    ///
    /// - Throws: ``EventLogError/fenced(topic:partition:)`` if a partition is no longer where its batch was read from;
    ///   then nothing is written.
    func commit(_ entries: [Entry]) async throws {
        try await database.write { db in
            for entry in entries {
                let ends = entry.feedbackEnds.map(String.init).joined(separator: ",")
                let moved = try db.execute(
                    """
                    UPDATE parser_position SET next_offset = \(entry.next), feedback_ends = \(ends)
                    WHERE raw_partition = \(entry.partition) AND next_offset = \(entry.from)
                    """)
                guard moved == 1 else {
                    throw EventLogError.fenced(topic: Topic.raw.name, partition: entry.partition)
                }
            }
            try db.add(entries)
        }
    }
}

extension DatabaseConnection {
    /// Adds entries to the ledger.
    fileprivate func add(_ entries: [LedgerStore.Entry]) throws {
        let rows = entries.flatMap { entry in
            var counts = entry.counts
            if entry.carried > 0 { counts[""] = counts[""] ?? ParserLedger.Counts() }
            return counts.sorted { $0.key < $1.key }.map { workspace, counts in
                (workspace, entry.partition, counts, workspace.isEmpty ? entry.carried : 0)
            }
        }
        guard !rows.isEmpty else { return }
        try write(
            BulkRows([
                .texts(rows.map(\.0)), .integers(rows.map { Int64($0.1) }), .integers(rows.map { Int64($0.2.events) }),
                .integers(rows.map { Int64($0.2.extra) }), .integers(rows.map { Int64($0.2.emitted) }),
                .integers(rows.map { Int64($0.2.filtered) }), .integers(rows.map { Int64($0.2.dead) }),
                .integers(rows.map { Int64($0.3) }),
            ]), LedgerStore.addition)
    }
}

extension LedgerStore {
    fileprivate static let addition = BulkStatement(
        into: "parser_ledger",
        columns: ["workspace", "raw_partition", "events", "extra", "emitted", "filtered", "dead", "carried"],
        key: ["workspace", "raw_partition"],
        conflict: .add(["events", "extra", "emitted", "filtered", "dead", "carried"]))
}
