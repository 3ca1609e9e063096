import ByteJSON
import Common
import Connectors
import HTTPTypes
import Hummingbird
import ServiceKit

/// `/v1/connections`: a customer's accounts at providers.
struct ConnectionRoutes: Sendable {
    let workspace: WorkspaceContext

    func add(to router: Router<APIContext>) {
        router.post("/v1/connections") { request, context in try await create(request, context) }
        router.get("/v1/connections") { request, context in try await list(request, context) }
        router.get("/v1/connections/{connection}") { request, context in try await get(request, context) }
        router.patch("/v1/connections/{connection}") { request, context in try await change(request, context) }
        router.delete("/v1/connections/{connection}") { request, context in try await delete(request, context) }
        router.post("/v1/connections/{connection}/check") { request, context in try await check(request, context) }
        router.post("/v1/connections/{connection}/discover") { request, context in try await discover(request, context)
        }
    }

    private func create(_ request: Request, _ context: APIContext) async throws -> Response {
        let caller = try context.requireCaller(.manage)
        _ = try request.requireOnly()
        let document = try await request.json()
        return try await workspace.creating(request, by: caller, body: document) {
            let body = try BodyObject(document)
            let owner = body.identifier("workspace_id", of: WorkspaceKind.self, required: true)
            let plan = ConnectionPlan(body, connectors: workspace.role.connectors)
            try body.finish()
            guard let owner, let plan else { throw Problem.badRequest("the body is incomplete") }
            let record = try await workspace.read { try RecordTable(connection: $0).workspace(owner, for: caller) }
            try await tryOut(plan)
            let made = try plan.record(
                .make(at: workspace.role.now()), workspace: record, vault: workspace.role.vault)
            return { change in
                _ = try change.records.workspace(owner, for: caller)
                try change.save(
                    .connection(made), account: record.account, "connection.create",
                    detail: ["connector": .string(made.connector)])
                return Created(answer: made.view, workspace: owner)
            }
        }
    }

    private func list(_ request: Request, _ context: APIContext) async throws -> Response {
        let caller = try context.requireCaller(anyOf: [.read, .manage])
        let query = try request.requireOnly(parameters: Page.parameters + ["account_id", "workspace_id"])
        let page = try Page(byID: query)
        let account = try query.account(for: caller)
        let owner = try query.identifier("workspace_id", of: WorkspaceKind.self)
        let records = try await workspace.read { connection in
            let table = RecordTable(connection: connection)
            if let owner { _ = try table.workspace(owner, for: caller) }
            return try table.list(
                .connection, account: owner == nil ? account : caller.boundary, workspace: owner, after: page.afterID,
                limit: page.limit + 1)
        }
        let connections = records.compactMap { if case .connection(let record) = $0 { record } else { nil } }
        return .page("connections", connections, of: page, key: \.id.rawValue, view: \.view)
    }

    private func get(_ request: Request, _ context: APIContext) async throws -> Response {
        let caller = try context.requireCaller(anyOf: [.read, .manage])
        _ = try request.requireOnly()
        let id = try context.identifier("connection", of: ConnectionKind.self)
        return .json(try await workspace.read { try RecordTable(connection: $0).connection(id, for: caller) }.view)
    }

    /// Changes settings: what is given replaces, null removes, the rest stays.
    private func change(_ request: Request, _ context: APIContext) async throws -> Response {
        let caller = try context.requireCaller(.manage)
        _ = try request.requireOnly()
        let id = try context.identifier("connection", of: ConnectionKind.self)
        let (record, owner, plan) = try await stored(id, for: caller)
        let body = try await request.jsonObject()
        let given = body.settings("config") ?? [:]
        let checked = plan.connector.spec.check(connection: plan.values.merging(given) { $1 }, stream: [:])
        for problem in checked.problems where problem.place == .connection {
            body.refuse("config/\(problem.field)", problem.reason)
        }
        try body.finish()
        let changed = ConnectionPlan(connector: plan.connector, config: checked.connection, secrets: checked.secrets)
        try await tryOut(changed)
        let made = try changed.record(record.id, workspace: owner, vault: workspace.role.vault)
        try await workspace.change(by: caller) { change in
            _ = try change.records.connection(id, for: caller)
            try change.save(
                .connection(made), account: owner.account, "connection.change",
                detail: ["fields": .array(given.keys.sorted().map(JSON.string))])
        }
        return .json(made.view)
    }

    private func delete(_ request: Request, _ context: APIContext) async throws -> Response {
        let caller = try context.requireCaller(.manage)
        _ = try request.requireOnly()
        let id = try context.identifier("connection", of: ConnectionKind.self)
        try await workspace.change(by: caller) { change in
            let record = try change.records.connection(id, for: caller)
            let owner = try change.records.workspace(record.workspace, for: caller)
            for case .stream(let stream) in try change.records.list(.stream, account: nil, workspace: owner.id)
            where stream.connection == id {
                throw Problem.conflict("stream \(stream.id) uses this connection; delete it (and any others) first")
            }
            try change.save(.connection(record.deleted), account: owner.account, "connection.delete")
        }
        return Response(status: .noContent)
    }

    private func check(_ request: Request, _ context: APIContext) async throws -> Response {
        let caller = try context.requireCaller(.manage)
        _ = try request.requireOnly()
        let id = try context.identifier("connection", of: ConnectionKind.self)
        let (_, _, plan) = try await stored(id, for: caller)
        do throws(Provider.Refusal) {
            try await workspace.provider.check(plan, entity: [:])
            return .json(["connection_id": .string(id.rawValue), "ok": true])
        } catch {
            return .json(["connection_id": .string(id.rawValue), "ok": false, "reason": .string(error.description)])
        }
    }

    private func discover(_ request: Request, _ context: APIContext) async throws -> Response {
        let caller = try context.requireCaller(.manage)
        _ = try request.requireOnly()
        let id = try context.identifier("connection", of: ConnectionKind.self)
        let (_, _, plan) = try await stored(id, for: caller)
        do throws(Provider.Refusal) {
            let found = try await workspace.provider.discover(plan)
            return .json([
                "connection_id": .string(id.rawValue),
                "entities": .array(found.map { ["title": .string($0.title), "entity": .object($0.entity)] }),
            ])
        } catch {
            throw Problem.unprocessable(error.description)
        }
    }

    private func tryOut(_ plan: ConnectionPlan) async throws {
        guard workspace.settings.checksProviders else { return }
        do throws(Provider.Refusal) {
            try await workspace.provider.check(plan, entity: [:])
        } catch {
            throw Problem.unprocessable(error.description, errors: [(at: "/config", reason: error.description)])
        }
    }

    private func stored(_ id: ConnectionID, for caller: Caller) async throws
        -> (ConnectionRecord, WorkspaceRecord, ConnectionPlan)
    {
        try await workspace.stored(id, for: caller)
    }
}

extension WorkspaceContext {
    /// A connection with its workspace and its opened settings.
    func stored(_ id: ConnectionID, for caller: Caller) async throws
        -> (ConnectionRecord, WorkspaceRecord, ConnectionPlan)
    {
        let (record, owner) = try await read { connection in
            let table = RecordTable(connection: connection)
            let record = try table.connection(id, for: caller)
            return (record, try table.workspace(record.workspace, for: caller))
        }
        guard let connector = role.connectors[record.connector] else {
            throw Problem.conflict("the connector `\(record.connector)` is not loaded; put its file back and restart")
        }
        return (record, owner, try ConnectionPlan(record, connector: connector, workspace: owner, vault: role.vault))
    }
}
