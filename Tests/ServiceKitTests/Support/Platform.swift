import Common
import Crypto
import Foundation
import Logging
import SQLiteLog
import ServiceKit
import TestKit

/// A log in a folder of its own, and a directory over it.
struct Platform {
    let folder: TemporaryFolder
    let log: SQLiteLog
    let directory: Directory

    init(folder: TemporaryFolder? = nil) async throws {
        self.folder = try folder ?? TemporaryFolder()
        log = try SQLiteLog(folder: self.folder.file("log"))
        try await log.create(Topic.all)
        directory = Directory(log: log, logger: .quiet)
        try await directory.load()
    }
}

extension Logger {
    /// Says nothing.
    static var quiet: Logger { Logger(label: "quiet") { _ in SwiftLogNoOpLogHandler() } }
}

/// A key that tokens are signed with, as the Workspace service has them.
struct SigningKey {
    let id: String
    let privateKey = Curve25519.Signing.PrivateKey()

    func record(notAfter: Timestamp? = nil) -> DirectoryRecord {
        .key(
            VerificationKeyRecord(
                keyID: id, publicKey: privateKey.publicKey.rawRepresentation.base64URL, notAfter: notAfter))
    }

    func sign(_ claims: TokenClaims) async throws -> String {
        try await claims.signed(privateKey: Array(privateKey.rawRepresentation), keyID: id)
    }
}

extension TokenClaims {
    static func make(scopes: Set<Scope> = [.read], lifetime: Double = 3600, at now: Timestamp = .now) -> TokenClaims {
        TokenClaims(
            account: .make(), token: .make(), scopes: scopes, issuedAt: now,
            expiresAt: now.advanced(bySeconds: lifetime))
    }
}

extension WorkspaceRecord {
    static func make(_ name: String, account: AccountID = .make()) -> WorkspaceRecord {
        WorkspaceRecord(id: .make(), account: account, name: name, createdAt: .now, sealedKey: "sealed")
    }
}
