public import Common
import Crypto
import Foundation

/// Seals what must not be read in a database, on the log or in a backup.
///
/// AES-256-GCM. Each workspace has a data key of its own, sealed with the master key; destroying the sealed data key
/// destroys everything sealed with it. The master key lies outside of every database.
public struct Vault: Sendable {
    private let master: SymmetricKey

    /// - Parameter masterKey: 32 bytes.
    /// - Throws: ``VaultError`` if it is not 32 bytes long.
    public init(masterKey: [UInt8]) throws(VaultError) {
        guard masterKey.count == 32 else { throw VaultError.badMasterKey(bytes: masterKey.count) }
        master = SymmetricKey(data: masterKey)
    }

    /// Makes a workspace's data key and seals it.
    public func makeSealedKey() throws -> String {
        let key = SymmetricKey(size: .bits256)
        return try Self.seal(key.withUnsafeBytes { Array($0) }, with: master)
    }

    /// Seals a text with a workspace's data key.
    public func seal(_ secret: Secret, sealedKey: String) throws -> String {
        try Self.seal(Array(secret.reveal().utf8), with: dataKey(sealedKey))
    }

    /// Opens what ``seal(_:sealedKey:)`` sealed.
    ///
    /// - Throws: ``VaultError`` if it was sealed with another key or was changed.
    public func open(_ sealed: String, sealedKey: String) throws -> Secret {
        Secret(String(decoding: try Self.open(sealed, with: dataKey(sealedKey)), as: UTF8.self))
    }

    /// A workspace's data key, sealed anew with the master key of another vault: what was sealed with it opens there.
    ///
    /// - Throws: ``VaultError`` if this vault did not seal it.
    public func sealedKey(_ sealedKey: String, for other: Vault) throws -> String {
        try Self.seal(Self.open(sealedKey, with: master), with: other.master)
    }

    /// Signs a text with a key that is derived from a workspace's: for links that need no token. It is worth nothing when
    /// the workspace is deleted.
    public func signature(of text: String, sealedKey: String) throws -> String {
        Data(HMAC<SHA256>.authenticationCode(for: Data(text.utf8), using: try linkKey(sealedKey))).base64URL
    }

    /// Whether ``signature(of:sealedKey:)`` made this one.
    public func isValid(_ signature: String, of text: String, sealedKey: String) -> Bool {
        guard let code = Data(base64URL: signature.utf8), let key = try? linkKey(sealedKey) else { return false }
        return HMAC<SHA256>.isValidAuthenticationCode(code, authenticating: Data(text.utf8), using: key)
    }

    private func linkKey(_ sealedKey: String) throws -> SymmetricKey {
        HKDF<SHA256>.deriveKey(
            inputKeyMaterial: try dataKey(sealedKey), info: Data("earshot link".utf8), outputByteCount: 32)
    }

    private func dataKey(_ sealedKey: String) throws -> SymmetricKey {
        SymmetricKey(data: try Self.open(sealedKey, with: master))
    }

    private static func seal(_ bytes: [UInt8], with key: SymmetricKey) throws -> String {
        guard let box = try AES.GCM.seal(bytes, using: key).combined else { throw VaultError.cannotOpen }
        return box.base64EncodedString()
    }

    private static func open(_ sealed: String, with key: SymmetricKey) throws -> [UInt8] {
        guard let combined = Data(base64Encoded: sealed), let box = try? AES.GCM.SealedBox(combined: combined),
            let opened = try? AES.GCM.open(box, using: key)
        else { throw VaultError.cannotOpen }
        return Array(opened)
    }
}

/// What can go wrong with sealed values.
public enum VaultError: Error, Sendable, CustomStringConvertible {
    case badMasterKey(bytes: Int)
    case cannotOpen

    public var description: String {
        switch self {
        case .badMasterKey(let bytes): "the master key must be 32 bytes long, this one has \(bytes)"
        case .cannotOpen:
            "a sealed value was sealed with another key, or was changed; restore the master key it was made with"
        }
    }
}
