public import Common
import Crypto
import Foundation
import JWTKit
import Synchronization

/// Tells from a bearer token who asks.
///
/// Tokens are verified with the public keys of the directory, so no service needs the one that issued them. What was
/// verified is remembered until the directory changes, so a busy caller costs one signature, and a revocation is
/// effective as soon as the directory knows it.
public final class Authenticator: Sendable {
    private struct Verified {
        var caller: Caller
        /// The token or its key is refused from this time on.
        var until: Timestamp
        /// The directory's revision that it was verified at.
        var revision: Int64
    }

    private let directory: Directory
    private let now: @Sendable () -> Timestamp
    private let capacity: Int
    private let verified = Mutex<[String: Verified]>([:])

    /// - Parameter capacity: How many tokens are remembered at most.
    public init(directory: Directory, capacity: Int = 1024, now: @escaping @Sendable () -> Timestamp = { .now }) {
        self.directory = directory
        self.capacity = capacity
        self.now = now
    }

    /// Who the token belongs to.
    public func authenticate(_ token: String) async throws(AuthenticationFailure) -> Caller {
        let snapshot = directory.current
        if let known = verified.withLock({ $0[token] }), known.revision == snapshot.revision, now() < known.until {
            return known.caller
        }
        let fresh = try await verify(token, by: snapshot)
        verified.withLock { verified in
            if verified.count >= capacity { verified.removeAll(keepingCapacity: true) }
            verified[token] = fresh
        }
        return fresh.caller
    }

    private func verify(_ token: String, by snapshot: Directory.Snapshot) async throws(AuthenticationFailure)
        -> Verified
    {
        guard token.utf8.count <= 4096, let header = Self.header(of: token) else { throw .malformed }
        guard header.alg == "EdDSA" else { throw .unacceptableAlgorithm }
        guard let keyID = header.kid, let key = snapshot.keys[keyID] else { throw .unknownKey }
        if let end = key.notAfter, now() >= end { throw .retiredKey }
        let claims = try await Self.claims(of: token, key: key)
        guard now() < claims.expiresAt else { throw .expired }
        guard !snapshot.revoked.contains(claims.token) else { throw .revoked }
        return Verified(
            caller: Caller(account: claims.account, token: claims.token, scopes: claims.scopes),
            until: min(claims.expiresAt, key.notAfter ?? claims.expiresAt), revision: snapshot.revision)
    }

    private struct Header: Decodable {
        var alg: String?
        var kid: String?
    }

    private static func header(of token: String) -> Header? {
        let parts = token.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        guard parts.count == 3, let bytes = Data(base64URL: parts[0]) else { return nil }
        return try? JSONDecoder().decode(Header.self, from: bytes)
    }

    private static func claims(of token: String, key: VerificationKeyRecord) async throws(AuthenticationFailure)
        -> TokenClaims
    {
        guard let bytes = Data(base64URL: key.publicKey.utf8),
            let publicKey = try? Curve25519.Signing.PublicKey(rawRepresentation: bytes)
        else { throw .unknownKey }
        let kid = JWKIdentifier(string: key.keyID)
        let keys = await JWTKeyCollection().add(eddsa: EdDSA.PublicKey(backing: publicKey), kid: kid)
        do {
            return try await keys.verify(token, as: TokenClaims.self)
        } catch {
            throw .badSignature
        }
    }
}

/// Why a token is not accepted, and what to do.
public enum AuthenticationFailure: Error, Sendable, Hashable, CustomStringConvertible {
    case malformed
    case unacceptableAlgorithm
    case unknownKey
    case retiredKey
    case badSignature
    case expired
    case revoked

    public var description: String {
        switch self {
        case .malformed: "this is no token of ours; send the whole text that `earshot token create` printed"
        case .unacceptableAlgorithm: "the token is not signed with Ed25519; only tokens made here are accepted"
        case .unknownKey: "the token was signed with a key that is not known here; make a new token"
        case .retiredKey: "the key that the token was signed with is retired; make a new token"
        case .badSignature: "the token's signature is wrong; send it as it was given out, or make a new one"
        case .expired: "the token has expired; make a new one"
        case .revoked: "the token was revoked; make a new one"
        }
    }
}
