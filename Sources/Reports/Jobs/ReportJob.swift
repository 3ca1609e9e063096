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
    let removal: ReportRemoval
    /// Nil where there is no Chromium.
    let printer: PagePrinter?
    let coverage: @Sendable (WorkspaceID) async throws -> InsightReport.Coverage

    /// The stage whose result names the report's file.
    static let fileStep = "rendering"

    var definition: JobDefinition {
        var definition = JobDefinition(
            Self.kind,
            steps: [
                JobStep("data", timeout: .seconds(3600)) { try await data($0) },
                JobStep("rendering", timeout: .seconds(600)) { try await render($0) },
                // Longer than a storage that hangs is waited for: it is what is named then.
                JobStep("publishing", timeout: .seconds(600)) { try await publish($0) },
            ])
        definition.deadline = .seconds(6 * 3600)
        definition.workspaceLimit = 2
        definition.retry = RetryPolicy(attempts: settings.attempts, first: settings.retrySeconds)
        definition.onFailure = { [notices] connection, job in try notices.putFailure(job, in: connection) }
        definition.onDelete = { [removal] connection, job in try removal.request(for: job, in: connection) }
        return definition
    }

    /// One state of the tables as a file, with what is to be known of it.
    private func data(_ context: JobContext) async throws -> StepResult {
        let request = try named(ReportRequest(context.job))
        let kind = try kind(of: request)
        context.report(0.01, "reading")
        // Read before the tables: what is stored meanwhile makes the report more complete than it says.
        let coverage = try await coverage(request.workspace)
        let (name, type) =
            !kind.writesReport
            ? ("data.json", "application/json")
            : request.format == .pdf
                ? ("page.html", ReportFormat.html.contentType)
                : (request.fileName(of: context.job.id), request.format.contentType)
        let (made, info) = try await files.write(name, contentType: type, for: context, in: request.workspace) {
            [database, settings] pipe in
            try await database.read { connection in
                let reading = ReportReading(
                    connection: connection, settings: settings, progress: { context.report(0.01 + $0 * 0.9) },
                    checkStopped: { if context.isStopped { throw CancellationError() } })
                let (rows, engines) = try pipe.write { try kind.writeData(request, reading, to: &$0) }
                return [
                    "rows": .integer(Int64(rows)), "engines": .object(engines.mapValues { .integer(Int64($0)) }),
                    "watermark": .object(try connection.watermark()),
                ] as [String: JSON]
            }
        }
        var members = made
        Self.tell(info, in: &members)
        members["coverage"] = try JSON(encoding: coverage)
        return StepResult(.object(members))
    }

    private func render(_ context: JobContext) async throws -> StepResult {
        let request = try named(ReportRequest(context.job))
        let kind = try kind(of: request)
        let made = context.result(of: "data")
        if kind.writesReport, request.format != .pdf { return StepResult(made) }
        context.report(0.92, "rendering")
        guard let key = ReportFiles.file(made, in: request.workspace) else {
            throw JobFailure.defect("\(context.job.id) names no data")
        }
        let data = try await files.contents(of: key, sum: made["sha256"]?.string)
        let printed = request.format == .pdf ? try await print(request, kind, data) : nil
        let (_, info) = try await files.write(
            request.fileName(of: context.job.id), contentType: request.format.contentType, for: context,
            in: request.workspace
        ) { pipe in
            try await onAThread {
                try pipe.write { file in
                    if let printed { try file.write(printed) } else { try kind.render(request, data: data, to: &file) }
                }
            }
        }
        var members = made.object ?? [:]
        Self.tell(info, in: &members)
        return StepResult(.object(members))
    }

    private func print(_ request: ReportRequest, _ kind: any ReportKind, _ data: [UInt8]) async throws -> [UInt8] {
        guard let printer else { throw JobFailure.unavailable(PagePrinter.missing) }
        var page = data
        if !kind.writesReport {
            var pieces: [[UInt8]] = []
            var file = FileWriter { pieces.append($0) }
            try kind.render(request, data: data, to: &file)
            try file.finish()
            page = Array(pieces.joined())
        }
        // Not when it was printed: the same request is to give the same bytes.
        let time = try request.parameters.one("to").flatMap { Timestamp($0) } ?? Timestamp(seconds: 0)
        return try await printer.print(page, dated: time)
    }

    /// Notes the file of a stage in its result.
    private static func tell(_ info: FileInfo, in members: inout [String: JSON]) {
        members["file"] = .string(info.key.path)
        members["sha256"] = .string(info.sha256)
        members["bytes"] = .integer(Int64(info.size))
    }

    private func publish(_ context: JobContext) async throws -> StepResult {
        let request = try ReportRequest(context.job)
        let made = context.result(of: ReportJob.fileStep)
        guard let file = ReportFiles.file(made, in: request.workspace) else {
            throw JobFailure.defect("\(context.job.id) names no file")
        }
        context.report(0.97, "publishing")
        var manifest = made.object ?? [:]
        manifest["file"] = nil
        manifest["report_id"] = .string(context.job.id.rawValue)
        manifest["workspace_id"] = .string(request.workspace.rawValue)
        manifest["kind"] = .string(request.kind)
        manifest["format"] = .string(request.format.rawValue)
        manifest["query"] = request.parameters.json
        try await files.publish(
            file, madeFrom: ReportFiles.file(context.result(of: "data"), in: request.workspace), as: context.job.id,
            manifest: .object(manifest))
        return StepResult(.object(manifest)) { [notices, manifest] connection in
            try notices.put(context.job, request, manifest: .object(manifest), in: connection)
        }
    }

    /// With how people call its workspace.
    private func named(_ request: ReportRequest) -> ReportRequest {
        var request = request
        request.workspaceName = notices.directory.current.workspaces[request.workspace]?.name
        return request
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
        let offsets = try nextOffsets(topic: .feedback)
        return Dictionary(uniqueKeysWithValues: offsets.map { (String($0), JSON.integer($1)) })
    }
}

extension JSON {
    /// A value as JSON.
    init(encoding value: some Encodable) throws {
        self = JSON(try JSONDocument(parsing: Array(try JSONEncoder().encode(value))).root)
    }
}
