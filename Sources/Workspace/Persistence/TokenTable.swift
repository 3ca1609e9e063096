import Common
import ServiceKit

/// What is kept of a token: everything but the token itself.
struct IssuedToken: Sendable {
    var id: TokenID
    var account: AccountID
    /// What it is for, for people.
    var name: String
    var scopes: Set<Scope>
    /// The key that it was signed with.
    var signingKey: String
    var createdAt: Timestamp
    var expiresAt: Timestamp
    var revokedAt: Timestamp?
}

/// The tokens that were given out.
struct TokenTable {
    let connection: any DatabaseConnection

    func insert(_ token: IssuedToken) throws {
        try connection.execute(
            """
            INSERT INTO token (id, account, name, scopes, signing_key, created_at, expires_at)
            VALUES (\(token.id), \(token.account), \(token.name), \(token.scopes.map(\.rawValue).sorted().joined(separator: " ")),
                \(token.signingKey), \(token.createdAt), \(token.expiresAt))
            """)
    }

    func find(_ id: TokenID, account: AccountID?) throws -> IssuedToken? {
        var sql = Self.select + " WHERE id = \(id)"
        if let account { sql += " AND account = \(account)" }
        return try connection.first(sql, Self.token)
    }

    func list(account: AccountID, after id: String?, limit: Int) throws -> [IssuedToken] {
        try connection.query(
            Self.select + " WHERE account = \(account) AND id > \(id ?? "") ORDER BY id LIMIT \(limit)", Self.token)
    }

    func revoke(_ id: TokenID, at now: Timestamp) throws {
        try connection.execute("UPDATE token SET revoked_at = \(now) WHERE id = \(id) AND revoked_at IS NULL")
    }

    /// Whether an operator's token was ever made.
    func hasAdmin() throws -> Bool {
        try connection.query("SELECT scopes FROM token") { $0.text(0) }
            .contains { $0.split(separator: " ").contains("admin") }
    }

    private static let select: SQL =
        "SELECT id, account, name, scopes, signing_key, created_at, expires_at, revoked_at FROM token"

    private static func token(_ row: any DatabaseRow) throws -> IssuedToken {
        guard let id = TokenID(row.text(0)), let account = AccountID(row.text(1)) else {
            throw DatabaseError.corrupt("token has no id \(row.text(0))")
        }
        return IssuedToken(
            id: id, account: account, name: row.text(2),
            scopes: Set(row.text(3).split(separator: " ").compactMap { Scope(rawValue: String($0)) }),
            signingKey: row.text(4), createdAt: Timestamp(milliseconds: row.integer(5)),
            expiresAt: Timestamp(milliseconds: row.integer(6)),
            revokedAt: row.optionalInteger(7).map { Timestamp(milliseconds: $0) })
    }
}
