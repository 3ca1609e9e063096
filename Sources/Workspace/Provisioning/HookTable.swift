import Common

/// The webhooks that we made at providers, so that they can be deleted there.
struct HookTable {
    /// A hook at a provider.
    struct Hook: Sendable {
        var stream: StreamID
        var workspace: WorkspaceID
        /// The provider's id of it.
        var id: String
        var createdAt: Timestamp
        /// What deletes it once the stream is gone, sealed with the service's key; nil while the stream is there.
        var sealed: String?
    }

    let connection: any DatabaseConnection

    /// Keeps a hook that was made or found.
    func save(_ hook: Hook) throws {
        try connection.execute(
            """
            INSERT INTO hook (stream, workspace, hook, created_at, sealed)
            VALUES (\(hook.stream), \(hook.workspace), \(hook.id), \(hook.createdAt), \(hook.sealed))
            ON CONFLICT (stream) DO UPDATE SET hook = excluded.hook, sealed = excluded.sealed
            """)
    }

    func hook(of stream: StreamID) throws -> Hook? {
        try connection.first("SELECT workspace, hook, created_at, sealed FROM hook WHERE stream = \(stream)") { row in
            guard let workspace = WorkspaceID(row.text(0)) else { return nil }
            return Hook(
                stream: stream, workspace: workspace, id: row.text(1),
                createdAt: Timestamp(milliseconds: row.integer(2)), sealed: row.optionalText(3))
        } ?? nil
    }

    func delete(_ stream: StreamID) throws {
        try connection.execute("DELETE FROM hook WHERE stream = \(stream)")
    }
}
