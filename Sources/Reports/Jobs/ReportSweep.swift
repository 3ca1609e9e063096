import ByteJSON
import Common
import Logging
import ServiceKit
import ServiceLifecycle

/// Removes reports of workspaces that are deleted, and files that no report has: those of a writer that was slower than
/// the removal, or of tables that a backup brought back. A service, which looks after each change of the directory, and a
/// kind of job, which looks into the storage once a day.
struct ReportSweep: Service {
    static let kind = "report-sweep"
    /// Seconds after which a file is left over that no report has.
    private static let grace = 86_400.0
    /// Seconds after which nobody goes on with an upload, of an import neither.
    private static let abandoned = 14 * 86_400.0

    let database: any Database
    let files: ReportFiles
    let removal: ReportRemoval
    let directory: Directory
    let logger: Logger
    let now: @Sendable () -> Timestamp

    var definition: JobDefinition {
        var definition = JobDefinition(
            Self.kind, steps: [JobStep("files", timeout: .seconds(6 * 3600)) { try await sweep($0) }])
        definition.slots = 1
        return definition
    }

    func schedule() throws -> JobSchedule {
        JobSchedule(
            Self.kind, try Cron("23 4 * * *", timeZone: "UTC"), request: JobRequest(Self.kind, workspace: nil))
    }

    // MARK: - Deleted workspaces

    /// Follows the directory until shutdown.
    func run() async throws {
        await cancelWhenGracefulShutdown {
            let changes = directory.changes()
            var done: Set<WorkspaceID> = []
            repeat {
                let gone = directory.current.workspaces.values.filter(\.isDeleted).map(\.id)
                for workspace in gone where !done.contains(workspace) {
                    if await removeSoon(workspace) { done.insert(workspace) }
                }
            } while await changes.first(where: { _ in true }) != nil
        }
    }

    /// Removes reports of a workspace, however often that has to be tried.
    ///
    /// - Returns: false if the program ends before.
    private func removeSoon(_ workspace: WorkspaceID) async -> Bool {
        while !Task.isCancelled {
            do {
                try await removeReports(of: workspace)
                return true
            } catch {
                if Task.isCancelled { break }
                logger.warning(
                    "reports of a deleted workspace were not removed; trying again",
                    metadata: ["workspace": "\(workspace)", "error": "\(error)"])
                try? await Task.sleep(for: .seconds(30))
            }
        }
        return false
    }

    /// Forgets all reports of a workspace, and what asks for more; their files go with them.
    func removeReports(of workspace: WorkspaceID) async throws {
        let filter = JobTable.Filter(kind: ReportJob.kind, workspaces: [workspace])
        while try await database.write({ [now, removal] connection in
            try connection.execute("DELETE FROM report_schedule WHERE workspace = \(workspace)")
            let table = JobTable(connection, at: now())
            let reports = try table.list(filter, limit: 200)
            for report in reports {
                if !report.state.isEnd { _ = try table.cancel(report.id, reason: "the workspace is deleted") }
                if try table.delete(report.id) != nil { try removal.request(for: report, in: connection) }
            }
            return reports.count
        }) == 200 {}
    }

    // MARK: - What is left over

    private func sweep(_ context: JobContext) async throws -> StepResult {
        var removed = 0
        for (workspace, record) in directory.current.workspaces.sorted(by: { $0.key.rawValue < $1.key.rawValue }) {
            if context.isStopped { throw CancellationError() }
            if record.isDeleted { try await removeReports(of: workspace) }
            removed += try await removeOrphans(of: workspace, before: now().advanced(bySeconds: -Self.grace))
        }
        let abandoned = try await files.storage.abandonUploads(before: now().advanced(bySeconds: -Self.abandoned))
        return StepResult(["removed": .integer(Int64(removed)), "abandoned": .integer(Int64(abandoned))])
    }

    /// Removes files older than a time that no report has.
    ///
    /// - Returns: How many.
    func removeOrphans(of workspace: WorkspaceID, before time: Timestamp) async throws -> Int {
        guard let folder = FileFolder(workspace, ReportFiles.folder) else { return 0 }
        var removed = 0
        var last: String?
        while true {
            let page = try await files.storage.list(folder, after: last, limit: 1000)
            var keys: [JobID: [FileKey]] = [:]
            for entry in page where entry.modified < time {
                let names = entry.key.path.split(separator: "/")
                if names.count > 2, let report = JobID(String(names[1])) {
                    keys[report, default: []].append(entry.key)
                }
            }
            for key in try await orphans(among: keys, of: workspace) {
                try await files.storage.delete(key)
                removed += 1
            }
            guard page.count == 1000 else { return removed }
            last = page.last?.key.path
        }
    }

    private func orphans(among keys: [JobID: [FileKey]], of workspace: WorkspaceID) async throws -> [FileKey] {
        try await database.read { [now] connection in
            let table = JobTable(connection, at: now())
            return try keys.flatMap { report, keys -> [FileKey] in
                guard let job = try table.job(report) else { return keys }
                // One that is not made may be gone on with: its stages are kept as long as it is.
                guard job.state == .completed else { return [] }
                let made = try table.result(of: ReportJob.fileStep, job: report)
                let own = [ReportFiles.manifest(of: report, in: workspace), ReportFiles.file(made, in: workspace)]
                return keys.filter { !own.contains($0) }
            }
        }
    }
}
