import ByteJSON
import Common
import ServiceKit

/// Makes tokens. Needs the database and the master key only, so that the command line can do it while no server runs.
struct TokenIssuer: Sendable {
    /// What a new token is to be.
    struct Order: Sendable {
        var account: AccountID
        var name: String
        var scopes: Set<Scope>
        /// Days until it expires.
        var days: Int
    }

    /// Days that a token may live.
    static let lifetimes = 1...3650
    static let defaultLifetime = 365

    let database: any Database
    let vault: Vault

    /// Makes a token. It counts once its record is kept.
    func make(_ order: Order, at now: Timestamp) async throws -> (record: IssuedToken, token: Secret) {
        let signer = try await database.write { try SigningKeys(connection: $0, vault: vault).current(at: now) }
        let claims = TokenClaims(
            account: order.account, token: .make(at: now), scopes: order.scopes, issuedAt: now,
            expiresAt: now.advanced(bySeconds: Double(order.days) * 86_400))
        let record = IssuedToken(
            id: claims.token, account: order.account, name: order.name, scopes: order.scopes, signingKey: signer.id,
            createdAt: now, expiresAt: claims.expiresAt)
        return (record, Secret(try await claims.signed(privateKey: signer.privateKey, keyID: signer.id)))
    }

    /// Keeps a token's record.
    static func keep(_ token: IssuedToken, by asker: TokenID?, on connection: any DatabaseConnection) throws {
        try TokenTable(connection: connection).insert(token)
        try AuditTable(connection: connection).note(
            "token.create", of: token.id.rawValue, account: token.account, by: asker, at: token.createdAt,
            detail: [
                "name": .string(token.name), "scopes": .array(token.scopes.map(\.rawValue).sorted().map(JSON.string)),
            ])
    }
}
