import ByteJSON
import Common
import HTTPTypes
import Hummingbird
import NIOCore
import Notices
import ServiceKit

/// `/v1/alert-rules` and `/v1/alerts`: what is watched for, and what was found.
struct AlertRoutes: Sendable {
    let database: any Database
    let notices: Notices
    let links: ReportLinks
    let directory: Directory
    let now: @Sendable () -> Timestamp

    func add(to router: Router<APIContext>) {
        router.get("/v1/alert-rules") { try await listRules($0, $1) }
        router.post("/v1/alert-rules") { try await make($0, $1) }
        router.get("/v1/alert-rules/{rule}") { request, context -> Response in
            _ = try request.requireOnly()
            return Response.json(try await rule(context, .read).json)
        }
        router.patch("/v1/alert-rules/{rule}") { try await change($0, $1) }
        router.delete("/v1/alert-rules/{rule}") { request, context -> Response in
            _ = try request.requireOnly()
            let rule = try await rule(context, .manage)
            try await database.write { try AlertTable(connection: $0).delete(rule.id) }
            return Response(status: .noContent)
        }
        router.get("/v1/alerts") { try await list($0, $1) }
        router.get("/v1/alerts/{alert}") { request, context -> Response in
            _ = try request.requireOnly()
            return Response.json(try await alert(context, .read).json)
        }
        router.post("/v1/alerts/{alert}/acknowledge") { request, context -> Response in
            _ = try request.requireOnly()
            var alert = try await alert(context, .manage)
            guard alert.state != .ended else {
                throw Problem.conflict("\(alert.id) has ended by itself; there is nothing to acknowledge")
            }
            alert.state = .acknowledged
            try await acknowledgeLetters(of: alert)
            return try await save(alert)
        }
        router.post("/v1/alerts/{alert}/snooze") { try await snooze($0, $1) }
        router.get("/v1/alerts/{alert}/verbatims") { try await verbatims($0, $1) }
    }

    // MARK: - Rules

    private func listRules(_ request: Request, _ context: APIContext) async throws -> Response {
        let caller = try context.requireCaller(.read)
        let query = try request.requireOnly(parameters: ["workspace_id"] + Page.parameters)
        let page = try Page(query, keys: 1)
        let workspaces = try directory.current.workspaces(query, for: caller)
        let before = page.after?.keys[0].string.flatMap { AlertRuleID($0) }
        let found = try await database.read {
            try AlertTable(connection: $0).rules(of: workspaces, before: before, limit: page.limit + 1)
        }
        return page.response("rules", found, id: { $0.id.rawValue }, json: \.json)
    }

    private func make(_ request: Request, _ context: APIContext) async throws -> Response {
        let caller = try context.requireCaller(.manage)
        _ = try request.requireOnly()
        let body = try await request.jsonObject(limit: 65_536)
        let id = body.identifier("workspace_id", of: WorkspaceKind.self, required: true)
        let kind = body.choice("kind", of: AlertRule.Kind.allCases, required: true)
        let name = body.string("name")
        let settings = settings(body, AlertRule.Settings())
        let notify = body.strings("notify", count: 0...50) ?? []
        try body.finish()
        guard let id, let kind else { throw Problem.badRequest("the body is not complete") }
        let workspace = try directory.current.workspace(id, for: caller).id
        let now = now()
        let rule = AlertRule(
            id: .make(at: now), workspace: workspace, name: name ?? kind.rawValue, kind: kind, settings: settings,
            notify: try await notices.recipients(notify, of: workspace), isActive: true, snoozedUntil: nil, next: now,
            letters: nil, createdAt: now)
        try await database.write { connection in
            let table = AlertTable(connection: connection)
            guard try table.count(of: workspace) < 100 else {
                throw Problem.conflict("\(workspace) has 100 rules, and no more may be; delete some")
            }
            try table.save(rule)
        }
        var response = Response.json(rule.json, status: .created)
        response.headers[.location] = "/v1/alert-rules/\(rule.id)"
        return response
    }

    private func change(_ request: Request, _ context: APIContext) async throws -> Response {
        _ = try request.requireOnly()
        var rule = try await rule(context, .manage)
        let body = try await request.jsonObject(limit: 65_536)
        if let name = body.string("name") { rule.name = name }
        rule.settings = settings(body, rule.settings)
        let notify = body.strings("notify", count: 0...50)
        if let state = body.choice("state", of: State.allCases) { rule.isActive = state == .active }
        if let hours = body.integer("snooze_hours", in: 0...720) {
            rule.snoozedUntil = hours == 0 ? nil : now().advanced(bySeconds: Double(hours) * 3600)
        }
        try body.finish()
        if let notify { rule.notify = try await notices.recipients(notify, of: rule.workspace) }
        // Looked at anew, whoever is looking at what it was.
        rule.next = now()
        let changed = rule
        try await database.write { try AlertTable(connection: $0).save(changed) }
        return Response.json(changed.json)
    }

