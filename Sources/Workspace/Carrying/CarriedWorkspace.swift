public import Common
import Foundation
public import Logging
public import ServiceKit

/// What this service knows of a workspace that is moved to another installation: its records, deleted ones too.
///
/// Tokens, and the account's log of what was done, are the account's and stay behind.
public struct CarriedWorkspace: Sendable {
    public let id: WorkspaceID
    /// Whose it is.
    public let account: AccountID
    public let accountName: String
    public let isDeleted: Bool
    private let records: [DirectoryRecord]

    /// Reads it; nil if there is none.
    public init?(_ id: WorkspaceID, in database: any Database) async throws {
        let found = try await database.read { connection in
            try connection.query("SELECT body FROM record WHERE workspace = \(id) ORDER BY id") {
                try JSONDecoder().decode(DirectoryRecord.self, from: Data($0.text(0).utf8))
            }
        }
        let workspace = found.lazy.compactMap { if case .workspace(let record) = $0 { record } else { nil } }.first
        guard let workspace else { return nil }
        self.id = id
        records = found
        account = workspace.account
        isDeleted = workspace.isDeleted
        accountName =
            try await database.read { try AccountTable(connection: $0).find(workspace.account) }?.name ?? ""
    }

    /// How many records it has: itself, its connections and its streams.
    public var count: Int { records.count }

    public var streams: [StreamID] {
        records.compactMap { if case .stream(let record) = $0 { record.id } else { nil } }
    }

    /// The workspace's data key, sealed.
    public var sealedKey: String {
        records.lazy.compactMap { if case .workspace(let record) = $0 { record.sealedKey } else { nil } }.first ?? ""
    }

    /// The account that it is to belong to in another database.
    ///
    /// - Parameter name: An account that is there; nil is the account that it has here, which is made there if need be.
    /// - Throws: ``CarryingError`` if it must be said.
    public func account(named name: String?, in database: any Database) async throws -> AccountID {
        try await database.write { [account, accountName] connection in
            let accounts = AccountTable(connection: connection)
            if let name {
                guard let known = try accounts.find(name: name) else { throw CarryingError.noAccount(name) }
                return known.id
            }
            if try accounts.find(account) != nil { return account }
            guard try accounts.find(name: accountName) == nil else { throw CarryingError.otherAccount(accountName) }
            try accounts.insert(Account(id: account, name: accountName, createdAt: .now))
            return account
        }
    }

    /// Keeps it in another database, and tells all services of it.
    ///
    /// - Parameter sealedKey: Its data key, sealed with the master key there.
    public func take(
        to account: AccountID, sealedKey: String, database: any Database, directory: Directory, logger: Logger
    ) async throws {
        let records = records.map { record -> DirectoryRecord in
            guard case .workspace(var workspace) = record else { return record }
            workspace.account = account
            workspace.sealedKey = sealedKey
            return .workspace(workspace)
        }
        try await database.write { connection in
            let table = RecordTable(connection: connection)
            for record in records { try table.save(record, account: account) }
            try AuditTable(connection: connection).note(
                "workspace.move", of: id.rawValue, account: account, by: nil, at: .now)
        }
        try await Outbox(database: database, directory: directory, logger: logger).publish()
    }
}

/// Why a workspace's account must be said.
public enum CarryingError: Error, Sendable, CustomStringConvertible {
    case noAccount(String)
    case otherAccount(String)

    public var description: String {
        switch self {
        case .noAccount(let name): "the target has no account \(name); `earshot token create --account` makes one"
        case .otherAccount(let name):
            "the target's account \(name) is another one than here: say with --account which account there is to have it"
        }
    }
}
