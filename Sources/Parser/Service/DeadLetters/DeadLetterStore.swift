import ByteJSON
import Common
import Foundation

/// The dead letters, where operators look at them.
///
/// Filled from the topic; what arrives twice is kept once. The original of an event is kept once for all its items.
struct DeadLetterStore: Sendable {
    let database: any Database

    /// A dead letter without its original.
    struct Entry: Sendable, Hashable {
        var id: DeadLetterID
        var workspace: WorkspaceID?
        var stream: String?
        var stage: String
        var reason: String
        var attempts: Int
        var at: Timestamp
        var event: Event
        var item: Int
        var replayedAt: Timestamp?
    }

    /// Where the original was.
    struct Event: Sendable, Hashable {
        var topic: String
        var partition: Int
        var offset: Int64
    }

    /// What failed, as it came.
    struct Original: Sendable, Hashable {
        var key: [UInt8]?
        var headers: [[String]]
        /// nil is a tombstone.
        var payload: [UInt8]?
    }

    /// Which dead letters.
    struct Filter: Sendable {
        /// nil is all, known or not; only for the operator.
        var workspaces: [WorkspaceID]?
        var stage: DeadLetter.Stage?
        var stream: StreamID?
        var isReplayed: Bool?
        /// Not younger than this.
        var until: Timestamp?
    }

    /// Where a page ends: the next one holds what is older.
    struct Cursor: Sendable, Hashable {
        var at: Timestamp
        var id: String
    }

    /// Keeps dead letters; those that are known stay as they are.
    func add(_ letters: [DeadLetter]) async throws {
        var seen: Set<DeadLetterID> = []
        let letters = letters.filter { seen.insert($0.id).inserted }
        var events: Set<Event> = []
        let originals = letters.filter {
            $0.isOmitted != true
                && events.insert(Event(topic: $0.topic, partition: $0.partition, offset: $0.offset)).inserted
        }
        guard !letters.isEmpty else { return }
        try await database.write { db in
            try db.write(
                BulkRows([
                    .texts(letters.map(\.id.rawValue)), .texts(letters.map { $0.workspace?.rawValue ?? "" }),
                    .optionalTexts(letters.map { $0.stream?.rawValue }), .texts(letters.map(\.stage.rawValue)),
                    .texts(letters.map(\.reason)), .integers(letters.map { Int64($0.attempts) }),
                    .integers(letters.map(\.at.milliseconds)), .texts(letters.map(\.topic)),
                    .integers(letters.map { Int64($0.partition) }), .integers(letters.map(\.offset)),
                    .integers(letters.map { Int64($0.item) }),
                ]),
                BulkStatement(
                    into: "dead_letter",
                    columns: [
                        "id", "workspace", "stream", "stage", "reason", "attempts", "at", "topic", "log_partition",
                        "log_offset", "item",
                    ], key: ["id"], conflict: .ignore))
            guard !originals.isEmpty else { return }
            try db.write(
                BulkRows([
                    .texts(originals.map(\.topic)), .integers(originals.map { Int64($0.partition) }),
                    .integers(originals.map(\.offset)), .optionalTexts(originals.map(\.key)),
                    .texts(originals.map { Self.encode($0.headers) }), .optionalTexts(originals.map(\.payload)),
                ]),
                BulkStatement(
                    into: "dead_letter_original",
                    columns: ["topic", "log_partition", "log_offset", "record_key", "headers", "payload"],
                    key: ["topic", "log_partition", "log_offset"], conflict: .ignore))
        }
    }

    /// Dead letters, the latest first.
    func page(_ filter: Filter, after cursor: Cursor? = nil, limit: Int) async throws -> [Entry] {
        try await database.read { db in
            var sql: SQL = "SELECT \(raw: Self.columns) FROM dead_letter WHERE \(Self.condition(filter))"
            if let cursor { sql += " AND (at < \(cursor.at) OR (at = \(cursor.at) AND id < \(cursor.id)))" }
            sql += " ORDER BY at DESC, id DESC LIMIT \(limit)"
            return try db.query(sql, Self.entry).compactMap { $0 }
        }
    }

    /// How many there are.
    func count(_ filter: Filter) async throws -> Int {
        try await database.read { db in
            try db.first("SELECT COUNT(*) FROM dead_letter WHERE \(Self.condition(filter))") {
                Int($0.integer(0))
            } ?? 0
        }
    }

    /// One dead letter.
    func entry(_ id: DeadLetterID) async throws -> Entry? {
        try await database.read { db in
            try db.first("SELECT \(raw: Self.columns) FROM dead_letter WHERE id = \(id)", Self.entry) ?? nil
        }
    }

    /// The original of an event, if it is here; else it can only be on the log.
    func original(of event: Event) async throws -> Original? {
        try await database.read { db in
            try db.first(
                """
                SELECT record_key, headers, payload FROM dead_letter_original
                WHERE topic = \(event.topic) AND log_partition = \(event.partition) AND log_offset = \(event.offset)
                """
            ) { row in
                Original(
                    key: row.optionalText(0).flatMap { Data(base64Encoded: $0) }.map(Array.init),
                    headers: Self.decode(row.text(1)),
                    payload: row.optionalText(2).flatMap { Data(base64Encoded: $0) }.map(Array.init))
            }
        }
    }

