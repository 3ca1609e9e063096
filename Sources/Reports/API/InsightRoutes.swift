import Common
import Foundation
import Hummingbird
import ServiceKit

/// `GET` and `POST /GetInsightReports`.
struct InsightRoutes: Sendable {
    let database: any Database
    let directory: Directory
    let coverage: CoverageReader
    let settings: ReportsSettings
    let cache: SummaryCache
    let now: @Sendable () -> Timestamp

    func add(to router: Router<APIContext>) {
        router.get("/GetInsightReports") { request, context in
            try await answer(try Parameters(query: request), try context.requireCaller(.read))
        }
        router.post("/GetInsightReports") { request, context in
            let caller = try context.requireCaller(.read)
            var parameters = try Parameters(query: request)
            try parameters.add(body: try await request.bytes(limit: 65_536))
            return try await answer(parameters, caller)
        }
    }

    private func answer(_ parameters: Parameters, _ caller: Caller) async throws -> Response {
        try parameters.requireOnly(InsightQuestion.parameterNames)
        let snapshot = directory.current
        let workspace = try parameters.workspace(in: snapshot, for: caller)
        let question = try InsightQuestion(parameters, workspace: workspace.id, now: now(), settings: settings)
        var report = try await database.read { [settings, cache] connection in
            try InsightAnswer(question, in: connection, settings: settings, cache: cache).report()
        }
        report.coverage.streams = coverage.streams(of: workspace.id, in: snapshot)
        let inFlight = try await coverage.inFlight(of: workspace.id)
        report.coverage.inFlight = inFlight.records
        report.coverage.isMinimum = inFlight.isMinimum
        return try Response(json: report)
    }
}

extension Parameters {
    /// The workspace that `workspace_id` names, if the caller may see it.
    func workspace(in snapshot: Directory.Snapshot, for caller: Caller) throws -> WorkspaceRecord {
        guard let text = try one("workspace_id") else {
            throw Problem.badParameter("workspace_id", "is missing: send the id that /CreateWorkspace gave")
        }
        guard let id = WorkspaceID(text) else {
            throw Problem.badParameter("workspace_id", "is no workspace's id: \(text); ids look like ws_…")
        }
        return try snapshot.workspace(id, for: caller)
    }
}

extension Response {
    /// A value as JSON, members sorted by name.
    init(json value: some Encodable) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        self = .json(bytes: Array(try encoder.encode(value)))
    }
}
