public import Common
public import ServiceKit

/// Keeps feedback and answers questions about it.
public enum ReportsRole {
    /// The steps of this service's schema.
    public static var migrations: [Migration] { Schema.migrations }

    /// Builds the role on its own database.
    public static func build(_ context: RoleContext, settings: ReportsSettings = ReportsSettings()) async throws
        -> Role
    {
        try await ReportsStore(database: context.database).migrate()
        let live = LiveFeedback(epoch: context.now().milliseconds)
        let sink = FeedbackSink(
            log: context.log, database: context.database, directory: context.directory,
            words: WordCache(capacity: settings.cachedWords), live: live, metrics: context.metrics, now: context.now)
        let consumer = ConsumerService(
            name: "reports", log: context.log, topic: .feedback, group: .reports, limit: settings.batchSize,
            handler: sink, metrics: context.metrics, logger: context.logger)
        let deadLetters = ConsumerService(
            name: "reports-dead-letters", log: context.log, topic: .deadLetters, group: DeadLetterCount.group,
            handler: DeadLetterCount(database: context.database), metrics: context.metrics, logger: context.logger)
        let insights = InsightRoutes(
            database: context.database, directory: context.directory,
            coverage: CoverageReader(log: context.log, store: ReportsStore(database: context.database)),
            settings: settings, now: context.now)
        let feedback = FeedbackRoutes(database: context.database, directory: context.directory, settings: settings)
        let events = EventRoutes(live: live, directory: context.directory)
        return Role(
            name: "reports",
            routes: { router in
                insights.add(to: router)
                feedback.add(to: router)
                events.add(to: router)
            }, services: [live, deadLetters, consumer],
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
