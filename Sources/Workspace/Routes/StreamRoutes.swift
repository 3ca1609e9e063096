import ByteJSON
import Common
import Connectors
import HTTPTypes
import Hummingbird
import ServiceKit

/// `/v1/streams`: the feedback entities that workspaces follow.
struct StreamRoutes: Sendable {
    let workspace: WorkspaceContext

    func add(to router: Router<APIContext>) {
        router.post("/v1/streams") { request, context in try await create(request, context) }
        router.get("/v1/streams") { request, context in try await list(request, context) }
        router.get("/v1/streams/{stream}") { request, context in try await get(request, context) }
        router.patch("/v1/streams/{stream}") { request, context in try await change(request, context) }
        router.delete("/v1/streams/{stream}") { request, context in try await delete(request, context) }
    }

    private func create(_ request: Request, _ context: APIContext) async throws -> Response {
        let caller = try context.requireCaller(.manage)
        _ = try request.requireOnly()
        let preference = try Preference(request)
        let document = try await request.json()
        let answer = try await workspace.created(request, by: caller, body: document) {
            let body = try BodyObject(document)
            let connectionID = body.identifier("connection_id", of: ConnectionKind.self)
            let workspaceID = body.identifier("workspace_id", of: WorkspaceKind.self, required: connectionID == nil)
            let owner: WorkspaceRecord
            var connection: ConnectionPlan?
            if let connectionID {
                (_, owner, connection) = try await workspace.stored(connectionID, for: caller)
                if let workspaceID, workspaceID != owner.id {
                    body.refuse("workspace_id", "the connection belongs to another workspace; leave this out")
                }
            } else if let workspaceID {
                owner = try await workspace.read { try RecordTable(connection: $0).workspace(workspaceID, for: caller) }
            } else {
                try body.finish()
                throw Problem.badRequest("say which workspace the stream is for")
            }
            let plan = EntityPlan(
                body, connection: connection, connectors: workspace.role.connectors, settings: workspace.settings,
                publicURL: workspace.role.publicURL)
            let isChecked = !preference.isAsync || !workspace.settings.checksProviders
            if workspace.settings.checksProviders, !preference.isAsync, let plan {
                await workspace.provider.check([plan]) { body.errors.add(at: $0, $1) }
            }
            try body.finish()

            let setUp = try SetUp(
                plan.map { [$0] } ?? [], in: owner, existing: connectionID, isChecked: isChecked,
                vault: workspace.role.vault, at: workspace.role.now())
            let publicURL = workspace.role.publicURL
            return { [workspace] change in
                _ = try change.records.workspace(owner.id, for: caller)
                if let connectionID { _ = try change.records.connection(connectionID, for: caller) }
                try change.save(setUp, in: owner)
                let job = try workspace.begin(setUp.order(isWhole: false), of: owner, in: change)
                var members = setUp.streams.first?.view(publicURL: publicURL).object ?? [:]
                members["setup"] = SetupView.new(job, of: owner.id)
                return Created(answer: .object(members), workspace: owner.id, job: job)
            }
        }
        return try await workspace.setUp(answer, preference)
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
                .stream, account: owner == nil ? account : caller.boundary, workspace: owner, after: page.afterID,
                limit: page.limit + 1)
        }
        let streams = records.compactMap { if case .stream(let record) = $0 { record } else { nil } }
        let snapshot = workspace.role.directory.current
        return .page("streams", streams, of: page, key: \.id.rawValue) { view($0, snapshot.status(of: $0.id)) }
    }

    private func get(_ request: Request, _ context: APIContext) async throws -> Response {
        let caller = try context.requireCaller(anyOf: [.read, .manage])
        _ = try request.requireOnly()
        let id = try context.identifier("stream", of: StreamKind.self)
        let record = try await workspace.read { try RecordTable(connection: $0).stream(id, for: caller) }
        return .json(view(record, workspace.role.directory.current.status(of: id)))
    }

    private func change(_ request: Request, _ context: APIContext) async throws -> Response {
        let caller = try context.requireCaller(.manage)
        _ = try request.requireOnly()
        let id = try context.identifier("stream", of: StreamKind.self)
        let before = try await workspace.read { try RecordTable(connection: $0).stream(id, for: caller) }
        let body = try await request.jsonObject()
        let edit = StreamEdit(
            body, of: before, connector: workspace.role.connectors[before.connector], settings: workspace.settings)
        try body.finish()
        if let entity = edit.entity, entity != before.entity { try await tryOut(entity, of: before, for: caller) }
        let record = try await workspace.change(by: caller) { change in
            let stream = edit.applied(to: try change.records.stream(id, for: caller))
            let owner = try change.records.workspace(stream.workspace, for: caller)
            try SetupTable(connection: change.connection).requireNone(of: owner.id)
            if edit.entity.map({ $0 != before.entity }) ?? false,
                try HookTable(connection: change.connection).hook(of: id) != nil
            {
                throw Problem.conflict(
                    "the provider sends to this stream by a webhook about another entity; make a new stream for this one"
                )
            }
            try change.save(
                .stream(stream), account: owner.account, "stream.change",
                detail: ["members": .array(edit.members.map(JSON.string))])
            return stream
        }
        return .json(view(record, workspace.role.directory.current.status(of: id)))
    }

    /// Asks the provider for the entity, so that a wrong one is refused rather than followed in vain.
    private func tryOut(_ entity: [String: JSON], of stream: StreamRecord, for caller: Caller) async throws {
        guard workspace.settings.checksProviders else { return }
        let (_, _, connection) = try await workspace.stored(stream.connection, for: caller)
        do throws(Provider.Refusal) {
            try await workspace.provider.check(connection, entity: entity)
        } catch {
            throw Problem.unprocessable(error.description, errors: [(at: "/entity", reason: error.description)])
        }
    }

    private func delete(_ request: Request, _ context: APIContext) async throws -> Response {
        let caller = try context.requireCaller(.manage)
        _ = try request.requireOnly()
        let id = try context.identifier("stream", of: StreamKind.self)
        try await workspace.change(by: caller) { [workspace] change in
            let record = try change.records.stream(id, for: caller)
            let owner = try change.records.workspace(record.workspace, for: caller)
            try SetupTable(connection: change.connection).requireNone(of: owner.id)
            try workspace.removeHook(of: record, in: owner, change)
            try change.save(.stream(record.deleted), account: owner.account, "stream.delete")
        }
        workspace.jobs.wake()
        return Response(status: .noContent)
    }

    private func view(_ record: StreamRecord, _ reading: StreamStatus?) -> JSON {
        record.view(
            publicURL: workspace.role.publicURL, connector: workspace.role.connectors[record.connector],
            reading: reading)
    }
}
