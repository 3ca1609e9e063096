import ByteJSON
import Common
import Foundation
import ServiceKit

/// Makes reports as jobs, in stages: data, rendering, publishing. Each may run on another process than the one before.
struct ReportJob: Sendable {
    static let kind = "report"

    let database: any Database
    let files: ReportFiles
    let settings: ReportsSettings
    let notices: ReportNotices
    let coverage: @Sendable (WorkspaceID) async throws -> InsightReport.Coverage

    var definition: JobDefinition {
        var definition = JobDefinition(
            Self.kind,
            steps: [
                JobStep("data", timeout: .seconds(3600)) { try await data($0) },
                JobStep("rendering", timeout: .seconds(600)) { try await render($0) },
                JobStep("publishing", timeout: .seconds(60)) { try await publish($0) },
            ])
        definition.deadline = .seconds(6 * 3600)
        definition.workspaceLimit = 2
        definition.onDelete = { [files] _, job in
            if let workspace = job.workspace { files.remove(job.id, in: workspace) }
        }
        return definition
    }

    /// One state of the tables as a file, with what is to be known of it.
    private func data(_ context: JobContext) async throws -> StepResult {
        let request = try ReportRequest(context.job)
        let kind = try kind(of: request)
        let path = try files.part(context)
        files.removeParts(of: context.job.id, except: [path])
        context.report(0.01, "reading")
        // Read before the tables: what is stored meanwhile makes the report more complete than it says.
        let coverage = try await coverage(request.workspace)
        let made = try await database.read { [settings] connection in
            let reading = ReportReading(
                connection: connection, settings: settings, progress: { context.report(0.01 + $0 * 0.9) },
                checkStopped: { if context.isStopped { throw CancellationError() } })
            var file = try FileWriter(path: path)
            let (rows, engines) = try kind.writeData(request, reading, to: &file)
            let sum = try file.finish()
            return JSON.object([
                "file": .string(path), "sha256": .string(sum), "bytes": .integer(Int64(file.bytes)),
                "rows": .integer(Int64(rows)), "engines": .array(engines.map { .string($0) }),
                "watermark": .object(try connection.watermark()),
            ])
        }
        var members = made.object ?? [:]
        members["coverage"] = try JSON(encoding: coverage)
        return StepResult(.object(members))
    }

    private func render(_ context: JobContext) async throws -> StepResult {
        let request = try ReportRequest(context.job)
        let kind = try kind(of: request)
        let data = context.result(of: "data")
        if kind.writesReport { return StepResult(data) }
        context.report(0.92, "rendering")
        let path = try files.part(context)
        guard let bytes = FileManager.default.contents(atPath: data["file"]?.string ?? "") else {
            throw JobFailure.rejected(
                "the data of \(context.job.id) are not in \(files.folder): all processes of the role need one folder")
        }
        var file = try FileWriter(path: path)
        try kind.render(request, data: Array(bytes), to: &file)
        var members = data.object ?? [:]
        members["sha256"] = .string(try file.finish())
        members["bytes"] = .integer(Int64(file.bytes))
        members["file"] = .string(path)
        return StepResult(.object(members))
    }

    private func publish(_ context: JobContext) async throws -> StepResult {
        let request = try ReportRequest(context.job)
        let made = context.result(of: "rendering")
        context.report(0.97, "publishing")
        var manifest = made.object ?? [:]
        manifest["file"] = nil
        manifest["report_id"] = .string(context.job.id.rawValue)
        manifest["workspace_id"] = .string(request.workspace.rawValue)
        manifest["kind"] = .string(request.kind)
        manifest["format"] = .string(request.format.rawValue)
        manifest["query"] = request.parameters.json
        try files.publish(
            made["file"]?.string ?? "", as: context.job.id, in: request.workspace, request.format,
            manifest: .object(manifest))
        return StepResult(.object(manifest)) { [notices, manifest] connection in
            try notices.put(context.job, request, manifest: .object(manifest), in: connection)
        }
    }

    private func kind(of request: ReportRequest) throws -> any ReportKind {
        guard let kind = ReportKinds.named(request.kind) else {
            throw JobFailure.rejected("this program knows no report of kind \(request.kind)")
        }
        return kind
    }
}

extension DatabaseConnection {
    /// How far the tables are: the next offset of each partition of the feedback topic.
    fileprivate func watermark() throws -> [String: JSON] {
        let rows = try query(
            """
            SELECT partition_number, next_offset FROM consumer_offsets WHERE topic = \(Topic.feedback.name)
            ORDER BY partition_number
            """
        ) { (String($0.integer(0)), JSON.integer($0.integer(1))) }
        return Dictionary(rows) { first, _ in first }
    }
}

extension JSON {
    /// A value as JSON.
    init(encoding value: some Encodable) throws {
        self = JSON(try JSONDocument(parsing: Array(try JSONEncoder().encode(value))).root)
    }
}
