import Common
import Hummingbird
import ServiceKit

/// `/v1/workspaces/{workspace}/setup`: how far a set-up is, whichever process answers `/v1/jobs`.
struct SetupRoutes: Sendable {
    let workspace: WorkspaceContext

    func add(to router: Router<APIContext>) {
        router.get("/v1/workspaces/{workspace}/setup") { request, context in try await get(request, context) }
        router.post("/v1/workspaces/{workspace}/setup/cancel") { try await cancel($0, $1) }
    }

    private func get(_ request: Request, _ context: APIContext) async throws -> Response {
        let caller = try context.requireCaller(anyOf: [.read, .manage])
        let (id, found) = try await setup(request, context, for: caller)
        guard let found else { return .json(SetupView.new(nil, of: id)) }
        return .json(SetupView.view(found.setup, job: found.job))
    }

    /// Ends a set-up that is under way; what it did is undone before it says so.
    private func cancel(_ request: Request, _ context: APIContext) async throws -> Response {
        let caller = try context.requireCaller(.manage)
        let (id, found) = try await setup(request, context, for: caller)
        guard let found else {
            throw Problem.conflict("\(id) was made without asking anybody: nothing is to be cancelled")
        }
        let state = (found.setup.end?.state ?? found.job?.state ?? .completed).rawValue
        guard let job = try await workspace.jobs.cancel(found.setup.job, reason: "cancelled by request") else {
            throw Problem.conflict("\(found.setup.job) is \(state) and cannot be cancelled")
        }
        return .json(SetupView.view(found.setup, job: job))
    }

    /// The set-up that the request names, or the newest; nil if there was none.
    private func setup(
        _ request: Request, _ context: APIContext, for caller: Caller
    ) async throws -> (WorkspaceID, (setup: SetupTable.Setup, job: Job?)?) {
        let query = try request.requireOnly(parameters: ["job_id"])
        let id = try context.identifier("workspace", of: WorkspaceKind.self)
        let asked = try query.identifier("job_id", of: JobKind.self)
        return try await workspace.read { connection in
            let table = SetupTable(connection: connection)
            let found = try asked.map { try table.setup($0) } ?? table.newest(of: id)
            guard let setup = found, setup.workspace == id, caller.boundary.map({ $0 == setup.account }) ?? true else {
                _ = try RecordTable(connection: connection).workspace(id, for: caller)
                if let asked { throw Problem.notFound("no set-up \(asked) of \(id)") }
                return (id, nil)
            }
            return (id, (setup, try JobTable(connection, at: .now).job(setup.job)))
        }
    }
}
