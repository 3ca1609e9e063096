import ByteJSON
import Common
import Connectors
import Hummingbird
import ServiceKit

/// `/v1/connectors` and `/v1/audit`: what there is, and what was done.
struct ReferenceRoutes: Sendable {
    let workspace: WorkspaceContext

    func add(to router: Router<APIContext>) {
        router.get("/v1/connectors") { request, context in try list(request, context) }
        router.get("/v1/connectors/{connector}") { request, context in try get(request, context) }
        router.get("/v1/audit") { request, context in try await audit(request, context) }
    }

    private func list(_ request: Request, _ context: APIContext) throws -> Response {
        _ = try context.requireCaller(anyOf: [.read, .manage])
        _ = try request.requireOnly()
        return .json(["connectors": .array(workspace.role.connectors.all.map(\.summaryView))])
    }

    private func get(_ request: Request, _ context: APIContext) throws -> Response {
        _ = try context.requireCaller(anyOf: [.read, .manage])
        _ = try request.requireOnly()
        guard let name = context.parameters.get("connector"), let connector = workspace.role.connectors[name] else {
            throw Problem.notFound("no such connector; `GET /v1/connectors` lists them")
        }
        return .json(connector.view)
    }

    private func audit(_ request: Request, _ context: APIContext) async throws -> Response {
        let caller = try context.requireCaller(.manage)
        let query = try request.requireOnly(parameters: Page.parameters + ["account_id"])
        let page = try Page(byID: query)
        let account = try query.account(for: caller)
        let entries = try await workspace.read {
            try AuditTable(connection: $0).list(account: account, before: page.afterID, limit: page.limit + 1)
        }
        return .page("entries", entries, of: page, key: \.id.rawValue, view: \.view)
    }
}
