import Common
import Crypto
import Foundation
import ServiceKit

/// The keys that tokens are signed with. Private keys lie in the database sealed with the service's own data key,
/// which is sealed with the master key.
struct SigningKeys {
    let connection: any DatabaseConnection
    let vault: Vault

    /// A key that tokens can be signed with now.
    struct Signer: Sendable {
        var id: String
        var privateKey: [UInt8]
    }

    /// The service's data key, sealed; made when it is first asked for.
    func serviceKey() throws -> String {
        if let sealed = try connection.first("SELECT sealed FROM service_key WHERE id = 1", { $0.text(0) }) {
            return sealed
        }
        let sealed = try vault.makeSealedKey()
        try connection.execute("INSERT INTO service_key (id, sealed) VALUES (1, \(sealed))")
        return sealed
    }

    /// The newest key; made when there is none.
    func current(at now: Timestamp) throws -> Signer {
        let row = try connection.first(
            "SELECT id, sealed_private_key FROM signing_key WHERE not_after IS NULL ORDER BY created_at DESC, id DESC LIMIT 1"
        ) { ($0.text(0), $0.text(1)) }
        guard let (id, sealed) = row else { return try make(at: now) }
        let opened = try vault.open(sealed, sealedKey: serviceKey()).reveal()
        guard let privateKey = Data(base64URL: opened.utf8) else { throw VaultError.cannotOpen }
        return Signer(id: id, privateKey: Array(privateKey))
    }

    /// Makes a new key; tokens signed with the others are refused from `oldUntil` on.
    func rotate(at now: Timestamp, oldUntil: Timestamp) throws -> Signer {
        let records = RecordTable(connection: connection)
        for record in try records.list(.key, account: nil) {
            guard case .key(var key) = record, key.notAfter.map({ $0 > oldUntil }) ?? true else { continue }
            key.notAfter = oldUntil
            try records.save(.key(key), account: nil)
            try connection.execute("UPDATE signing_key SET not_after = \(oldUntil) WHERE id = \(key.keyID)")
        }
        return try make(at: now)
    }

    private func make(at now: Timestamp) throws -> Signer {
        let key = Curve25519.Signing.PrivateKey()
        let id = Base32.encode((0..<10).map { _ in UInt8.random(in: .min ... .max) })
        let sealed = try vault.seal(Secret(key.rawRepresentation.base64URL), sealedKey: serviceKey())
        try connection.execute(
            "INSERT INTO signing_key (id, sealed_private_key, created_at) VALUES (\(id), \(sealed), \(now))")
        let record = VerificationKeyRecord(keyID: id, publicKey: key.publicKey.rawRepresentation.base64URL)
        try RecordTable(connection: connection).save(.key(record), account: nil)
        return Signer(id: id, privateKey: Array(key.rawRepresentation))
    }
}
