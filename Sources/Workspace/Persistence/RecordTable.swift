import Common
import Foundation
import ServiceKit

/// The newest version of everything that the topic `earshot.connections` tells, and the outbox towards it: a row
/// whose version is above the published one has yet to go out.
struct RecordTable {
    enum Kind: String { case workspace, connection, stream, key, revocation }

    /// A row that has yet to go out.
    struct Unpublished: Sendable {
        var id: String
        var version: Int64
        /// nil is one that nobody needs any more: a tombstone goes out.
        var record: DirectoryRecord?
    }

    let connection: any DatabaseConnection

    /// Writes a record's newest version.
    ///
    /// - Parameter account: Whose it is; nil for keys.
    func save(_ record: DirectoryRecord, account: AccountID?) throws {
        let body = String(decoding: try Self.encoder.encode(record), as: UTF8.self)
        try connection.execute(
            """
            INSERT INTO record (id, kind, account, workspace, body, is_deleted, version, published)
            VALUES (\(record.id), \(record.kind.rawValue), \(account?.rawValue), \(record.workspace?.rawValue), \(body),
                \(record.isDeleted), 1, 0)
            ON CONFLICT (id) DO UPDATE SET
                body = excluded.body, is_deleted = excluded.is_deleted, version = record.version + 1
            """)
    }

    /// The record with this id that is not deleted and belongs to this account; nil as account takes any.
    func find(_ id: String, kind: Kind, account: AccountID?) throws -> DirectoryRecord? {
        var sql: SQL = "SELECT body FROM record WHERE id = \(id) AND kind = \(kind.rawValue) AND is_deleted = 0"
        if let account { sql += " AND account = \(account)" }
        return try connection.first(sql, Self.record)
    }

    /// Records of one kind by age, those after `id`, not deleted.
    func list(
        _ kind: Kind, account: AccountID?, workspace: WorkspaceID? = nil, after id: String? = nil, limit: Int? = nil
    )
        throws -> [DirectoryRecord]
    {
        var sql: SQL = "SELECT body FROM record WHERE kind = \(kind.rawValue) AND is_deleted = 0"
        if let account { sql += " AND account = \(account)" }
        if let workspace { sql += " AND workspace = \(workspace)" }
        if let id { sql += " AND id > \(id)" }
        sql += " ORDER BY id"
        if let limit { sql += " LIMIT \(limit)" }
        return try connection.query(sql, Self.record)
    }

    /// What has yet to go out.
    func unpublished(limit: Int) throws -> [Unpublished] {
        try connection.query(
            "SELECT id, version, body, is_deleted FROM record WHERE published < version ORDER BY id LIMIT \(limit)"
        ) { row in
            let record = try JSONDecoder().decode(DirectoryRecord.self, from: Data(row.text(2).utf8))
            let isForgotten = row.integer(3) == Self.forgotten || record.kind == .revocation && row.integer(3) != 0
            return Unpublished(id: row.text(0), version: row.integer(1), record: isForgotten ? nil : record)
        }
    }

    /// Has a record vanish: a tombstone goes out, then the row.
    func forget(_ id: String) throws {
        try connection.execute(
            "UPDATE record SET is_deleted = \(Self.forgotten), version = version + 1 WHERE id = \(id)")
    }

    /// What `is_deleted` says of a record that leaves a tombstone and no more.
    private static let forgotten: Int64 = 2

    /// Whose a workspace is or was, as long as anything tells.
    func account(of workspace: WorkspaceID) throws -> AccountID? {
        try connection.first(
            """
            SELECT account FROM record WHERE id = \(workspace) AND kind = 'workspace'
            UNION ALL SELECT account FROM setup WHERE workspace = \(workspace)
            """
        ) { AccountID($0.text(0)) } ?? nil
    }

    /// Marks the revocations of tokens that expired a day ago or more as deleted.
    ///
    /// An expired token is refused without them; the day is for clocks that are behind.
    func forgetRevocations(at now: Timestamp) throws {
        try connection.execute(
            """
            UPDATE record SET is_deleted = 1, version = version + 1
            WHERE kind = \(Kind.revocation.rawValue) AND is_deleted = 0
                AND id IN (SELECT id FROM token WHERE expires_at <= \(now.advanced(bySeconds: -86_400)))
            """)
    }

    /// Notes what went out; a row that was changed meanwhile stays to be published, one that was forgotten goes.
    func markPublished(_ rows: [Unpublished]) throws {
        for row in rows {
            guard row.record != nil else {
                try connection.execute("DELETE FROM record WHERE id = \(row.id) AND version = \(row.version)")
                continue
            }
            try connection.execute(
                "UPDATE record SET published = \(row.version) WHERE id = \(row.id) AND published < \(row.version)")
        }
    }

    /// Has records go out again that the directory does not know as they are: a log that was lost or restored.
    func unpublishWhatDiffers(from snapshot: Directory.Snapshot) throws {
        var differing: [String] = []
        try connection.forEach("SELECT id, body FROM record WHERE published = version") { row in
            let record = try JSONDecoder().decode(DirectoryRecord.self, from: Data(row.text(1).utf8))
            if !snapshot.holds(record) { differing.append(row.text(0)) }
        }
        for id in differing { try connection.execute("UPDATE record SET published = 0 WHERE id = \(id)") }
    }

    private static let encoder: JSONEncoder = {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return encoder
    }()

    private static func record(_ row: any DatabaseRow) throws -> DirectoryRecord {
        try JSONDecoder().decode(DirectoryRecord.self, from: Data(row.text(0).utf8))
    }
}

extension DirectoryRecord {
    fileprivate var kind: RecordTable.Kind {
        switch self {
        case .workspace: .workspace
        case .connection: .connection
        case .stream: .stream
        case .key: .key
        case .revocation: .revocation
        }
    }

    fileprivate var workspace: WorkspaceID? {
        switch self {
        case .workspace(let record): record.id
        case .connection(let record): record.workspace
        case .stream(let record): record.workspace
        case .key, .revocation: nil
        }
    }

    fileprivate var isDeleted: Bool {
        switch self {
        case .workspace(let record): record.isDeleted
        case .connection(let record): record.isDeleted
        case .stream(let record): record.status == .deleted
        case .key, .revocation: false
        }
    }
}

extension Directory.Snapshot {
    fileprivate func holds(_ record: DirectoryRecord) -> Bool {
        switch record {
        case .workspace(let record): workspaces[record.id] == record
        case .connection(let record): connections[record.id] == record
        case .stream(let record): streams[record.id] == record
        case .key(let record): keys[record.keyID] == record
        case .revocation(let record): revoked.contains(record.token)
        }
    }
}
