import Common
import Hummingbird
import ServiceKit

/// `/v1/workspaces/{workspace}/setup`: how far a set-up is, whichever process answers `/v1/jobs`.
struct SetupRoutes: Sendable {
    let workspace: WorkspaceContext

    func add(to router: Router<APIContext>) {
        router.get("/v1/workspaces/{workspace}/setup") { request, context in try await get(request, context) }
    }

    private func get(_ request: Request, _ context: APIContext) async throws -> Response {
        let caller = try context.requireCaller(anyOf: [.read, .manage])
        let query = try request.requireOnly(parameters: ["job_id"])
        let id = try context.identifier("workspace", of: WorkspaceKind.self)
        let asked = try query.identifier("job_id", of: JobKind.self)
        return try await workspace.read { connection in
            let table = SetupTable(connection: connection)
            let found = try asked.map { try table.setup($0) } ?? table.newest(of: id)
            guard let setup = found, setup.workspace == id, caller.boundary.map({ $0 == setup.account }) ?? true else {
                _ = try RecordTable(connection: connection).workspace(id, for: caller)
                if let asked { throw Problem.notFound("no set-up \(asked) of \(id)") }
                return .json(SetupView.new(nil, of: id))
            }
            return .json(SetupView.view(setup, job: try JobTable(connection, at: .now).job(setup.job)))
        }
    }
}
