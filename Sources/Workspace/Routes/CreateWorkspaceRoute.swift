import ByteJSON
import Common
import Connectors
import HTTPTypes
import Hummingbird
import ServiceKit

/// `POST /CreateWorkspace`: a workspace and its feedback entities, all or nothing.
struct CreateWorkspaceRoute: Sendable {
    static let maximumEntities = 100

    let workspace: WorkspaceContext

    func add(to router: Router<APIContext>) {
        router.post("/CreateWorkspace") { request, context in try await create(request, context) }
    }

    private func create(_ request: Request, _ context: APIContext) async throws -> Response {
        let caller = try context.requireCaller(.manage)
        _ = try request.requireOnly()
        let preference = try Preference(request)
        let document = try await request.json()
        let answer = try await workspace.created(request, by: caller, body: document) {
            let body = try BodyObject(document)
            let now = workspace.role.now()
            let record = WorkspaceDraft(body, isNew: true)
            let entities = body.objects("feedback_entities", count: 0...Self.maximumEntities) ?? []
            let plans = entities.map {
                EntityPlan(
                    $0, connection: nil, connectors: workspace.role.connectors, settings: workspace.settings,
                    publicURL: workspace.role.publicURL)
            }
            let isChecked = !preference.isAsync || !workspace.settings.checksProviders
            if workspace.settings.checksProviders, !preference.isAsync {
                await workspace.provider.check(plans.compactMap { $0 }) { pointer, reason in
                    body.errors.add(at: pointer, reason)
                }
            }
            try body.finish()

            let made = try record.record(account: caller.account, vault: workspace.role.vault, at: now)
            let setUp = try SetUp(
                plans.compactMap { $0 }, in: made, isChecked: isChecked, vault: workspace.role.vault, at: now)
            let publicURL = workspace.role.publicURL
            return { [workspace] change in
                try change.save(
                    .workspace(made), account: made.account, "workspace.create", detail: ["name": .string(made.name)])
                try change.save(setUp, in: made)
                let job = try workspace.begin(setUp.order(isWhole: true), of: made, in: change)
                return Created(
                    answer: [
                        "workspace_id": .string(made.id.rawValue), "name": .string(made.name),
                        "streams": .array(setUp.streams.map { $0.view(publicURL: publicURL) }),
                        "setup": SetupView.new(job, of: made.id),
                    ], workspace: made.id, job: job)
            }
        }
        return try await workspace.setUp(answer, preference)
    }
}

extension Change {
    /// Writes what a set-up made.
    func save(_ setUp: SetUp, in workspace: WorkspaceRecord) throws {
        for connection in setUp.connections {
            try save(
                .connection(connection), account: workspace.account, "connection.create",
                detail: ["connector": .string(connection.connector)])
        }
        for stream in setUp.streams {
            try save(
                .stream(stream.record), account: workspace.account, "stream.create",
                detail: ["connector": .string(stream.record.connector), "name": .string(stream.record.name)])
        }
    }
}
