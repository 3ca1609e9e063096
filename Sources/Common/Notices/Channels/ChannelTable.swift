import ByteJSON
import Common

/// The channels, within one transaction.
struct ChannelTable {
    let connection: any DatabaseConnection

    func insert(_ channel: Channel) throws {
        try connection.execute(
            """
            INSERT INTO channel (id, workspace, kind, name, host, address, secrets, created_at)
            VALUES (\(channel.id), \(channel.workspace), \(channel.kind.rawValue), \(channel.name), \(channel.host),
                \(channel.sealedAddress), \(Self.text(channel.secrets)), \(channel.createdAt))
            """)
    }

    func channel(_ id: ChannelID) throws -> Channel? { try channels("id = \(id)").first }

    /// The channels of workspaces, the newest first.
    func list(of workspaces: [WorkspaceID]?, before: ChannelID?, limit: Int) throws -> [Channel] {
        var condition: SQL = "1 = 1"
        if let workspaces { condition += " AND workspace IN \(list: workspaces)" }
        if let before { condition += " AND id < \(before)" }
        return try channels("\(condition) ORDER BY id DESC LIMIT \(limit)")
    }

    func count(of workspace: WorkspaceID) throws -> Int {
        try connection.first("SELECT count(*) FROM channel WHERE workspace = \(workspace)") { Int($0.integer(0)) } ?? 0
    }

    /// Keeps what can change: secrets, and whether anything is sent.
    func update(_ channel: Channel) throws {
        try connection.execute(
            """
            UPDATE channel SET secrets = \(Self.text(channel.secrets)), disabled_at = \(channel.disabled?.at),
                disabled_reason = \(channel.disabled?.reason)
            WHERE id = \(channel.id)
            """)
    }

    func delete(_ id: ChannelID) throws { try connection.execute("DELETE FROM channel WHERE id = \(id)") }

    private func channels(_ condition: SQL) throws -> [Channel] {
        try connection.query(
            """
            SELECT id, workspace, kind, name, host, address, secrets, created_at, disabled_at, disabled_reason
            FROM channel WHERE \(condition)
            """
        ) { row in
            guard let id = ChannelID(row.text(0)), let workspace = WorkspaceID(row.text(1)),
                let kind = Channel.Kind(rawValue: row.text(2))
            else { throw DatabaseError.corrupt("a row of channel has id \(row.text(0)) and kind \(row.text(2))") }
            return Channel(
                id: id, workspace: workspace, kind: kind, name: row.text(3), host: row.text(4),
                sealedAddress: row.text(5), secrets: Self.secrets(row.text(6)),
                createdAt: Timestamp(milliseconds: row.integer(7)),
                disabled: row.optionalInteger(8).map { (Timestamp(milliseconds: $0), row.text(9)) })
        }
    }

    private static func text(_ secrets: [Channel.SealedSecret]) -> String {
        let json = JSON.array(
            secrets.map { secret in
                var members: [String: JSON] = ["sealed": .string(secret.sealed)]
                members["not_after"] = secret.notAfter.map { .string($0.description) }
                return .object(members)
            })
        return String(decoding: json.bytes, as: UTF8.self)
    }

    private static func secrets(_ text: String) -> [Channel.SealedSecret] {
        let json = (try? JSONDocument(parsing: Array(text.utf8))).map { JSON($0.root) } ?? .null
        return (json.array ?? []).compactMap { one in
            one["sealed"]?.string.map {
                Channel.SealedSecret(sealed: $0, notAfter: one["not_after"]?.string.flatMap { Timestamp($0) })
            }
        }
    }
}
