import ByteJSON
import Common
import ServiceKit

/// Who changed what, and when.
struct AuditEntry: Sendable {
    var id: JobID
    var at: Timestamp
    /// The token that did it; nil for the command line and the first start.
    var token: TokenID?
    /// `workspace.create`.
    var action: String
    /// The id of what was changed.
    var subject: String
    /// What about it; never a secret.
    var detail: JSON
}

/// The journal of changes, by account.
struct AuditTable {
    let connection: any DatabaseConnection

    func note(
        _ action: String, of subject: String, account: AccountID, by token: TokenID?, at now: Timestamp,
        detail: JSON = [:]
    ) throws {
        try connection.execute(
            """
            INSERT INTO audit (id, account, at, token, action, subject, detail)
            VALUES (\(JobID.make(at: now)), \(account), \(now), \(token?.rawValue), \(action), \(subject),
                \(String(decoding: detail.bytes, as: UTF8.self)))
            """)
    }

    /// Newest first, those before `id`.
    func list(account: AccountID, before id: String?, limit: Int) throws -> [AuditEntry] {
        var sql: SQL = "SELECT id, at, token, action, subject, detail FROM audit WHERE account = \(account)"
        if let id { sql += " AND id < \(id)" }
        sql += " ORDER BY id DESC LIMIT \(limit)"
        return try connection.query(sql) { row in
            guard let id = JobID(row.text(0)) else { throw DatabaseError.corrupt("audit has no id \(row.text(0))") }
            return AuditEntry(
                id: id, at: Timestamp(milliseconds: row.integer(1)), token: row.optionalText(2).flatMap { TokenID($0) },
                action: row.text(3), subject: row.text(4),
                detail: try JSON(JSONDocument(parsing: row.text(5)).root))
        }
    }
}
