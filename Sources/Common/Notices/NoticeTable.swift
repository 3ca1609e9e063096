import ByteJSON
import Common
import ServiceKit

/// The notices and how their delivery went, within one transaction.
struct NoticeTable {
    let connection: any DatabaseConnection

    /// - Returns: Whether it is new: nobody is told the same twice.
    func insert(_ notice: Notice) throws -> Bool {
        try connection.execute(
            """
            INSERT INTO notice (id, workspace, event, subject, recipient, content, created_at, job)
            VALUES (\(notice.id), \(notice.workspace), \(notice.content.event), \(notice.content.subject),
                \(notice.recipient.text), \(String(decoding: notice.content.json.bytes, as: UTF8.self)),
                \(notice.createdAt), \(notice.job))
            ON CONFLICT (workspace, event, subject, recipient) DO NOTHING
            """) > 0
    }

    func notice(_ id: NoticeID) throws -> Notice? { try notices("id = \(id)").first }

    /// Notices, the newest first.
    func list(of workspaces: [WorkspaceID]?, recipient: String?, before: NoticeID?, limit: Int) throws -> [Notice] {
        var condition: SQL = "1 = 1"
        if let workspaces { condition += " AND workspace IN \(list: workspaces)" }
        if let recipient { condition += " AND recipient = \(recipient)" }
        if let before { condition += " AND id < \(before)" }
        return try notices("\(condition) ORDER BY id DESC LIMIT \(limit)")
    }

    /// Has another job deliver it.
    func set(job: JobID, of notice: NoticeID) throws {
        try connection.execute("UPDATE notice SET job = \(job) WHERE id = \(notice)")
    }

    /// Forgets the notice whose last job this was.
    func delete(of job: JobID) throws {
        for notice in try notices("job = \(job)") {
            try connection.execute("DELETE FROM notice_attempt WHERE notice = \(notice.id)")
            try connection.execute("DELETE FROM notice WHERE id = \(notice.id)")
        }
    }

    // MARK: - Attempts

    func add(_ attempt: NoticeAttempt, to notice: NoticeID) throws {
        let number =
            try connection.first("SELECT COALESCE(max(number), 0) FROM notice_attempt WHERE notice = \(notice)") {
                $0.integer(0)
            } ?? 0
        try connection.execute(
            """
            INSERT INTO notice_attempt (notice, number, at, milliseconds, outcome, status, reason)
            VALUES (\(notice), \(number + 1), \(attempt.at), \(attempt.milliseconds), \(attempt.outcome),
                \(attempt.status), \(attempt.reason))
            """)
    }

    func attempts(of notice: NoticeID) throws -> [NoticeAttempt] {
        try connection.query(
            """
            SELECT at, milliseconds, outcome, status, reason FROM notice_attempt WHERE notice = \(notice)
            ORDER BY number
            """
        ) { row in
            NoticeAttempt(
                at: Timestamp(milliseconds: row.integer(0)), milliseconds: row.integer(1), outcome: row.text(2),
                status: row.optionalInteger(3).map { Int($0) }, reason: row.optionalText(4))
        }
    }

    private func notices(_ condition: SQL) throws -> [Notice] {
        try connection.query(
            "SELECT id, workspace, recipient, content, created_at, job FROM notice WHERE \(condition)"
        ) { row in
            guard let id = NoticeID(row.text(0)), let workspace = WorkspaceID(row.text(1)),
                let recipient = Recipient(row.text(2)), let job = JobID(row.text(5)),
                let content = try? JSONDocument(parsing: Array(row.text(3).utf8))
            else { throw DatabaseError.corrupt("a row of notice has id \(row.text(0)) and job \(row.text(5))") }
            return Notice(
                id: id, workspace: workspace, recipient: recipient, content: NoticeContent(JSON(content.root)),
                createdAt: Timestamp(milliseconds: row.integer(4)), job: job)
        }
    }
}
