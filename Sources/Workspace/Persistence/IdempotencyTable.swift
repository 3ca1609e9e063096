import Common
import ServiceKit

/// The answers to creating calls that carried an `Idempotency-Key`, sealed, for a day.
struct IdempotencyTable {
    /// An answer that was given.
    struct Answer: Sendable {
        var fingerprint: String
        var sealed: String
    }

    static let lifetime = 86_400.0

    let connection: any DatabaseConnection

    func find(_ key: String, account: AccountID, at now: Timestamp) throws -> Answer? {
        try connection.first(
            """
            SELECT fingerprint, sealed_answer FROM idempotency
            WHERE account = \(account) AND key = \(key) AND expires_at > \(now)
            """
        ) { Answer(fingerprint: $0.text(0), sealed: $0.text(1)) }
    }

    /// Keeps an answer.
    ///
    /// - Throws: ``DatabaseError/constraint(_:)`` if another request with this key was faster.
    func insert(_ answer: Answer, key: String, account: AccountID, of created: Created, at now: Timestamp) throws {
        try connection.execute("DELETE FROM idempotency WHERE expires_at <= \(now)")
        try connection.execute(
            """
            INSERT INTO idempotency (account, key, fingerprint, sealed_answer, workspace, job, expires_at)
            VALUES (\(account), \(key), \(answer.fingerprint), \(answer.sealed), \(created.workspace?.rawValue),
                \(created.job?.rawValue), \(now.advanced(bySeconds: Self.lifetime)))
            """)
    }

    /// Forgets the answer that told of a set-up.
    func forget(_ job: JobID) throws {
        try connection.execute("DELETE FROM idempotency WHERE job = \(job)")
    }

    /// Forgets the answers that told of a workspace.
    func forget(_ workspace: WorkspaceID) throws {
        try connection.execute("DELETE FROM idempotency WHERE workspace = \(workspace)")
    }
}
