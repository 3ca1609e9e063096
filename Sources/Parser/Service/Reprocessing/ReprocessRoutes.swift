import Common
import Hummingbird
import ServiceKit

/// `/v1/reprocess`: have the kept raw events read again after a mapping, a manifest or an engine has changed.
struct ReprocessRoutes: Sendable {
    let reprocessing: Reprocessing
    let directory: Directory

    func add(to router: Router<APIContext>) {
        router.post("/v1/reprocess") { try await begin($0, $1) }
        router.get("/v1/reprocess/{job}") { try await show($0, $1) }
    }

    /// `{"workspace_id": …}` or `{"stream_id": …}`; neither is everything, which only the operator may ask for.
    private func begin(_ request: Request, _ context: APIContext) async throws -> Response {
        let caller = try context.requireCaller(.manage)
        _ = try request.requireOnly()
        let body = try await request.jsonObject()
        let workspace = body.identifier("workspace_id", of: WorkspaceKind.self)
        let stream = body.identifier("stream_id", of: StreamKind.self)
        try body.finish()
        var filter = ReprocessFilter()
        if let stream {
            let record = try directory.current.stream(stream, for: caller)
            filter = ReprocessFilter(workspace: record.workspace, stream: record.id)
        }
        if let workspace {
            let id = try directory.current.workspace(workspace, for: caller).id
            guard filter.workspace ?? id == id else {
                throw Problem.badRequest("the stream is of another workspace; leave `workspace_id` out")
            }
            filter.workspace = id
        }
        if filter.workspace == nil { _ = try context.requireCaller(.admin) }
        return .json(try await reprocessing.begin(filter).json, status: .accepted)
    }

    private func show(_ request: Request, _ context: APIContext) async throws -> Response {
        let caller = try context.requireCaller(anyOf: [.read, .manage])
        _ = try request.requireOnly()
        let id = try context.identifier("job", of: JobKind.self)
        let missing = Problem.notFound("no reprocessing \(id) in this account; finished ones are kept for 30 days")
        guard let job = try await reprocessing.store.job(id) else { throw missing }
        if !caller.scopes.contains(.admin) {
            guard let workspace = job.filter.workspace,
                (try? directory.current.workspace(workspace, for: caller)) != nil
            else { throw missing }
        }
        return .json(job.json)
    }
}
