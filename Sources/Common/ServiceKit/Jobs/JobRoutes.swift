import ByteJSON
public import Common
public import Hummingbird

/// `/v1/jobs`: what a service does later or slowly, whatever its kind.
public struct JobRoutes: Sendable {
    private let own: JobSource
    private let others: JobSources
    private let directory: Directory

    /// - Parameter others: What else this process runs that has jobs.
    public init(jobs: JobEngine, database: any Database, directory: Directory, others: JobSources = JobSources()) {
        own = JobSource(jobs: jobs, database: database)
        self.others = others
        self.directory = directory
    }

    private var sources: [JobSource] { [own] + others.all }

    public func add(to router: Router<APIContext>) {
        router.get("/v1/jobs") { try await list($0, $1) }
        router.get("/v1/jobs/{job}") { request, context -> Response in
            _ = try request.requireOnly()
            return Response.json(JSON.object(try await job(context, .read).job.members))
        }
        router.post("/v1/jobs/{job}/cancel") { request, context -> Response in
            let (job, source) = try await job(context, .manage)
            guard let cancelled = try await source.jobs.cancel(job.id, reason: "cancelled by request") else {
                throw Problem.conflict("\(job.id) is \(job.state.rawValue) and cannot be cancelled")
            }
            return Response.json(JSON.object(cancelled.members))
        }
        router.post("/v1/jobs/{job}/retry") { request, context -> Response in
            let (job, source) = try await job(context, .manage)
            guard let again = try await source.jobs.retry(job.id, reason: "tried again by request") else {
                throw Problem.conflict(
                    "\(job.id) is \(job.state.rawValue); only what ended without success is tried again")
            }
            return Response.json(JSON.object(again.members), status: .accepted)
        }
    }

    private func list(_ request: Request, _ context: APIContext) async throws -> Response {
        let caller = try context.requireCaller(anyOf: [.read, .manage])
        let query = try request.requireOnly(parameters: ["workspace_id", "state", "kind", "limit", "cursor"])
        let (found, next) = try await JobPage(query, caller, directory, kind: query["kind"]).read(
            from: sources.map(\.database))
        var members: [String: JSON] = ["jobs": .array(found.map { .object($0.members) })]
        members["next_cursor"] = next.map { .string($0) }
        return Response.json(JSON.object(members))
    }

    /// The job that the path names, if the caller may see it; those of no workspace are the operator's.
    private func job(_ context: APIContext, _ scope: Scope) async throws -> (job: Job, source: JobSource) {
        let caller = try context.requireCaller(scope)
        let id = try context.identifier("job", of: JobKind.self)
        let missing = Problem.notFound("no job \(id) in this account; `GET /v1/jobs` lists them")
        for source in sources {
            guard let found = try await source.database.read({ try JobTable($0, at: .now).job(id) }) else { continue }
            guard try await mayBeSeen(found, by: caller, of: source) else { break }
            return (found, source)
        }
        throw missing
    }

    private func mayBeSeen(_ job: Job, by caller: Caller, of source: JobSource) async throws -> Bool {
        if caller.scopes.contains(.admin) { return true }
        guard let workspace = job.workspace else { return false }
        if (try? directory.current.workspace(workspace, for: caller)) != nil { return true }
        return try await source.account(workspace) == caller.account
    }
}
