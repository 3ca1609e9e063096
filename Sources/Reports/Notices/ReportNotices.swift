import ByteJSON
import Common
import Notices
import ServiceKit

/// Tells those who are to know that a report is there.
struct ReportNotices: Sendable {
    let notices: Notices
    let links: ReportLinks
    let directory: Directory

    /// Puts the notices in line, in the transaction that completes the report.
    func put(_ job: Job, _ request: ReportRequest, manifest: JSON, in connection: any DatabaseConnection) throws {
        let rows = manifest["rows"]?.integer ?? 0
        guard !request.notify.isEmpty, rows > 0 || !request.skipsEmpty else { return }
        try notices.put(
            content(job, request, manifest), to: request.notify, of: request.workspace, in: connection)
    }

    /// Puts the notices in line that a report failed or expired, in the transaction that says so; once a report, however
    /// often it is tried again.
    func putFailure(_ job: Job, in connection: any DatabaseConnection) throws {
        guard let request = try? ReportRequest(job), !request.notify.isEmpty,
            let workspace = directory.current.workspaces[request.workspace], !workspace.isDeleted
        else { return }
        let name = workspace.name
        let reason = job.reason ?? job.state.rawValue
        let title = ReportKinds.named(request.kind)?.title ?? request.kind
        let report = "\(links.publicURL)/v1/reports/\(job.id)"
        let content = NoticeContent(
            event: "report.failed", subject: job.id.rawValue, title: "\(title) of \(name) could not be made",
            text: "\(reason.prefix(500)). `earshot jobs retry \(job.id)` has it tried again.",
            facts: [
                .init("Workspace", name), .init("Format", request.format.rawValue.uppercased()),
                .init("Report", job.id.rawValue),
            ],
            data: [
                "report_id": .string(job.id.rawValue), "workspace_id": .string(request.workspace.rawValue),
                "kind": .string(request.kind), "format": .string(request.format.rawValue), "reason": .string(reason),
                "links": ["report": .string(report), "retry": .string("\(report)/retry")],
            ])
        try notices.put(content, to: request.notify, of: request.workspace, in: connection)
    }

    private func content(_ job: Job, _ request: ReportRequest, _ manifest: JSON) throws -> NoticeContent {
        let rows = Int(manifest["rows"]?.integer ?? 0)
        let name = directory.current.workspaces[request.workspace]?.name ?? request.workspace.rawValue
        let title = ReportKinds.named(request.kind)?.title ?? request.kind
        let file = try links.file(job.id, of: request.workspace)
        var facts = [NoticeContent.Fact("Workspace", name)]
        let ends = try ["from", "to"].compactMap { try request.parameters.one($0).flatMap { Timestamp($0) } }
        if ends.count == 2, let zone = ZoneCache.shared[try request.parameters.one("timezone") ?? "UTC"] {
            let local = ends.map { LocalTime(instant: $0.milliseconds, zone: zone).description }
            facts.append(.init("Period", InsightReportHTML.period(local[0], local[1])))
        }
        facts += [
            .init("Feedback", Readable.count(rows)), .init("Format", request.format.rawValue.uppercased()),
            .init("Size", Readable.bytes(Int(manifest["bytes"]?.integer ?? 0))),
        ]
        var data: [String: JSON] = [
            "report_id": .string(job.id.rawValue), "workspace_id": .string(request.workspace.rawValue),
            "links": ["report": .string("\(links.publicURL)/v1/reports/\(job.id)"), "file": .string(file)],
        ]
        for member in ["kind", "format", "rows", "bytes", "sha256", "query"] { data[member] = manifest[member] }
        return NoticeContent(
            event: "report.completed", subject: job.id.rawValue, title: "\(title) of \(name) is ready",
            text: rows == 0
                ? "Nothing was said in its time." : "It is made from \(Readable.count(rows)) pieces of feedback.",
            facts: facts, link: .init("Open the report", file), data: .object(data))
    }

    /// What a notice of this service is about.
    static func subject(
        of notice: Notice, files: ReportFiles, in database: any Database, now: Timestamp
    ) async throws -> NoticeSubject {
        guard let id = JobID(notice.content.subject) else { return .there(attachment: nil) }
        switch notice.content.event {
        case "report.completed": return try await completed(id, files, database, now)
        case "report.failed":
            let job = try await database.read { try JobTable($0, at: now).job(id) }
            guard let job else { return .gone("the report \(id) is not there any more") }
            return job.state == .completed ? .gone("the report \(id) was made after all") : .there(attachment: nil)
        default: return .there(attachment: nil)
        }
    }

    private static func completed(
        _ id: JobID, _ files: ReportFiles, _ database: any Database, _ now: Timestamp
    ) async throws -> NoticeSubject {
        let (job, result) = try await database.read { connection in
            let table = JobTable(connection, at: now)
            return (try table.job(id), try table.result(of: ReportJob.fileStep, job: id))
        }
        guard let job, job.state == .completed, let request = try? ReportRequest(job) else {
            return .gone("the report \(id) is not there any more")
        }
        guard let key = ReportFiles.file(result, in: request.workspace), let entry = try await files.entry(key) else {
            return .gone("the file of \(id) is not in \(files.storage.place) any more")
        }
        return .there(
            attachment: NoticeAttachment(
                name: request.fileName(of: id), contentType: request.format.contentType, size: entry.size
            ) { [storage = files.storage] in
                try await storage.contents(key, limit: entry.size)
            })
    }
}
