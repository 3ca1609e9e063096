import ByteJSON
import Common
import HTTPTypes
import Hummingbird
import Notices
import ServiceKit

/// `/v1/schedules`: reports that are made again and again.
struct ScheduleRoutes: Sendable {
    let runner: ScheduleRunner
    let notices: Notices
    let directory: Directory

    private var database: any Database { runner.database }

    func add(to router: Router<APIContext>) {
        router.get("/v1/schedules") { try await list($0, $1) }
        router.post("/v1/schedules") { try await make($0, $1) }
        router.get("/v1/schedules/{schedule}") { request, context -> Response in
            _ = try request.requireOnly()
            return Response.json(try await schedule(context, .read).json)
        }
        router.patch("/v1/schedules/{schedule}") { try await change($0, $1) }
        router.delete("/v1/schedules/{schedule}") { request, context -> Response in
            _ = try request.requireOnly()
            let schedule = try await schedule(context, .manage)
            try await database.write { try ScheduleTable(connection: $0).delete(schedule.id) }
            return Response(status: .noContent)
        }
        router.post("/v1/schedules/{schedule}/test") { try await test($0, $1) }
    }

    private func list(_ request: Request, _ context: APIContext) async throws -> Response {
        let caller = try context.requireCaller(.read)
        let query = try request.requireOnly(parameters: ["workspace_id"] + Page.parameters)
        let page = try Page(query, keys: 1)
        let workspaces = try directory.current.workspaces(query, for: caller)
        let before = page.after?.keys[0].string.flatMap { ScheduleID($0) }
        let found = try await database.read {
            try ScheduleTable(connection: $0).list(of: workspaces, before: before, limit: page.limit + 1)
        }
        return page.response("schedules", found, id: { $0.id.rawValue }, json: \.json)
    }

    private func make(_ request: Request, _ context: APIContext) async throws -> Response {
        let caller = try context.requireCaller(.manage)
        _ = try request.requireOnly()
        let body = try await request.jsonObject(limit: 65_536)
        let id = body.identifier("workspace_id", of: WorkspaceKind.self, required: true)
        let name = body.string("name")
        let cron = cron(body, required: true)
        let missed = body.choice("missed", of: ReportSchedule.Missed.allCases) ?? .once
        let report = report(body, required: true)
        let notify = body.strings("notify", count: 0...50) ?? []
        let skipsEmpty = body.value("skip_if_empty")?.bool ?? false
        try body.finish()
        guard let id, let cron, let report else { throw Problem.badRequest("the body is not complete") }
        let workspace = try directory.current.workspace(id, for: caller).id
        let now = runner.now()
        let schedule = ReportSchedule(
            id: .make(at: now), workspace: workspace, name: name ?? report.kind, cron: cron, missed: missed,
            kind: report.kind, format: report.format, period: report.period, parameters: report.parameters,
            notify: try await notices.recipients(notify, of: workspace), skipsEmpty: skipsEmpty, isActive: true,
            next: cron.next(after: now) ?? Timestamp(milliseconds: .max), last: nil, createdAt: now)
        _ = try schedule.request(at: now, settings: runner.settings)
        try await database.write { connection in
            let table = ScheduleTable(connection: connection)
            guard try table.count(of: workspace) < 100 else {
                throw Problem.conflict("\(workspace) has 100 schedules, and no more may be; delete some")
            }
            try table.save(schedule)
        }
        runner.bell.ring()
        var response = Response.json(schedule.json, status: .created)
        response.headers[.location] = "/v1/schedules/\(schedule.id)"
        return response
    }

    private func change(_ request: Request, _ context: APIContext) async throws -> Response {
        _ = try request.requireOnly()
        var schedule = try await schedule(context, .manage)
        let body = try await request.jsonObject(limit: 65_536)
        if let name = body.string("name") { schedule.name = name }
        if body.has("cron") || body.has("timezone"), let cron = cron(body, default: schedule.cron) {
            schedule.cron = cron
        }
        if let missed = body.choice("missed", of: ReportSchedule.Missed.allCases) { schedule.missed = missed }
        if body.has("report"), let report = report(body, required: true) {
            (schedule.kind, schedule.format) = (report.kind, report.format)
            (schedule.period, schedule.parameters) = (report.period, report.parameters)
        }
        let notify = body.strings("notify", count: 0...50)
        if let skips = body.value("skip_if_empty")?.bool { schedule.skipsEmpty = skips }
        if let state = body.choice("state", of: State.allCases) { schedule.isActive = state == .active }
        try body.finish()
        if let notify { schedule.notify = try await notices.recipients(notify, of: schedule.workspace) }
        let now = runner.now()
        _ = try schedule.request(at: now, settings: runner.settings)
        schedule.next = schedule.cron.next(after: now) ?? Timestamp(milliseconds: .max)
        let changed = schedule
        try await database.write { try ScheduleTable(connection: $0).save(changed) }
        runner.bell.ring()
        return Response.json(changed.json)
    }

