public import Common
import Foundation

/// What of the parser's belongs to a workspace that is moved to another installation.
///
/// Jobs that read events again stay behind: they name places of the log that they were begun on.
extension ParserRole {
    /// The dead letters and their originals, which name the events that they are of.
    public static func rows(of events: CarriedEvents, account: AccountID) -> [WorkspaceRows] {
        let workspace = events.workspace
        return [
            WorkspaceRows("dead_letter", "workspace = \(workspace)") { row in
                let place = row.move(by: events)
                row["id"] = .text(
                    DeadLetterID.derive(
                        topic: row.text("topic"), partition: place.partition, offset: place.offset,
                        item: Int(row.integer("item"))
                    ).rawValue)
            },
            WorkspaceRows(
                "dead_letter_original",
                """
                EXISTS (SELECT 1 FROM dead_letter d WHERE d.workspace = \(workspace)
                    AND d.topic = dead_letter_original.topic
                    AND d.log_partition = dead_letter_original.log_partition
                    AND d.log_offset = dead_letter_original.log_offset)
                """
            ) { row in
                _ = row.move(by: events)
                // What reports could not store is feedback, which names its raw event.
                guard row.text("topic") == Topic.feedback.name, let payload = Data(base64Encoded: row.text("payload"))
                else { return }
                row["payload"] = .text(
                    Data(events.document(Array(payload), of: account)).base64EncodedString())
            },
        ]
    }

    /// The ids that a workspace's dead letters get, by those that they had.
    public static func deadLetterIDs(of events: CarriedEvents, in database: any Database) async throws -> [String:
        String]
    {
        try await database.read { db in
            let rows = try db.query(
                """
                SELECT id, topic, log_partition, log_offset, item FROM dead_letter WHERE workspace = \(events.workspace)
                """
            ) { row in
                let place = events.place(of: row.text(1), partition: Int(row.integer(2)), offset: row.integer(3))
                let id = DeadLetterID.derive(
                    topic: row.text(1), partition: place.partition, offset: place.offset, item: Int(row.integer(4)))
                return (row.text(0), id.rawValue)
            }
            return Dictionary(rows) { first, _ in first }
        }
    }

    /// Counts in one database what another one has counted of a workspace; done again, it changes nothing.
    public static func carryLedger(
        of workspace: WorkspaceID, from here: any Database, to there: any Database
    ) async throws {
        guard let counts = try await ParserLedger.load(from: here).counts(of: workspace) else { return }
        try await there.write { db in
            try db.execute(
                """
                INSERT INTO parser_ledger (workspace, raw_partition, events, extra, emitted, filtered, dead, carried)
                VALUES (\(workspace), -1, \(counts.events), \(counts.extra), \(counts.emitted), \(counts.filtered),
                    \(counts.dead), 0)
                ON CONFLICT (workspace, raw_partition) DO NOTHING
                """)
        }
    }
}

extension ParserLedger {
    /// What became of one workspace's events; nil if there were none.
    public func counts(of workspace: WorkspaceID) -> Counts? { workspaces.first { $0.workspace == workspace }?.counts }
}

extension CarriedRow {
    /// Names the event's place on the other log.
    fileprivate mutating func move(by events: CarriedEvents) -> LogPosition {
        let place = events.place(
            of: text("topic"), partition: Int(integer("log_partition")), offset: integer("log_offset"))
        self["log_partition"] = .integer(Int64(place.partition))
        self["log_offset"] = .integer(place.offset)
        return place
    }
}
