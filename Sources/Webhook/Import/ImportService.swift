import Common
import Hummingbird
import ServiceKit

/// Imports as jobs, put together.
struct ImportService: Sendable {
    let jobs: ImportJobs
    private let routes: ImportRoutes
    private let uploads: UploadRoutes

    init(_ context: RoleContext, files: any FileStorage, settings: ImportSettings, bodies: BodyReader) {
        let store = ImportStore(database: context.database, files: files, settings: settings, now: context.now)
        let metrics = context.metrics
        let accepted = metrics.counter(.stageItems, [("stage", "import"), ("outcome", "accepted")])
        let bad = metrics.counter(.stageItems, [("stage", "import"), ("outcome", "malformed")])
        let bytes = metrics.counter(.stageBytes, [("stage", "import")])
        let run = ImportRun(
            imports: store, log: context.log, directory: context.directory, connectors: context.connectors,
            settings: settings, now: context.now,
            count: { rows, malformed, read in
                accepted.add(Double(rows))
                bad.add(Double(malformed))
                bytes.add(Double(read))
            })
        let undo = ImportUndo(imports: store, log: context.log, now: context.now)
        let fetch = ImportFetch(imports: store, transport: context.transport, settings: settings, now: context.now)
        let desk = UploadDesk(store: store)
        jobs = ImportJobs(
            store: store, desk: desk, directory: context.directory, run: run, fetch: fetch, undo: undo,
            settings: settings, metrics: context.metrics, logger: context.logger, now: context.now,
            isThere: { [jobs = context.jobs, database = context.database] engine in
                jobs.add(JobSource(jobs: engine, database: database))
            })
        let access = ImportAccess(store: store, directory: context.directory)
        let routes = ImportRoutes(
            access: access, store: store, jobs: jobs, desk: desk, directory: context.directory,
            connectors: context.connectors, settings: settings, now: context.now)
        self.routes = routes
        uploads = UploadRoutes(
            access: access, store: store, desk: desk, bodies: bodies, begin: { try await routes.begin($0) })
    }

    func addRoutes(to router: Router<APIContext>) {
        routes.add(to: router)
        uploads.add(to: router)
    }
}
