import ByteJSON
import Common
import HTTPTypes
import Hummingbird
import ServiceKit

/// `/v1/workspaces`: the boundary of a team's feedback.
struct WorkspaceRoutes: Sendable {
    let workspace: WorkspaceContext

    func add(to router: Router<APIContext>) {
        router.post("/v1/workspaces") { request, context in try await create(request, context) }
        router.get("/v1/workspaces") { request, context in try await list(request, context) }
        router.get("/v1/workspaces/{workspace}") { request, context in try await get(request, context) }
        router.patch("/v1/workspaces/{workspace}") { request, context in try await change(request, context) }
        router.delete("/v1/workspaces/{workspace}") { request, context in try await delete(request, context) }
    }

    private func create(_ request: Request, _ context: APIContext) async throws -> Response {
        let caller = try context.requireCaller(.manage)
        _ = try request.requireOnly()
        let document = try await request.json()
        return try await workspace.creating(request, by: caller, body: document) {
            let body = try BodyObject(document)
            let draft = WorkspaceDraft(body, isNew: true)
            try body.finish()
            let record = try draft.record(
                account: caller.account, vault: workspace.role.vault, at: workspace.role.now())
            return { change in
                try change.save(
                    .workspace(record), account: record.account, "workspace.create",
                    detail: ["name": .string(record.name)])
                return Created(answer: record.view, workspace: record.id)
            }
        }
    }

    private func list(_ request: Request, _ context: APIContext) async throws -> Response {
        let caller = try context.requireCaller(anyOf: [.read, .manage])
        let query = try request.requireOnly(parameters: Page.parameters + ["account_id"])
        let page = try Page(byID: query)
        let account = try query.account(for: caller)
        let records = try await workspace.read {
            try RecordTable(connection: $0).list(
                .workspace, account: account, after: page.afterID, limit: page.limit + 1)
        }
        let workspaces = records.compactMap { if case .workspace(let record) = $0 { record } else { nil } }
        return .page("workspaces", workspaces, of: page, key: \.id.rawValue, view: \.view)
    }

    private func get(_ request: Request, _ context: APIContext) async throws -> Response {
        let caller = try context.requireCaller(anyOf: [.read, .manage])
        _ = try request.requireOnly()
        let id = try context.identifier("workspace", of: WorkspaceKind.self)
        return .json(try await workspace.view(id, for: caller))
    }

    private func change(_ request: Request, _ context: APIContext) async throws -> Response {
        let caller = try context.requireCaller(.manage)
        _ = try request.requireOnly()
        let id = try context.identifier("workspace", of: WorkspaceKind.self)
        let body = try await request.jsonObject()
        let draft = WorkspaceDraft(body, isNew: false)
        try body.finish()
        let record = try await workspace.change(by: caller) { change in
            let record = draft.applied(to: try change.records.workspace(id, for: caller))
            try change.save(.workspace(record), account: record.account, "workspace.change", detail: record.view)
            return record
        }
        return .json(record.view)
    }

    /// Destroys the workspace's data key, and with it every credential that was sealed with it.
    private func delete(_ request: Request, _ context: APIContext) async throws -> Response {
        let caller = try context.requireCaller(.manage)
        _ = try request.requireOnly()
        let id = try context.identifier("workspace", of: WorkspaceKind.self)
        try await workspace.change(by: caller) { [workspace] change in
            var record = try change.records.workspace(id, for: caller)
            try SetupTable(connection: change.connection).requireNone(of: id)
            for case .stream(let stream) in try change.records.list(.stream, account: nil, workspace: id) {
                try workspace.removeHook(of: stream, in: record, change)
                try change.records.save(.stream(stream.deleted), account: record.account)
            }
            for case .connection(let connection) in try change.records.list(.connection, account: nil, workspace: id) {
                try change.records.save(.connection(connection.deleted), account: record.account)
            }
            try IdempotencyTable(connection: change.connection).forget(id)
            record.isDeleted = true
            record.sealedKey = ""
            try change.save(
                .workspace(record), account: record.account, "workspace.delete", detail: ["name": .string(record.name)])
        }
        workspace.jobs.wake()
        return Response(status: .noContent)
    }
}

extension ConnectionRecord {
    /// The record that says it is gone, without its secrets.
    var deleted: ConnectionRecord {
        ConnectionRecord(
            id: id, workspace: workspace, connector: connector, config: [:], sealedSecrets: nil, isDeleted: true)
    }
}

extension StreamRecord {
    /// The record that says it is gone, without its secrets.
    var deleted: StreamRecord {
        var record = self
        record.status = .deleted
        record.webhookSecrets = []
        return record
    }
}
