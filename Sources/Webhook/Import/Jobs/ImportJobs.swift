import ByteJSON
import Common
import Logging
import ServiceKit
import ServiceLifecycle

/// Has imports worked off, as soon as their database is there.
///
/// Deliveries are taken in without a database, so this waits for it, at start as later, and holds nobody else up.
final class ImportJobs: Service {
    static let runKind = "import"
    static let fetchKind = "import-fetch"
    static let undoKind = "import-undo"
    /// A week: time for what waits for a log or a database.
    static let deadline = Duration.seconds(7 * 86_400)

    let engine: JobEngine
    /// Called when the tables are there, perhaps more than once.
    private let isThere: @Sendable (JobEngine) -> Void
    private let store: ImportStore
    private let directory: Directory
    private let desk: UploadDesk
    private let log: Logger
    private let settings: ImportSettings
    private let now: @Sendable () -> Timestamp

    init(
        store: ImportStore, desk: UploadDesk, directory: Directory, run: ImportRun, fetch: ImportFetch,
        undo: ImportUndo,
        settings: ImportSettings, metrics: Metrics, logger: Logger, now: @escaping @Sendable () -> Timestamp,
        isThere: @escaping @Sendable (JobEngine) -> Void
    ) {
        self.isThere = isThere
        self.store = store
        self.directory = directory
        self.desk = desk
        self.settings = settings
        self.now = now
        log = logger
        let definitions = [
            Self.definition(Self.runKind, "rows") { try await run.run($0) },
            Self.definition(Self.fetchKind, "fetch") { try await fetch.run($0) },
            Self.definition(Self.undoKind, "withdraw") { try await undo.run($0) },
        ]
        engine = JobEngine(
            database: store.database, definitions: definitions, settings: settings.jobs, metrics: metrics,
            logger: logger, now: now)
    }

    private static func definition(
        _ kind: String, _ step: String, _ body: @escaping @Sendable (JobContext) async throws -> StepResult
    ) -> JobDefinition {
        var definition = JobDefinition(kind, steps: [JobStep(step, timeout: deadline) { try await body($0) }])
        definition.deadline = deadline
        definition.workspaceLimit = 2
        // What kills a worker again and again is the machine, not the file: rows are gone on with where they were.
        definition.retry = RetryPolicy(attempts: 50, first: 1, most: 60)
        return definition
    }

    func run() async throws {
        guard await cancelWhenGracefulShutdown({ await self.prepare() }) else { return }
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            tasks.addTask { try await self.engine.run() }
            tasks.addTask { await cancelWhenGracefulShutdown { await self.tidy() } }
            tasks.addTask { await cancelWhenGracefulShutdown { await self.followDeletions() } }
            try await tasks.waitForAll()
        }
    }

    /// Brings the tables up to date, however long that takes.
    ///
    /// - Returns: false if the program ends before.
    private func prepare() async -> Bool {
        var failures = 0
        while !Task.isCancelled {
            do {
                try await migrate()
                return true
            } catch {
                failures += 1
                log.warning(
                    "imports wait for their database; deliveries do not",
                    metadata: ["error": "\(error)", "failures": "\(failures)"])
                try? await Task.sleep(for: .seconds(min(30, 0.5 * Double(1 << min(failures, 6)))))
            }
        }
        return false
    }

    private func migrate() async throws {
        try await store.database.migrate(ImportSchema.migrations)
        store.readiness.become()
        isThere(engine)
    }

    /// Brings the tables up to date if the database is there, and waits no longer than a moment for that.
    func prepareSoon() async {
        let (ends, end) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingOldest(1))
        Task {
            try? await self.migrate()
            end.yield()
        }
        let clock = Task {
            try await Task.sleep(for: .seconds(2))
            end.yield()
        }
        for await _ in ends { break }
        clock.cancel()
    }

    /// Removes imports of workspaces as soon as they are deleted; what fails is left to ``tidy()``.
    private func followDeletions() async {
        let changes = directory.changes()
        var done: Set<WorkspaceID> = []
        repeat {
            for workspace in deletedWorkspaces where !done.contains(workspace) {
                do {
                    try await removeImports(of: workspace)
                    done.insert(workspace)
                } catch {
                    log.warning(
                        "imports of a deleted workspace were not removed; later again",
                        metadata: ["workspace": "\(workspace)", "error": "\(error)"])
                }
            }
        } while await changes.first(where: { _ in true }) != nil
    }

    private var deletedWorkspaces: [WorkspaceID] {
        directory.current.workspaces.values.filter(\.isDeleted).map(\.id)
    }

    /// Forgets all imports of a workspace, the running ones included, and their files.
    private func removeImports(of workspace: WorkspaceID) async throws {
        while case let imports = try await store.read({ try $0.list(of: [workspace], before: nil, limit: 100) }),
            !imports.isEmpty
        {
            for found in imports {
                if let job = found.job, !job.state.isEnd {
                    _ = try await engine.cancel(job.id, reason: "the workspace is deleted")
                }
                // What another process has in hand is abandoned with uploads that nobody goes on with.
                desk.forget(found.record.id)
                try await store.drop(found.record)
                try await store.write { try $0.delete(found.record.id) }
            }
        }
    }

    /// Removes uploads that nobody goes on with, imports that ended long ago, and those of deleted workspaces.
    private func tidy() async {
        while !Task.isCancelled {
            do {
                try await removeOld()
            } catch {
                if !Task.isCancelled { log.warning("old imports were not removed", metadata: ["error": "\(error)"]) }
            }
            try? await Task.sleep(for: .seconds(3600))
        }
    }

    func removeOld() async throws {
        let (now, settings) = (now(), settings)
        let stale = now.advanced(bySeconds: -settings.keptUploadDays * 86_400)
        let old = now.advanced(bySeconds: -settings.keptDays * 86_400)
        let (waiting, ended) = try await store.read { table in
            (
                try table.untouched(since: stale, isOpen: true, limit: 100).filter { $0.state == .uploading },
                try table.untouched(since: old, isOpen: false, limit: 100)
            )
        }
        for record in waiting {
            try await store.drop(record)
            try await store.write { table in
                try table.change(record.id) { record in
                    guard record.state == .uploading else { return }
                    try record.apply(.cancelled, reason: "nobody went on with the upload")
                }
            }
        }
        for record in ended {
            try await store.drop(record)
            try await store.write { try $0.delete(record.id) }
        }
        for workspace in deletedWorkspaces { try await removeImports(of: workspace) }
    }
}

extension ImportStore {
    /// Removes what there is of an import's file.
    func drop(_ record: ImportRecord) async throws {
        if let id = record.upload?.id, let upload = try? await files.resume(id, of: record.fileKey) {
            await upload.abandon()
        }
        try await files.delete(record.fileKey)
    }
}
