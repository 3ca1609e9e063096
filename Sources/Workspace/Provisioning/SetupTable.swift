import ByteJSON
import Common
import ServiceKit

/// The set-ups of workspaces and streams, as their callers are told; each is a job.
struct SetupTable {
    /// A set-up.
    struct Setup: Sendable {
        var job: JobID
        var workspace: WorkspaceID
        var account: AccountID
        /// The workspace as it was asked for, where the set-up is of a whole workspace; null where it is of a stream.
        var view: JSON
        /// nil while it is under way.
        var end: End?
        var createdAt: Timestamp

        var isWhole: Bool { view != .null }
    }

    /// How it ended.
    struct End: Sendable {
        var state: JobState
        var reason: String?
    }

    let connection: any DatabaseConnection

    func insert(_ setup: Setup) throws {
        try connection.execute(
            """
            INSERT INTO setup (job, workspace, account, body, created_at)
            VALUES (\(setup.job), \(setup.workspace), \(setup.account),
                \(String(decoding: setup.view.bytes, as: UTF8.self)), \(setup.createdAt))
            """)
    }

    func end(_ job: JobID, _ end: End) throws {
        try connection.execute(
            "UPDATE setup SET state = \(end.state.rawValue), reason = \(end.reason) WHERE job = \(job)")
    }

    func delete(_ job: JobID) throws { try connection.execute("DELETE FROM setup WHERE job = \(job)") }

    func setup(_ job: JobID) throws -> Setup? { try setups("job = \(job)").first }

    /// The set-up that made a workspace; nil if it was made without one.
    func making(_ workspace: WorkspaceID) throws -> Setup? {
        try setups("workspace = \(workspace) AND body <> 'null' ORDER BY job DESC LIMIT 1").first
    }

    /// The newest set-up of a workspace, or of a stream in it.
    func newest(of workspace: WorkspaceID) throws -> Setup? {
        try setups("workspace = \(workspace) ORDER BY job DESC LIMIT 1").first
    }

    /// Refuses a change of what is being set up.
    func requireNone(of workspace: WorkspaceID) throws {
        let isOpen: SQL = "EXISTS (SELECT 1 FROM job WHERE job.id = setup.job AND job.ended_at IS NULL)"
        guard let open = try setups("workspace = \(workspace) AND state IS NULL AND \(isOpen) LIMIT 1").first else {
            return
        }
        throw Problem.conflict(
            "\(workspace) is being set up by \(open.job); wait until that has ended, or cancel it, which undoes it")
    }

    private func setups(_ condition: SQL) throws -> [Setup] {
        try connection.query(
            "SELECT job, workspace, account, body, state, reason, created_at FROM setup WHERE \(condition)"
        ) { row -> Setup? in
            guard let job = JobID(row.text(0)), let workspace = WorkspaceID(row.text(1)),
                let account = AccountID(row.text(2))
            else { return nil }
            let view = (try? JSONDocument(parsing: Array(row.text(3).utf8))).map { JSON($0.root) } ?? .null
            let state = row.optionalText(4).flatMap(JobState.init(rawValue:))
            return Setup(
                job: job, workspace: workspace, account: account, view: view,
                end: state.map { End(state: $0, reason: row.optionalText(5)) },
                createdAt: Timestamp(milliseconds: row.integer(6)))
        }.compactMap { $0 }
    }
}
