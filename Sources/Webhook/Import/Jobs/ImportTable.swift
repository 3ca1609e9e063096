import ByteJSON
import Common
import Foundation
import ServiceKit

/// Imports in the database, within one transaction.
struct ImportTable {
    let connection: any DatabaseConnection
    let now: Timestamp

    // MARK: - Reading

    /// An import, and the job that works on it.
    func find(_ id: ImportID) throws -> Found? {
        try found("id = \(id)").first
    }

    /// The open import of a file into a stream.
    func open(_ stream: StreamID, key: String) throws -> Found? {
        try found("open_key = \(Self.openKey(stream, key))").first
    }

    /// Imports, the newest first.
    func list(of workspaces: [WorkspaceID]?, before: ImportID?, limit: Int) throws -> [Found] {
        var condition: SQL = "1 = 1"
        if let workspaces { condition += " AND workspace IN \(list: workspaces)" }
        if let before { condition += " AND id < \(before)" }
        return try found("\(condition) ORDER BY id DESC LIMIT \(limit)")
    }

    /// How many imports of a workspace have not ended.
    func openCount(of workspace: WorkspaceID) throws -> Int {
        try connection.first(
            "SELECT count(*) FROM import WHERE workspace = \(workspace) AND open_key IS NOT NULL"
        ) { Int($0.integer(0)) } ?? 0
    }

    /// Imports that nobody has touched since a time.
    func untouched(since time: Timestamp, isOpen: Bool, limit: Int) throws -> [ImportRecord] {
        try connection.query(
            """
            SELECT document FROM import
            WHERE changed_at < \(time) AND open_key IS \(raw: isOpen ? "NOT NULL" : "NULL")
            ORDER BY changed_at LIMIT \(limit)
            """
        ) { try Self.record($0.text(0)) }
    }

    private func found(_ condition: SQL) throws -> [Found] {
        let records = try connection.query("SELECT document FROM import WHERE \(condition)") {
            try Self.record($0.text(0))
        }
        let jobs = JobTable(connection, at: now)
        return try records.map { record in
            var record = record
            let job = try record.job.flatMap { try jobs.job($0) }
            // A job that was given up says so itself; nobody was left to write it here.
            if let job, job.state.isEnd, job.state != .completed,
                [.running, .undoing, .uploading].contains(record.state)
            {
                record.state = .failed
                record.reason = job.reason
            }
            return Found(record: record, job: job)
        }
    }

    struct Found: Sendable {
        var record: ImportRecord
        var job: Job?
    }

    // MARK: - Writing

    func insert(_ record: ImportRecord) throws {
        try connection.execute(
            """
            INSERT INTO import (id, workspace, state, open_key, changed_at, document)
            VALUES (\(record.id), \(record.workspace), \(record.state.rawValue), \(Self.openKey(record)), \(now),
                \(try Self.document(record)))
            """)
    }

    func save(_ record: ImportRecord) throws {
        try connection.execute(
            """
            UPDATE import SET state = \(record.state.rawValue), open_key = \(Self.openKey(record)), changed_at = \(now),
                document = \(try Self.document(record))
            WHERE id = \(record.id)
            """)
    }

    /// Changes an import; who writes comes after whoever wrote last, so nothing is lost.
    @discardableResult
    func change(_ id: ImportID, _ body: (inout ImportRecord) throws -> Void) throws -> Found {
        guard var found = try find(id) else { throw ImportGone(id: id) }
        try body(&found.record)
        try save(found.record)
        return found
    }

    func delete(_ id: ImportID) throws {
        try forgetBadRows(of: id)
        try connection.execute("DELETE FROM import WHERE id = \(id)")
    }

    // MARK: - Bad rows

    func add(_ rows: [BadRow], of id: ImportID) throws {
        guard !rows.isEmpty else { return }
        try connection.write(
            BulkRows([
                .texts(rows.map { _ in id.rawValue }), .integers(rows.map { Int64($0.row) }),
                .integers(rows.map { Int64($0.line) }), .optionalTexts(rows.map(\.column)),
                .texts(rows.map { Self.storable($0.reason) }),
                .texts(rows.map { Self.storable(String(decoding: $0.original, as: UTF8.self)) }),
            ]),
            BulkStatement(
                into: "import_bad_row", columns: ["import", "number", "line", "place", "reason", "original"],
                key: ["import", "number"], conflict: .ignore))
    }

    func badRows(of id: ImportID, after row: Int, limit: Int) throws -> [BadRow] {
        try connection.query(
            """
            SELECT number, line, place, reason, original FROM import_bad_row
            WHERE import = \(id) AND number > \(row) ORDER BY number LIMIT \(limit)
            """
        ) { row in
            BadRow(
                row: Int(row.integer(0)), line: Int(row.integer(1)), column: row.optionalText(2), reason: row.text(3),
                original: Array(row.text(4).utf8))
        }
    }

    func forgetBadRows(of id: ImportID) throws {
        try connection.execute("DELETE FROM import_bad_row WHERE import = \(id)")
    }

    /// PostgreSQL keeps no text with a zero in it.
    private static func storable(_ text: String) -> String { text.replacing("\0", with: "\u{FFFD}") }

    // MARK: - Documents

    private static func openKey(_ record: ImportRecord) -> String? {
        record.state.isOpen ? openKey(record.stream, record.key) : nil
    }

    private static func openKey(_ stream: StreamID, _ key: String) -> String { "\(stream) \(key)" }

    private static func document(_ record: ImportRecord) throws -> String {
        storable(String(decoding: try JSONEncoder().encode(record), as: UTF8.self))
    }

    private static func record(_ text: String) throws -> ImportRecord {
        try JSONDecoder().decode(ImportRecord.self, from: Data(text.utf8))
    }
}

/// There is no such import any more.
struct ImportGone: Error, CustomStringConvertible {
    let id: ImportID
    var description: String { "\(id) is not there any more" }
}
