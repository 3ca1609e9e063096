import ByteJSON
import Common
import HTTPTypes
import Hummingbird
import Notices
import ServiceKit

/// `/v1/reports`: reports that are made as jobs, and their files.
struct ReportRoutes: Sendable {
    let jobs: JobEngine
    let database: any Database
    let directory: Directory
    let downloads: ReportDownloads
    let links: ReportLinks
    let notices: Notices
    let settings: ReportsSettings
    let now: @Sendable () -> Timestamp

    func add(to router: Router<APIContext>) {
        router.post("/v1/reports") { try await request($0, $1) }
        router.get("/v1/reports") { try await list($0, $1) }
        router.get("/v1/reports/{report}") { request, context -> Response in
            _ = try request.requireOnly()
            return Response.json(view(try await report(context)))
        }
        router.post("/v1/reports/{report}/cancel") { request, context -> Response in
            let job = try await report(context).job
            let cancelled = try await jobs.cancel(job.id, reason: "cancelled by request")
            guard let cancelled else {
                throw Problem.conflict("\(job.id) is \(job.state.rawValue) and cannot be cancelled")
            }
            return Response.json(view(ReportFound(job: cancelled)))
        }
        router.post("/v1/reports/{report}/retry") { request, context -> Response in
            let job = try await report(context).job
            guard let again = try await jobs.retry(job.id, reason: "tried again by request") else {
                throw Problem.conflict(
                    "\(job.id) is \(job.state.rawValue); only what ended without success is tried again")
            }
            return Response.json(view(ReportFound(job: again)), status: .accepted)
        }
        router.delete("/v1/reports/{report}") { request, context -> Response in
            let job = try await report(context).job
            guard try await jobs.delete(job.id) != nil else {
                throw Problem.conflict("\(job.id) is \(job.state.rawValue); cancel it first")
            }
            return Response(status: .noContent)
        }
        router.get("/v1/reports/{report}/file") { request, context -> Response in
            let query = try request.requireOnly(parameters: ["expires", "signature"])
            return try await downloads.answer(try await report(query, context))
        }
    }

    // MARK: - Requests

    private func request(_ request: Request, _ context: APIContext) async throws -> Response {
        let caller = try context.requireCaller(.read)
        _ = try request.requireOnly()
        let body = try await request.bytes(limit: 65_536)
        var parameters = Parameters([])
        try parameters.add(body: body)
        let workspace = try parameters.workspace(in: directory.current, for: caller).id
        _ = try parameters.take("workspace_id")
        let names = parameters.takeList("notify")
        // Who sends in the name of the workspace manages it.
        if !names.isEmpty { _ = try context.requireCaller(.manage) }
        let recipients = try await notices.recipients(names, of: workspace)
        let kinds = ReportKinds.all.map(\.name)
        guard let name = try parameters.take("kind") else {
            throw Problem.badParameter("kind", "is missing: send \(kinds.joined(separator: " or "))")
        }
        guard let kind = ReportKinds.named(name) else {
            throw Problem.badParameter("kind", "is \(name); \(Suggestion.hint(for: name, among: kinds))")
        }
        let text = try parameters.take("format") ?? ReportFormat.html.rawValue
        let format: ReportFormat
        do {
            format = try ReportFormat.named(text, for: kind, prints: settings.chromium != nil)
        } catch {
            throw Problem.badParameter("format", error.reason)
        }
        try parameters.requireOnly(kind.parameterNames)
        let pinned = try kind.pinned(parameters, for: workspace, now: now(), settings: settings)
        var asked = ReportRequest(kind: name, workspace: workspace, format: format, parameters: pinned)
        asked.notify = recipients
        return try await begin(asked, IdempotencyKey(request, body: body))
    }