    /// Tombstones for the topic, one a dead letter of these events that is open: whoever counts what is missing counts
    /// them no more.
    func tombstones(of events: [Event]) async throws -> RecordBatch {
        let ids = try await database.read { db in
            try events.flatMap { event in
                try db.query(
                    """
                    SELECT id FROM dead_letter WHERE topic = \(event.topic) AND log_partition = \(event.partition)
                        AND log_offset = \(event.offset) AND replayed_at IS NULL
                    """
                ) { $0.text(0) }
            }
        }
        var batch = RecordBatch()
        for id in ids { batch.appendTombstone(key: id) }
        return batch
    }

    /// Notes that events went back to the log: all dead letters of each.
    func markReplayed(_ events: [Event], at now: Timestamp) async throws {
        try await database.write { db in
            for event in events {
                try db.execute(
                    """
                    UPDATE dead_letter SET replayed_at = \(now)
                    WHERE topic = \(event.topic) AND log_partition = \(event.partition)
                        AND log_offset = \(event.offset) AND replayed_at IS NULL
                    """)
            }
        }
    }

    /// Offsets of events in this range that failed and did not go back to the log since.
    func openOffsets(in topic: Topic, partition: Int, _ range: ClosedRange<Int64>) async throws -> Set<Int64> {
        try await database.read { db in
            Set(
                try db.query(
                    """
                    SELECT DISTINCT log_offset FROM dead_letter
                    WHERE topic = \(topic.name) AND log_partition = \(partition)
                        AND log_offset >= \(range.lowerBound) AND log_offset <= \(range.upperBound)
                        AND replayed_at IS NULL
                    """
                ) { $0.integer(0) })
        }
    }

    /// Forgets dead letters, and originals that no other one needs.
    func drop(_ ids: [DeadLetterID]) async throws {
        try await database.write { db in
            for id in ids {
                let found = try db.first("SELECT \(raw: Self.columns) FROM dead_letter WHERE id = \(id)", Self.entry)
                guard let event = (found ?? nil)?.event else { continue }
                try db.execute("DELETE FROM dead_letter WHERE id = \(id)")
                try db.execute(
                    """
                    DELETE FROM dead_letter_original
                    WHERE topic = \(event.topic) AND log_partition = \(event.partition) AND log_offset = \(event.offset)
                        AND NOT EXISTS (
                            SELECT 1 FROM dead_letter WHERE topic = \(event.topic)
                                AND log_partition = \(event.partition) AND log_offset = \(event.offset))
                    """)
            }
        }
    }

    /// Forgets what is older than `limit`, and everything of these workspaces.
    func forget(olderThan limit: Timestamp, workspaces: [WorkspaceID]) async throws {
        try await database.write { db in
            let gone = try db.execute("DELETE FROM dead_letter WHERE at < \(limit) OR workspace IN \(list: workspaces)")
            guard gone > 0 else { return }
            try db.execute(
                """
                DELETE FROM dead_letter_original WHERE NOT EXISTS (
                    SELECT 1 FROM dead_letter d WHERE d.topic = dead_letter_original.topic
                        AND d.log_partition = dead_letter_original.log_partition
                        AND d.log_offset = dead_letter_original.log_offset)
                """)
        }
    }

    private static let columns = """
        id, workspace, stream, stage, reason, attempts, at, topic, log_partition, log_offset, item, replayed_at
        """

    private static func entry(_ row: any DatabaseRow) -> Entry? {
        guard let id = DeadLetterID(row.text(0)) else { return nil }
        return Entry(
            id: id, workspace: WorkspaceID(row.text(1)), stream: row.optionalText(2), stage: row.text(3),
            reason: row.text(4), attempts: Int(row.integer(5)), at: Timestamp(milliseconds: row.integer(6)),
            event: Event(topic: row.text(7), partition: Int(row.integer(8)), offset: row.integer(9)),
            item: Int(row.integer(10)), replayedAt: row.optionalInteger(11).map(Timestamp.init(milliseconds:)))
    }

    private static func condition(_ filter: Filter) -> SQL {
        var sql: SQL = "1 = 1"
        if let workspaces = filter.workspaces { sql += " AND workspace IN \(list: workspaces)" }
        if let stage = filter.stage { sql += " AND stage = \(stage.rawValue)" }
        if let stream = filter.stream { sql += " AND stream = \(stream)" }
        if let until = filter.until { sql += " AND at <= \(until)" }
        switch filter.isReplayed {
        case true?: sql += " AND replayed_at IS NOT NULL"
        case false?: sql += " AND replayed_at IS NULL"
        case nil: break
        }
        return sql
    }

    private static func encode(_ headers: [[String]]) -> String {
        let list = JSON.array(headers.map { .array($0.map(JSON.string)) })
        return String(decoding: list.bytes, as: UTF8.self)
    }

    private static func decode(_ text: String) -> [[String]] {
        guard let list = try? JSONDocument(parsing: text) else { return [] }
        return list.root.elements.map { $0.elements.compactMap(\.string) }
    }
}