    /// Has the report made now, for whom the request names, or for those of the schedule.
    private func test(_ request: Request, _ context: APIContext) async throws -> Response {
        _ = try request.requireOnly()
        var schedule = try await schedule(context, .manage)
        let bytes = try await request.bytes(limit: 16_384)
        let body = bytes.isEmpty ? BodyObject([:]) : try BodyObject(JSONDocument(parsing: bytes, maximumDepth: 8))
        let notify = body.strings("notify", count: 1...50)
        try body.finish()
        if let notify { schedule.notify = try await notices.recipients(notify, of: schedule.workspace) }
        schedule.skipsEmpty = false
        let asked = try schedule.request(at: runner.now(), settings: runner.settings)
        let job = try await runner.jobs.enqueue(
            JobRequest(ReportJob.kind, workspace: schedule.workspace, payload: asked.payload)
        ).job
        return Response.json(
            [
                "schedule_id": .string(schedule.id.rawValue), "report_id": .string(job.id.rawValue),
                "notify": .array(schedule.notify.map { .string($0.text) }),
            ], status: .accepted)
    }

    private enum State: String, CaseIterable { case active, paused }

    // MARK: - Parts of a body

    private func cron(_ body: BodyObject, default old: Cron? = nil, required: Bool = false) -> Cron? {
        let text = body.string("cron", required: required) ?? old?.description
        let zone = body.string("timezone") ?? old?.timeZone ?? "UTC"
        guard let text else { return nil }
        do {
            return try Cron(text, timeZone: zone)
        } catch {
            body.refuse("cron", "\(error)")
            return nil
        }
    }

    private func report(_ body: BodyObject, required: Bool) -> (
        kind: String, format: ReportFormat, period: RelativePeriod, parameters: Parameters
    )? {
        guard var members = body.value("report", required: required)?.object else {
            if body.has("report") { body.refuse("report", "must be an object with kind, format and period") }
            return nil
        }
        let name = members.removeValue(forKey: "kind")?.string ?? ""
        guard let kind = ReportKinds.named(name) else {
            body.refuse("report/kind", Suggestion.hint(for: name, among: ReportKinds.all.map(\.name)))
            return nil
        }
        let text = members.removeValue(forKey: "format")?.string ?? ReportFormat.html.rawValue
        let format: ReportFormat
        do {
            format = try ReportFormat.named(text, for: kind, prints: runner.settings.chromium != nil)
        } catch {
            body.refuse("report/format", error.reason)
            return nil
        }
        guard let period = RelativePeriod(members.removeValue(forKey: "period")?.string ?? "") else {
            body.refuse("report/period", "must be \(RelativePeriod.hint)")
            return nil
        }
        let own = ["from", "to", "timezone", "workspace_id"]
        for name in own where members[name] != nil {
            body.refuse("report/\(name)", "is the schedule's: it has a period and a timezone")
        }
        var parameters = Parameters([])
        do {
            try parameters.add(body: JSON.object(members).bytes)
            try parameters.requireOnly(kind.parameterNames.filter { !own.contains($0) })
        } catch {
            body.refuse("report", (error as? Problem)?.detail ?? "\(error)")
            return nil
        }
        return (kind.name, format, period, parameters)
    }

    private func schedule(_ context: APIContext, _ scope: Scope) async throws -> ReportSchedule {
        let caller = try context.requireCaller(scope)
        let id = try context.identifier("schedule", of: ScheduleKind.self)
        let found = try await database.read { try ScheduleTable(connection: $0).schedule(id) }
        guard let found, (try? directory.current.workspace(found.workspace, for: caller)) != nil else {
            throw Problem.notFound("no schedule \(id) in this account; `GET /v1/schedules` lists them")
        }
        return found
    }
}