    private func begin(_ asked: ReportRequest, _ key: IdempotencyKey?) async throws -> Response {
        var request = JobRequest(ReportJob.kind, workspace: asked.workspace, payload: asked.payload)
        if let key {
            request.key = .once(key.text)
            var members = asked.payload.object ?? [:]
            members["fingerprint"] = .string(key.fingerprint)
            request.payload = .object(members)
        }
        let (job, isNew) = try await database.write { [jobs, now, settings, request] connection in
            let (job, isNew) = try jobs.enqueue(request, in: connection)
            let open = try JobTable(connection, at: now()).open(ReportJob.kind, of: asked.workspace)
            if isNew, open > settings.openReports {
                throw Problem(
                    .tooManyRequests, code: "too_many_reports",
                    "\(settings.openReports) reports of \(asked.workspace) are not made yet; wait for some, or cancel them",
                    retryAfter: 60)
            }
            return (job, isNew)
        }
        jobs.wake()
        if let key, !isNew, job.payload["fingerprint"]?.string != key.fingerprint {
            throw Problem(
                .unprocessableContent, code: "idempotency_key_reused",
                "this Idempotency-Key was used for another request, which is \(job.id); send a new one")
        }
        var response = Response.json(view(ReportFound(job: job)), status: .accepted)
        response.headers[.location] = "/v1/reports/\(job.id)"
        return response
    }

    private static let listParameters = ["workspace_id", "state", "limit", "cursor"]

    private func list(_ request: Request, _ context: APIContext) async throws -> Response {
        let caller = try context.requireCaller(.read)
        let query = try request.requireOnly(parameters: Self.listParameters)
        let (found, next) = try await JobPage(query, caller, directory, kind: ReportJob.kind).read(from: database)
        var members: [String: JSON] = ["reports": .array(found.map { view(ReportFound(job: $0)) })]
        members["next_cursor"] = next.map { .string($0) }
        return .json(.object(members))
    }

    // MARK: - One report

    /// The report that the path names, if the caller may see it, with its manifest.
    private func report(_ context: APIContext) async throws -> ReportFound {
        let caller = try context.requireCaller(.read)
        let id = try context.identifier("report", of: JobKind.self)
        guard let found = try await find(id), let workspace = found.job.workspace,
            (try? directory.current.workspace(workspace, for: caller)) != nil
        else { throw Problem.notFound("no report \(id) in this account; `GET /v1/reports` lists them") }
        return found
    }

    /// The report that the path names, for whoever has a signed link to it.
    private func report(_ query: Query, _ context: APIContext) async throws -> ReportFound {
        guard let signature = query["signature"] else { return try await report(context) }
        let id = try context.identifier("report", of: JobKind.self)
        guard let found = try await find(id), let workspace = found.job.workspace,
            links.isValid(signature, until: query["expires"], report: id, of: workspace)
        else {
            throw Problem.forbidden("this link has expired or is none of ours; ask whoever sent it for the report")
        }
        return found
    }

    private func find(_ id: JobID) async throws -> ReportFound? {
        try await database.read { [now] connection in
            let table = JobTable(connection, at: now())
            guard let job = try table.job(id), job.kind == ReportJob.kind else { return nil }
            guard job.state == .completed else { return ReportFound(job: job) }
            return ReportFound(
                job: job, manifest: try table.result(of: "publishing", job: id),
                made: try table.result(of: ReportJob.fileStep, job: id))
        }
    }

    private func view(_ report: ReportFound) -> JSON {
        let job = report.job
        var members = job.members
        members["job_id"] = nil
        members["report_id"] = .string(job.id.rawValue)
        members["kind"] = job.payload["kind"]
        members["format"] = job.payload["format"]
        members["query"] = job.payload["parameters"]
        members["notify"] = job.payload["notify"]
        members["manifest"] = report.manifest
        let path = "/v1/reports/\(job.id)"
        var links: [String: JSON] = ["self": .string(path)]
        switch job.state {
        case .requested, .running: links["cancel"] = .string(path + "/cancel")
        case .completed: links["file"] = .string(path + "/file")
        case .failed, .cancelled, .expired: links["retry"] = .string(path + "/retry")
        }
        members["links"] = .object(links)
        return .object(members)
    }
}
