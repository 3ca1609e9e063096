public import Common
import Crypto
import Foundation
public import JWTKit

/// What a token says: a JSON Web Token signed with Ed25519.
public struct TokenClaims: JWTPayload, Sendable, Hashable {
    /// The account that the token acts for.
    public var account: AccountID
    public var token: TokenID
    public var scopes: Set<Scope>
    public var issuedAt: Timestamp
    /// The token is refused from this time on.
    public var expiresAt: Timestamp

    public static let issuer = "earshot"

    enum CodingKeys: String, CodingKey {
        case issuer = "iss", account = "sub", token = "jti", scopes = "scope", issuedAt = "iat", expiresAt = "exp"
    }

    public init(account: AccountID, token: TokenID, scopes: Set<Scope>, issuedAt: Timestamp, expiresAt: Timestamp) {
        self.account = account
        self.token = token
        self.scopes = scopes
        self.issuedAt = issuedAt
        self.expiresAt = expiresAt
    }

    public init(from decoder: any Decoder) throws {
        let members = try decoder.container(keyedBy: CodingKeys.self)
        guard try members.decode(String.self, forKey: .issuer) == Self.issuer else {
            throw DecodingError.dataCorruptedError(forKey: .issuer, in: members, debugDescription: "another issuer")
        }
        account = try members.decode(AccountID.self, forKey: .account)
        token = try members.decode(TokenID.self, forKey: .token)
        let names = try members.decode(String.self, forKey: .scopes).split(separator: " ")
        scopes = Set(names.compactMap { Scope(rawValue: String($0)) })
        issuedAt = Timestamp(seconds: try members.decode(Int64.self, forKey: .issuedAt))
        expiresAt = Timestamp(seconds: try members.decode(Int64.self, forKey: .expiresAt))
    }

    public func encode(to encoder: any Encoder) throws {
        var members = encoder.container(keyedBy: CodingKeys.self)
        try members.encode(Self.issuer, forKey: .issuer)
        try members.encode(account, forKey: .account)
        try members.encode(token, forKey: .token)
        try members.encode(scopes.map(\.rawValue).sorted().joined(separator: " "), forKey: .scopes)
        try members.encode(issuedAt.milliseconds / 1000, forKey: .issuedAt)
        try members.encode(expiresAt.milliseconds / 1000, forKey: .expiresAt)
    }

    /// The signature is all that the library checks; times and revocation are ``Authenticator``'s affair, which has
    /// the clock and the directory.
    public func verify(using algorithm: some JWTAlgorithm) {}

    /// Signs the claims.
    ///
    /// - Parameter privateKey: An Ed25519 private key, 32 bytes.
    public func signed(privateKey: [UInt8], keyID: String) async throws -> String {
        let kid = JWKIdentifier(string: keyID)
        let key = try EdDSA.PrivateKey(backing: Curve25519.Signing.PrivateKey(rawRepresentation: privateKey))
        return try await JWTKeyCollection().add(eddsa: key, kid: kid).sign(self, kid: kid)
    }
}
