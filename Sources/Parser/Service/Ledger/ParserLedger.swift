public import Common

/// What became of everything that the parser took from the raw topic.
///
/// Every raw event ends as one or more items, and `events + extra == emitted + filtered + dead`, always: position
/// and counts are written in one transaction.
public struct ParserLedger: Sendable, Hashable, Codable {
    /// One account.
    public struct Counts: Sendable, Hashable, Codable {
        /// Raw events done with.
        public var events = 0
        /// Items of split deliveries beyond each one's first.
        public var extra = 0
        /// Items that went on as feedback.
        public var emitted = 0
        /// Items that a rule kept out, or whose stream is gone.
        public var filtered = 0
        /// Items set aside as dead letters.
        public var dead = 0

        public init() {}

        /// All items.
        public var items: Int { events + extra }
        /// Whether everything that came in has gone out one way or another.
        public var isBalanced: Bool { items == emitted + filtered + dead }

        public static func += (left: inout Counts, right: Counts) {
            left.events += right.events
            left.extra += right.extra
            left.emitted += right.emitted
            left.filtered += right.filtered
            left.dead += right.dead
        }
    }

    /// Over everything.
    public var total = Counts()
    /// By workspace, those known, by id.
    public var workspaces: [WorkspaceCounts] = []
    /// Events of which it could not be told whose they are.
    public var unattributed = Counts()
    /// Events in ``total`` that another installation read, before their workspace was moved here.
    public var elsewhere = 0
    /// Events that were passed over on the topic, because they are among those; the log may have fewer of them.
    public var carried = 0
    /// The offset of the next raw event that was not yet worked on, by partition.
    public var positions: [Position] = []

    public struct WorkspaceCounts: Sendable, Hashable, Codable {
        public var workspace: WorkspaceID
        public var counts: Counts
    }

    public struct Position: Sendable, Hashable, Codable {
        public var partition: Int
        public var next: Int64
    }

    public init() {}

    /// Reads the ledger, in one state, from the parser's database.
    public static func load(from database: any Database) async throws -> ParserLedger {
        try await database.read { db in
            var ledger = ParserLedger()
            let rows = try db.query(
                """
                SELECT workspace, SUM(events), SUM(extra), SUM(emitted), SUM(filtered), SUM(dead)
                FROM parser_ledger GROUP BY workspace ORDER BY workspace
                """
            ) { row in
                var counts = Counts()
                counts.events = Int(row.integer(1))
                counts.extra = Int(row.integer(2))
                counts.emitted = Int(row.integer(3))
                counts.filtered = Int(row.integer(4))
                counts.dead = Int(row.integer(5))
                return (workspace: row.text(0), counts: counts)
            }
            for row in rows {
                ledger.total += row.counts
                if let workspace = WorkspaceID(row.workspace) {
                    ledger.workspaces.append(WorkspaceCounts(workspace: workspace, counts: row.counts))
                } else {
                    ledger.unattributed += row.counts
                }
            }
            (ledger.elsewhere, ledger.carried) =
                try db.first(
                    """
                    SELECT SUM(CASE WHEN raw_partition < 0 THEN events ELSE 0 END), SUM(carried) FROM parser_ledger
                    """
                ) { (Int($0.integer(0)), Int($0.integer(1))) } ?? (0, 0)
            ledger.positions = try db.query(
                "SELECT raw_partition, next_offset FROM parser_position ORDER BY raw_partition"
            ) { Position(partition: Int($0.integer(0)), next: $0.integer(1)) }
            return ledger
        }
    }
}
