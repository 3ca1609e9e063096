import Common
import ServiceKit

@testable import Reports

extension Tables {
    /// Asks a question as the route does.
    func report(
        _ parameters: [(String, String)] = [("from", "2020-01-01"), ("to", "2023-01-01"), ("interval", "year")],
        workspace: String = "ws_a", path: InsightAnswer.Path? = nil
    ) async throws -> InsightReport {
        let question = try question(parameters, workspace: workspace)
        return try await database.read { [cache] connection in
            try InsightAnswer(
                question, in: connection, settings: ReportsSettings(), path: path, cache: cache
            ).report()
        }
    }

    func question(_ parameters: [(String, String)], workspace: String = "ws_a") throws -> InsightQuestion {
        try InsightQuestion(
            Parameters(parameters.map { (name: $0.0, value: $0.1) }), workspace: WorkspaceID(workspace)!,
            now: Timestamp("2021-03-01")!, settings: ReportsSettings())
    }
}
