public import Common
public import ServiceKit

/// Keeps feedback and answers questions about it.
public enum ReportsRole {
    /// The steps of this service's schema.
    public static var migrations: [Migration] { Schema.migrations }

    /// Builds the role on its own database.
    ///
    /// - Parameter files: The folder of reports' files; where the role runs in several processes, one for all of them.
    public static func build(
        _ context: RoleContext, files folder: String, settings: ReportsSettings = ReportsSettings()
    ) async throws -> Role {
        try await ReportsStore(database: context.database).migrate()
        let live = LiveFeedback(epoch: context.now().milliseconds)
        let changed = Bell()
        let summariser = DaySummariser(
            database: context.database, changed: changed, settings: settings, logger: context.logger, now: context.now)
        let sink = FeedbackSink(
            log: context.log, database: context.database, directory: context.directory,
            words: WordCache(capacity: settings.cachedWords), live: live, changed: changed,
            metrics: context.metrics, now: context.now)
        let consumer = ConsumerService(
            name: "reports", log: context.log, topic: .feedback, group: .reports, limit: settings.batchSize,
            handler: sink, metrics: context.metrics, logger: context.logger)
        let deadLetters = ConsumerService(
            name: "reports-dead-letters", log: context.log, topic: .deadLetters, group: DeadLetterCount.group,
            handler: DeadLetterCount(database: context.database), metrics: context.metrics, logger: context.logger)
        let coverage = CoverageReader(log: context.log, store: ReportsStore(database: context.database))
        let insights = InsightRoutes(
            database: context.database, directory: context.directory, coverage: coverage, settings: settings,
            now: context.now)
        let feedback = FeedbackRoutes(database: context.database, directory: context.directory, settings: settings)
        let events = EventRoutes(live: live, directory: context.directory)
        let files = ReportFiles(folder: folder)
        let reportJob = ReportJob(database: context.database, files: files, settings: settings) {
            [directory = context.directory, database = context.database] workspace in
            let inFlight = try await coverage.inFlight(of: workspace)
            let deadLetters = try await database.read { try $0.deadLetters(of: workspace) }
            return InsightReport.Coverage(
                streams: coverage.streams(of: workspace, in: directory.current), inFlight: inFlight.records,
                isMinimum: inFlight.isMinimum, deadLetters: deadLetters)
        }
        let jobs = JobEngine(
            database: context.database, definitions: [reportJob.definition], settings: settings.jobs,
            metrics: context.metrics, logger: context.logger, now: context.now)
        let reports = ReportRoutes(
            jobs: jobs, database: context.database, directory: context.directory, files: files, settings: settings,
            now: context.now)
        let jobRoutes = JobRoutes(jobs: jobs, database: context.database, directory: context.directory)
        return Role(
            name: "reports",
            routes: { router in
                insights.add(to: router)
                feedback.add(to: router)
                events.add(to: router)
                reports.add(to: router)
                jobRoutes.add(to: router)
            }, services: [live, deadLetters, summariser, consumer, jobs],
            readiness: { [await database(context.database)] })
    }

    private static func database(_ database: any Database) async -> HealthCheck {
        do {
            try await database.read { try $0.forEach("SELECT 1") { _ in } }
            return HealthCheck(name: "reports database", isHealthy: true)
        } catch {
            return HealthCheck(name: "reports database", isHealthy: false, reason: "\(error)")
        }
    }
}
