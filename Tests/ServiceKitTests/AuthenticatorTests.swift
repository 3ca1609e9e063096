import Common
import Foundation
import ServiceKit
import Synchronization
import Testing

@Suite("Authenticator")
struct AuthenticatorTests {
    private let clock = MovableClock()

    /// A clock that tests move.
    private final class MovableClock: Sendable {
        private let time = Mutex(Timestamp.now)
        var now: Timestamp { time.withLock { $0 } }
        func advance(seconds: Double) { time.withLock { $0 = $0.advanced(bySeconds: seconds) } }
    }

    private func authenticator(_ platform: Platform) -> Authenticator {
        Authenticator(directory: platform.directory, now: { [clock] in clock.now })
    }

    private func expect(_ failure: AuthenticationFailure, of token: String, by authenticator: Authenticator) async {
        await #expect(throws: failure) { try await authenticator.authenticate(token) }
    }

    @Test("a good token says who asks, twice")
    func good() async throws {
        let platform = try await Platform()
        let key = SigningKey(id: "one")
        try await platform.directory.publish([key.record()])
        let claims = TokenClaims.make(scopes: [.read, .write], at: clock.now)
        let token = try await key.sign(claims)
        let expected = Caller(account: claims.account, token: claims.token, scopes: [.read, .write])
        let authenticator = authenticator(platform)
        for _ in 0..<2 { #expect(try await authenticator.authenticate(token) == expected) }
    }

    @Test("an expired token is refused, although it was good a moment before")
    func expired() async throws {
        let platform = try await Platform()
        let key = SigningKey(id: "one")
        try await platform.directory.publish([key.record()])
        let token = try await key.sign(.make(lifetime: 60, at: clock.now))
        let authenticator = authenticator(platform)
        _ = try await authenticator.authenticate(token)
        clock.advance(seconds: 61)
        await expect(.expired, of: token, by: authenticator)
    }

    @Test("a token of another key is refused, whatever key it names")
    func wrongKey() async throws {
        let platform = try await Platform()
        let key = SigningKey(id: "one")
        try await platform.directory.publish([key.record()])
        let authenticator = authenticator(platform)
        await expect(.badSignature, of: try await SigningKey(id: "one").sign(.make()), by: authenticator)
        await expect(.unknownKey, of: try await SigningKey(id: "two").sign(.make()), by: authenticator)
    }

    @Test("after a rotation old tokens are good until their key retires")
    func rotated() async throws {
        let platform = try await Platform()
        let old = SigningKey(id: "old"), new = SigningKey(id: "new")
        try await platform.directory.publish([old.record()])
        let oldToken = try await old.sign(.make(at: clock.now)), newToken = try await new.sign(.make(at: clock.now))
        let authenticator = authenticator(platform)
        _ = try await authenticator.authenticate(oldToken)
        try await platform.directory.publish([old.record(notAfter: clock.now.advanced(bySeconds: 600)), new.record()])
        _ = try await authenticator.authenticate(oldToken)
        _ = try await authenticator.authenticate(newToken)
        clock.advance(seconds: 601)
        await expect(.retiredKey, of: oldToken, by: authenticator)
        _ = try await authenticator.authenticate(newToken)
    }

    @Test("a revocation is effective at once, although the token was verified before")
    func revoked() async throws {
        let platform = try await Platform()
        let key = SigningKey(id: "one")
        try await platform.directory.publish([key.record()])
        let claims = TokenClaims.make(at: clock.now)
        let token = try await key.sign(claims)
        let authenticator = authenticator(platform)
        _ = try await authenticator.authenticate(token)
        try await platform.directory.publish([
            .revocation(RevocationRecord(token: claims.token, revokedAt: clock.now))
        ])
        await expect(.revoked, of: token, by: authenticator)
    }

    @Test("neither `alg: none` nor another algorithm gets in", arguments: ["none", "HS256", "eddsa"])
    func algorithms(name: String) async throws {
        let platform = try await Platform()
        let key = SigningKey(id: "one")
        try await platform.directory.publish([key.record()])
        let parts = try await key.sign(.make()).split(separator: ".")
        let header = Data(#"{"alg":"\#(name)","kid":"one","typ":"JWT"}"#.utf8).base64URL
        let authenticator = authenticator(platform)
        await expect(.unacceptableAlgorithm, of: "\(header).\(parts[1]).\(parts[2])", by: authenticator)
        await expect(.unacceptableAlgorithm, of: "\(header).\(parts[1]).", by: authenticator)
    }

    @Test("a changed claim breaks the signature")
    func tampered() async throws {
        let platform = try await Platform()
        let key = SigningKey(id: "one")
        try await platform.directory.publish([key.record()])
        let parts = try await key.sign(.make(scopes: [.read])).split(separator: ".")
        let payload = String(decoding: try #require(Data(base64URL: parts[1].utf8)), as: UTF8.self)
        let forged = Data(payload.replacing(#""scope":"read""#, with: #""scope":"admin""#).utf8).base64URL
        try #require(forged != parts[1])
        let authenticator = authenticator(platform)
        await expect(.badSignature, of: "\(parts[0]).\(forged).\(parts[2])", by: authenticator)
    }

    @Test("what is no token is refused", arguments: ["", "a", "a.b", "a.b.c.d", "..", "e30.e30."])
    func malformed(text: String) async throws {
        let authenticator = authenticator(try await Platform())
        await #expect(throws: AuthenticationFailure.self) { try await authenticator.authenticate(text) }
        await expect(.malformed, of: String(repeating: "x", count: 5000), by: authenticator)
    }
}
