public import ByteJSON
public import Common

extension Job {
    /// The job as the API tells it.
    public var members: [String: JSON] {
        var members: [String: JSON] = [
            "job_id": .string(id.rawValue), "kind": .string(kind), "state": .string(state.rawValue),
            "priority": .integer(Int64(priority)), "attempts": .integer(Int64(attempt)), "progress": .double(progress),
            "requested_at": .string(requestedAt.description), "deadline": .string(deadline.description),
            "history": .array(
                history.map { step in
                    [
                        "at": .string(step.at.description), "state": .string(step.state.rawValue),
                        "reason": .string(step.reason),
                    ]
                }),
        ]
        members["workspace_id"] = workspace.map { .string($0.rawValue) }
        members["provider"] = provider.map { .string($0) }
        members["ending"] = phase.ending.map { .string($0.rawValue) }
        members["reason"] = reason.map { .string($0) }
        members["note"] = note.map { .string($0) }
        members["started_at"] = startedAt.map { .string($0.description) }
        members["ended_at"] = endedAt.map { .string($0.description) }
        if state == .requested { members["due"] = .string(due.description) }
        return members
    }
}

/// One page of a list of jobs, the newest first: parameters `workspace_id`, `state`, `limit`, `cursor`.
public struct JobPage: Sendable {
    private let page: Page
    private let filter: JobTable.Filter

    /// - Parameter kind: Of this kind alone; nil is all.
    public init(_ query: Query, _ caller: Caller, _ directory: Directory, kind: String? = nil) throws {
        page = try Page(query, keys: 1)
        filter = JobTable.Filter(
            kind: kind, workspaces: try directory.current.workspaces(query, for: caller),
            states: try query.list("state").map { text in
                guard let state = JobState(rawValue: text.uppercased()) else {
                    let all = JobState.allCases.map(\.rawValue).joined(separator: ", ")
                    throw Problem.badRequest("parameter `state`: `\(text)` is not one of \(all)")
                }
                return state
            }, before: page.after?.keys[0].string.flatMap { JobID($0) })
    }

    /// The jobs, and the cursor of the next page.
    public func read(from database: any Database) async throws -> (jobs: [Job], next: String?) {
        try await read(from: [database])
    }

    /// The jobs of several services as one list, and the cursor of the next page.
    func read(from databases: [any Database]) async throws -> (jobs: [Job], next: String?) {
        var found: [Job] = []
        for database in databases {
            found += try await database.read { try JobTable($0, at: .now).list(filter, limit: page.limit + 1) }
        }
        if databases.count > 1 { found.sort { $0.id > $1.id } }
        let (jobs, next) = page.cut(Array(found.prefix(page.limit + 1))) { [.string($0.id.rawValue)] }
        return (jobs, next?.text)
    }
}
