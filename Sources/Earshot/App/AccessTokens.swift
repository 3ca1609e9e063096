import Common
import ServiceKit
import Workspace

/// Makes tokens straight in the database: who has the data folder is the operator.
struct AccessTokens: Sendable {
    private let vault: Vault
    private let database: any Database

    init(vault: Vault, database: any Database) {
        self.vault = vault
        self.database = database
    }

    /// Opens a data folder, whether or not a server has it.
    init(settings: Settings, folder: DataFolder) throws {
        vault = try Vault(masterKey: try settings.masterKeyBytes() ?? folder.masterKey())
        database = try Assembly.database(of: "workspace", settings: settings, in: folder)
    }

    /// Makes a token for an account, and the account if it is new.
    func make(
        account: String, purpose: String = "command line", scopes: Set<Scope> = [.manage, .read, .write],
        days: Int = 365
    ) async throws -> WorkspaceRole.NewToken {
        try await WorkspaceRole.createToken(
            database: database, vault: vault, account: account, name: purpose, scopes: scopes, days: days)
    }
}
