public import Common
public import Engines
import HTTPTypes
import Hummingbird
public import ServiceKit

/// The service that understands: raw events in, uniform feedback out, dead letters aside.
public enum ParserRole {
    /// The steps of this service's schema.
    public static var migrations: [Migration] { ParserSchema.migrations }

    /// Builds the role.
    ///
    /// - Parameter pipeline: The engines; those built in, unless others are given.
    public static func build(
        _ context: RoleContext, settings: ParserSettings = ParserSettings(), pipeline: EnginePipeline? = nil
    ) async throws -> Role {
        try await context.database.migrate(ParserSchema.migrations)
        let pipeline = try pipeline ?? .standard()
        let handler = RawEventHandler(context: context, pipeline: pipeline, settings: settings)
        let store = DeadLetterStore(database: context.database)
        let parsing = ConsumerService(
            name: "parser", log: context.log, topic: .raw, group: .parser, limit: settings.batchSize,
            handler: handler, metrics: context.metrics, logger: context.logger)
        let collecting = ConsumerService(
            name: "dead-letters", log: context.log, topic: .deadLetters, group: .deadLetters,
            handler: DeadLetterCollector(
                store: store, directory: context.directory, days: settings.deadLetterDays, now: context.now,
                logger: context.logger),
            metrics: context.metrics, logger: context.logger)
        let deadLetters = DeadLetterRoutes(
            store: store, replay: Replay(log: context.log, store: store, now: context.now),
            directory: context.directory, now: context.now)
        let rawEvents = RawEventRoutes(log: context.log, directory: context.directory)
        let reprocessing = Reprocessing(
            log: context.log, store: ReprocessStore(database: context.database), deadLetters: store,
            directory: context.directory, connectors: context.connectors, pipeline: pipeline, settings: settings,
            logger: context.logger, now: context.now)
        let operation = OperatorRoutes(database: context.database, handler: handler)
        return Role(
            name: "parser",
            routes: { router in
                deadLetters.add(to: router)
                rawEvents.add(to: router)
                operation.add(to: router)
                ReprocessRoutes(reprocessing: reprocessing, directory: context.directory).add(to: router)
            },
            services: [parsing, collecting, reprocessing],
            readiness: {
                let stopped = handler.stopped
                return [HealthCheck(name: "parser", isHealthy: stopped == nil, reason: stopped?.description)]
            })
    }
}
