import Common
import ServiceKit
import Testing

@Suite("Vault")
struct VaultTests {
    private let vault: Vault

    init() throws { vault = try Vault(masterKey: [UInt8](repeating: 7, count: 32)) }

    @Test("what was sealed opens again, and never looks the same")
    func roundTrip() throws {
        let key = try vault.makeSealedKey()
        let secret = Secret("pässword \u{1F511}")
        let first = try vault.seal(secret, sealedKey: key), second = try vault.seal(secret, sealedKey: key)
        #expect(try vault.open(first, sealedKey: key) == secret)
        #expect(first != second)
        #expect(!first.contains("ssword"))
    }

    @Test("another workspace's key, another master key and a changed byte do not open it")
    func walls() throws {
        let key = try vault.makeSealedKey()
        let sealed = try vault.seal(Secret("secret"), sealedKey: key)
        let other = try Vault(masterKey: [UInt8](repeating: 8, count: 32))
        var changed = Array(sealed.utf8)
        changed[20] = changed[20] == UInt8(ascii: "A") ? UInt8(ascii: "B") : UInt8(ascii: "A")
        #expect(throws: VaultError.self) { try vault.open(sealed, sealedKey: vault.makeSealedKey()) }
        #expect(throws: VaultError.self) { try other.open(sealed, sealedKey: key) }
        #expect(throws: VaultError.self) { try vault.open(String(decoding: changed, as: UTF8.self), sealedKey: key) }
        #expect(throws: VaultError.self) { try vault.open(sealed, sealedKey: "") }
        #expect(throws: VaultError.self) { try vault.open("", sealedKey: key) }
    }

    @Test("a master key of another length is refused", arguments: [0, 16, 31, 33])
    func masterKey(length: Int) {
        #expect(throws: VaultError.self) { try Vault(masterKey: [UInt8](repeating: 0, count: length)) }
    }
}
