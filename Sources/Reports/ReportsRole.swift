public import Common
import Notices
public import ServiceKit

/// Keeps feedback and answers questions about it.
public enum ReportsRole {
    /// The steps of this service's schema.
    public static var migrations: [Migration] { Schema.migrations }

    /// Builds the role on its own database.
    ///
    /// - Precondition: The context has a storage of files, one for all processes of the role.
    public static func build(
        _ context: RoleContext, settings: ReportsSettings = ReportsSettings()
    ) async throws -> Role {
        guard let storage = context.files else { preconditionFailure("reports need a storage of files") }
        try await ReportsStore(database: context.database).migrate()
        let columnstore = settings.columnstoreDays.map {
            Hypertable.Columnstore(after: Int64($0) * DayKey.length, groupedBy: "workspace")
        }
        try await context.database.write { connection in
            try connection.setColumnstore(columnstore, of: "fact", by: "timestamp")
            try connection.setColumnstore(columnstore, of: "rollup", by: "bucket")
        }
        let retention = Retention(
            database: context.database, days: settings.retentionDays, logger: context.logger, now: context.now)
        let live = LiveFeedback(epoch: context.now().milliseconds)
        let changed = Bell()
        let summariser = DaySummariser(
            database: context.database, changed: changed, settings: settings, logger: context.logger, now: context.now)
        let sink = FeedbackSink(
            log: context.log, database: context.database, directory: context.directory,
            words: WordCache(capacity: settings.cachedWords), live: live, changed: changed,
            retention: retention, metrics: context.metrics, now: context.now)
        let consumer = ConsumerService(
            name: "reports", log: context.log, topic: .feedback, group: .reports, limit: settings.batchSize,
            handler: sink, metrics: context.metrics, logger: context.logger)
        let deadLetters = ConsumerService(
            name: "reports-dead-letters", log: context.log, topic: .deadLetters, group: DeadLetterCount.group,
            handler: DeadLetterCount(database: context.database), metrics: context.metrics, logger: context.logger)
        let coverage = CoverageReader(log: context.log, store: ReportsStore(database: context.database))
        let insights = InsightRoutes(
            database: context.database, directory: context.directory, coverage: coverage, settings: settings,
            cache: SummaryCache(limit: settings.summaryCacheMegabytes << 20), now: context.now)
        let feedback = FeedbackRoutes(database: context.database, directory: context.directory, settings: settings)
        let events = EventRoutes(live: live, directory: context.directory)
        let files = ReportFiles(storage: storage)
        let removal = ReportRemoval(database: context.database, files: files, now: context.now)
        let notices = Notices(context, settings: settings.notices) { [database = context.database, now = context.now] in
            try await ReportNotices.subject(of: $0, files: files, in: database, now: now())
        }
        let links = ReportLinks(
            publicURL: context.publicURL, directory: context.directory, vault: context.vault,
            seconds: settings.linkSeconds, now: context.now)
        let reportNotices = ReportNotices(notices: notices, links: links, directory: context.directory)
        let reportJob = ReportJob(
            database: context.database, files: files, settings: settings, notices: reportNotices, removal: removal,
            printer: settings.chromium.map { PagePrinter(program: $0, folder: settings.printFolder) }
        ) {
            [directory = context.directory, database = context.database] workspace in
            let inFlight = try await coverage.inFlight(of: workspace)
            let deadLetters = try await database.read { try $0.deadLetters(of: workspace) }
            return InsightReport.Coverage(
                streams: coverage.streams(of: workspace, in: directory.current), inFlight: inFlight.records,
                isMinimum: inFlight.isMinimum, deadLetters: deadLetters)
        }
        let sweep = ReportSweep(
            database: context.database, files: files, removal: removal, directory: context.directory,
            logger: context.logger, now: context.now)
        let jobs = JobEngine(
            database: context.database,
            definitions: [reportJob.definition, removal.definition, sweep.definition, notices.definition],
            schedules: [try sweep.schedule()], settings: settings.jobs,
            metrics: context.metrics, logger: context.logger, now: context.now)
        let reports = ReportRoutes(
            jobs: jobs, database: context.database, directory: context.directory,
            downloads: ReportDownloads(files: files), links: links, notices: notices, settings: settings,
            now: context.now)
        let scheduler = ScheduleRunner(
            database: context.database, jobs: jobs, settings: settings, logger: context.logger, now: context.now)
        let schedules = ScheduleRoutes(runner: scheduler, notices: notices, directory: context.directory)
        let watch = AlertRunner(
            database: context.database, notices: notices, links: links, jobs: jobs, settings: settings,
            logger: context.logger, now: context.now)
        let alerts = AlertRoutes(
            database: context.database, notices: notices, links: links, directory: context.directory, now: context.now)
        let channels = ChannelRoutes(notices, jobs: jobs)
        let noticeRoutes = NoticeRoutes(notices, jobs: jobs)
        let jobRoutes = JobRoutes(
            jobs: jobs, database: context.database, directory: context.directory, others: context.jobs)
        return Role(
            name: "reports",
            routes: { router in
                insights.add(to: router)
                feedback.add(to: router)
                events.add(to: router)
                reports.add(to: router)
                schedules.add(to: router)
                alerts.add(to: router)
                channels.add(to: router)
                noticeRoutes.add(to: router)
                jobRoutes.add(to: router)
            }, services: [live, deadLetters, summariser, retention, consumer, jobs, scheduler, watch, sweep],
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
