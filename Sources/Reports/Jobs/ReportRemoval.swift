import ByteJSON
import Common
import ServiceKit

/// Removes the files of reports that are not there any more: a kind of job.
///
/// It is requested by the transaction that forgets the report, so a file goes if, and only if, nothing names it any more,
/// whatever dies in between.
struct ReportRemoval: Sendable {
    static let kind = "report-removal"
    /// What it is given up after; then ``ReportSweep`` finds the files.
    private static let deadline = Duration.seconds(7 * 86_400)

    let database: any Database
    let files: ReportFiles
    let now: @Sendable () -> Timestamp

    var definition: JobDefinition {
        var definition = JobDefinition(
            Self.kind, steps: [JobStep("files", timeout: .seconds(600)) { try await remove($0) }])
        definition.retry = RetryPolicy(attempts: 200, first: 5, most: 3600)
        definition.deadline = Self.deadline
        definition.keptFor = .seconds(86_400)
        // A storage that hangs holds up no reports.
        definition.slots = 1
        return definition
    }

    /// Requests that the files of a report go, in the transaction that forgets it.
    func request(for job: Job, in connection: any DatabaseConnection) throws {
        guard let workspace = job.workspace else { return }
        var request = JobRequest(Self.kind, workspace: workspace, payload: ["report_id": .string(job.id.rawValue)])
        request.priority = 2
        _ = try JobTable(connection, at: now()).enqueue(request, deadline: Self.deadline)
    }

    private func remove(_ context: JobContext) async throws -> StepResult {
        guard let workspace = context.job.workspace,
            let report = context.job.payload["report_id"]?.string.flatMap({ JobID($0) })
        else { throw JobFailure.defect("\(context.job.id) names no report") }
        let isThere = try await database.read { [now] in try JobTable($0, at: now()).job(report) != nil }
        guard !isThere else { throw JobFailure.rejected("\(report) is there: its files stay") }
        try await files.remove(report, in: workspace)
        return StepResult()
    }
}
