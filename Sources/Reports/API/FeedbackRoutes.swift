import ByteJSON
import Common
import Hummingbird
import ServiceKit

/// `/v1/feedback`: the list, one, and what became of it.
struct FeedbackRoutes: Sendable {
    let database: any Database
    let directory: Directory
    let settings: ReportsSettings

    private static let parameters =
        ["workspace_id", "from", "to", "timezone"] + FeedbackFilter.parameterNames + Page.parameters

    func add(to router: Router<APIContext>) {
        router.get("/v1/feedback") { request, context in
            try await list(Parameters(query: request), try context.requireCaller(.read))
        }
        router.get("/v1/feedback/{id}") { request, context in
            _ = try request.requireOnly()
            return try await one(try context.identifier("id"), try context.requireCaller(.read))
        }
        router.get("/v1/feedback/{id}/trace") { request, context in
            _ = try request.requireOnly()
            return try await trace(try context.identifier("id"), try context.requireCaller(.read))
        }
    }

    private func list(_ parameters: Parameters, _ caller: Caller) async throws -> Response {
        try parameters.requireOnly(Self.parameters)
        let workspace = try parameters.workspace(in: directory.current, for: caller)
        let zone = try InsightQuestion.zone(parameters)
        let from = try InsightQuestion.instant("from", parameters, zone: zone) ?? .min
        let to = try InsightQuestion.instant("to", parameters, zone: zone) ?? .max
        guard from < to else { throw Problem.badParameter("to", "is not after `from`; it is exclusive") }
        let filter = try FeedbackFilter(parameters)
        let limit = try limit(parameters)
        let place = try parameters.one("cursor").map(Self.place)
        let page = try await database.read { connection in
            try connection.page(filter, workspace: workspace.id, range: from..<to, after: place, limit: limit)
        }
        var writer = JSONWriter(reservingCapacity: page.documents.reduce(64) { $0 + $1.count + 1 })
        writer.beginObject()
        writer.key("feedback")
        writer.beginArray()
        for document in page.documents { writer.raw(document) }
        writer.endArray()
        if let next = page.next {
            writer.member(
                "next_cursor", PageCursor([.integer(next.timestamp), .string(FeedbackID(next.id).rawValue)]).text)
        }
        writer.endObject()
        return .json(bytes: writer.bytes)
    }

    private func limit(_ parameters: Parameters) throws -> Int {
        guard let text = try parameters.one("limit") else { return 50 }
        guard let limit = Int(text), (1...settings.maximumPage).contains(limit) else {
            throw Problem.badParameter("limit", "is \(text); send 1 to \(settings.maximumPage)")
        }
        return limit
    }

    private static func place(_ cursor: String) throws -> FeedbackPage.Place {
        let keys = try PageCursor(cursor, count: 2).keys
        guard let timestamp = keys[0].integer, let id = keys[1].string.flatMap({ FeedbackID($0)?.digest })
        else {
            throw Problem.badParameter(
                "cursor", "is not one of this list; take `next_cursor` of the last page as it is")
        }
        return FeedbackPage.Place(timestamp: timestamp, id: id)
    }

    private func one(_ id: FeedbackID, _ caller: Caller) async throws -> Response {
        let found = try await database.read { try $0.document(of: id) }
        guard let found, mayRead(found.workspace, caller) else { throw Self.nothing(id) }
        guard !found.document.isEmpty else {
            throw Problem(
                .gone, code: "gone", "\(id) was deleted, or is kept out by a rule; its trace tells which")
        }
        return .json(bytes: found.document)
    }

    private func trace(_ id: FeedbackID, _ caller: Caller) async throws -> Response {
        let trace = try await database.read { try $0.trace(id) }
        guard let trace, mayRead(trace.workspaceID, caller) else { throw Self.nothing(id) }
        return try Response(json: trace)
    }

    private func mayRead(_ workspace: WorkspaceID, _ caller: Caller) -> Bool {
        (try? directory.current.workspace(workspace, for: caller)) != nil
    }

    private static func nothing(_ id: FeedbackID) -> Problem { .notFound("no feedback \(id) in this account") }
}
