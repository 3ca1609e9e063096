import ByteJSON
import Common
import HTTPTypes
public import Hummingbird
public import ServiceKit

/// `/v1/notices`: what was told to whom, and how the delivery went.
public struct NoticeRoutes: Sendable {
    private let notices: Notices
    private let jobs: JobEngine

    public init(_ notices: Notices, jobs: JobEngine) {
        self.notices = notices
        self.jobs = jobs
    }

    public func add(to router: Router<APIContext>) {
        router.get("/v1/notices") { try await list($0, $1) }
        router.get("/v1/notices/{notice}") { request, context -> Response in
            _ = try request.requireOnly()
            return try await view(try await notice(context, .read))
        }
        router.post("/v1/notices/{notice}/redeliver") { request, context -> Response in
            _ = try request.requireOnly()
            let notice = try await notice(context, .manage)
            let again = try await notices.database.write { [notices] in try notices.redeliver(notice, in: $0) }
            guard let again else { throw Problem.conflict("the channel of \(notice.id) is deleted") }
            jobs.wake()
            return try await view(again, status: .accepted)
        }
    }

    private func list(_ request: Request, _ context: APIContext) async throws -> Response {
        let caller = try context.requireCaller(.read)
        let query = try request.requireOnly(parameters: ["workspace_id", "recipient"] + Page.parameters)
        let page = try Page(query, keys: 1)
        let workspaces = try notices.directory.current.workspaces(query, for: caller)
        let before = page.after?.keys[0].string.flatMap { NoticeID($0) }
        let recipient = query["recipient"]
        let found = try await notices.database.read { connection in
            try NoticeTable(connection: connection).list(
                of: workspaces, recipient: recipient, before: before, limit: page.limit + 1
            ).map { ($0, try JobTable(connection, at: .now).job($0.job)) }
        }
        return page.response("notices", found, id: { $0.0.id.rawValue }, json: { .object($0.0.members($0.1)) })
    }

    private func notice(_ context: APIContext, _ scope: Scope) async throws -> Notice {
        let caller = try context.requireCaller(scope)
        let id = try context.identifier("notice", of: NoticeKind.self)
        let found = try await notices.database.read { try NoticeTable(connection: $0).notice(id) }
        guard let found, (try? notices.directory.current.workspace(found.workspace, for: caller)) != nil else {
            throw Problem.notFound("no notice \(id) in this account; `GET /v1/notices` lists them")
        }
        return found
    }

    private func view(_ notice: Notice, status: HTTPResponse.Status = .ok) async throws -> Response {
        let (job, attempts) = try await notices.database.read { connection in
            (
                try JobTable(connection, at: .now).job(notice.job),
                try NoticeTable(connection: connection).attempts(of: notice.id)
            )
        }
        var members = notice.members(job)
        members["attempts"] = .array(attempts.map(\.json))
        return Response.json(.object(members), status: status)
    }
}

extension Notice {
    /// The notice as the API tells it: its state is that of its job.
    fileprivate func members(_ job: Job?) -> [String: JSON] {
        var members: [String: JSON] = [
            "notice_id": .string(id.rawValue), "workspace_id": .string(workspace.rawValue),
            "event": .string(content.event), "subject": .string(content.subject), "title": .string(content.title),
            "recipient": .string(recipient.text), "created_at": .string(createdAt.description),
            "job_id": .string(self.job.rawValue), "state": .string(job?.state.rawValue ?? "COMPLETED"),
        ]
        members["reason"] = job?.reason.map { .string($0) }
        if job?.state == .requested { members["due"] = job.map { .string($0.due.description) } }
        return members
    }
}