    private func settings(_ body: BodyObject, _ before: AlertRule.Settings) -> AlertRule.Settings {
        var settings = before
        settings.hours = body.integer("hours", in: 1...720) ?? settings.hours
        settings.minimum = body.integer("minimum", in: 1...1_000_000) ?? settings.minimum
        settings.throttleHours = body.integer("throttle_hours", in: 0...720) ?? settings.throttleHours
        if let factor = body.value("factor") {
            if let number = factor.double, (1.01...1000).contains(number) {
                settings.factor = number
            } else {
                body.refuse("factor", "must be a number from 1.01 to 1000")
            }
        }
        if let drop = body.value("drop") {
            if let number = drop.double, (1...200).contains(number) {
                settings.drop = number
            } else {
                body.refuse("drop", "must be a number from 1 to 200")
            }
        }
        return settings
    }

    private enum State: String, CaseIterable { case active, paused }

    private func rule(_ context: APIContext, _ scope: Scope) async throws -> AlertRule {
        let caller = try context.requireCaller(scope)
        let id = try context.identifier("rule", of: AlertRuleKind.self)
        let found = try await database.read { try AlertTable(connection: $0).rule(id) }
        guard let found, (try? directory.current.workspace(found.workspace, for: caller)) != nil else {
            throw Problem.notFound("no rule \(id) in this account; `GET /v1/alert-rules` lists them")
        }
        return found
    }

    // MARK: - Alerts

    private func list(_ request: Request, _ context: APIContext) async throws -> Response {
        let caller = try context.requireCaller(.read)
        let query = try request.requireOnly(parameters: ["workspace_id", "state"] + Page.parameters)
        let page = try Page(query, keys: 1)
        let workspaces = try directory.current.workspaces(query, for: caller)
        let states = try query.list("state").map { text in
            guard let state = Alert.State(rawValue: text.uppercased()) else {
                let all = Alert.State.allCases.map(\.rawValue).joined(separator: ", ")
                throw Problem.badRequest("parameter `state`: `\(text)` is not one of \(all)")
            }
            return state
        }
        let before = page.after?.keys[0].string.flatMap { AlertID($0) }
        let found = try await database.read {
            try AlertTable(connection: $0).list(of: workspaces, states: states, before: before, limit: page.limit + 1)
        }
        return page.response("alerts", found, id: { $0.id.rawValue }, json: \.json)
    }

    private func snooze(_ request: Request, _ context: APIContext) async throws -> Response {
        _ = try request.requireOnly()
        var alert = try await alert(context, .manage)
        let body = try await request.jsonObject(limit: 1024)
        let hours = body.integer("hours", in: 1...720, required: true)
        try body.finish()
        alert.snoozedUntil = now().advanced(bySeconds: Double(hours ?? 1) * 3600)
        return try await save(alert)
    }

    /// Dead letters that somebody has seen are told of no more: their alert ends at the next look, unless more came.
    private func acknowledgeLetters(of alert: Alert) async throws {
        guard alert.finding.key == Finding.deadLetters else { return }
        try await database.write { connection in
            let table = AlertTable(connection: connection)
            guard var rule = try table.rule(alert.rule), rule.kind == .deadLetters else { return }
            rule.letters = try connection.deadLetters(of: alert.workspace)
            try table.save(rule)
        }
    }

    private func save(_ alert: Alert) async throws -> Response {
        try await database.write { try AlertTable(connection: $0).save(alert) }
        return Response.json(alert.json)
    }

    /// The feedback behind an alert, as a page: for its account, and for whoever has the signed link of a notice.
    private func verbatims(_ request: Request, _ context: APIContext) async throws -> Response {
        let query = try request.requireOnly(parameters: ["expires", "signature"])
        let alert: Alert
        if let signature = query["signature"] {
            let id = try context.identifier("alert", of: AlertKind.self)
            let found = try await database.read { try AlertTable(connection: $0).alert(id) }
            guard let found, links.isValid(signature, until: query["expires"], alert: id, of: found.workspace) else {
                throw Problem.forbidden("this link has expired or is none of ours; ask whoever sent it")
            }
            alert = found
        } else {
            alert = try await self.alert(context, .read)
        }
        let finding = alert.finding
        let page = try await database.read { connection in
            try connection.page(
                AlertRunner.filter(finding), workspace: alert.workspace, range: finding.range, after: nil,
                limit: Self.shown)
        }
        let body = try AlertHTML.page(alert, page.documents, hasMore: page.next != nil)
        return Response(
            status: .ok,
            headers: [
                .contentType: "text/html; charset=utf-8", .cacheControl: "private, no-store",
                .xContentTypeOptions: "nosniff",
            ], body: .init(byteBuffer: ByteBuffer(string: body)))
    }

    /// Items on the page of an alert.
    private static let shown = 200

    private func alert(_ context: APIContext, _ scope: Scope) async throws -> Alert {
        let caller = try context.requireCaller(scope)
        let id = try context.identifier("alert", of: AlertKind.self)
        let found = try await database.read { try AlertTable(connection: $0).alert(id) }
        guard let found, (try? directory.current.workspace(found.workspace, for: caller)) != nil else {
            throw Problem.notFound("no alert \(id) in this account; `GET /v1/alerts` lists them")
        }
        return found
    }
}
