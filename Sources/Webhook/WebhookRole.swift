public import Common
import Hummingbird
import Logging
public import ServiceKit
import ServiceLifecycle

/// The service that is pushed to: signed deliveries and imported files, each acknowledged once the log has it.
public enum WebhookRole {
    /// The steps of this service's schema. The role brings it up to date itself, when its database is there: deliveries
    /// are taken in without one.
    public static var migrations: [Migration] { ImportSchema.migrations }

    /// Builds the role; what deliveries the log's end holds is read before it returns.
    public static func build(_ context: RoleContext, settings: WebhookSettings = .init()) async throws -> Role {
        let window = DeliveryWindow(
            maximumCount: settings.rememberedDeliveries, seconds: settings.rememberedSeconds)
        do {
            try await window.fill(from: context.log, records: settings.recordsReadAtStart, now: context.now())
        } catch EventLogError.unavailable(let reason) {
            context.logger.warning(
                "beginning without the log's last deliveries: one that is sent again is counted as a duplicate",
                metadata: ["reason": "\(reason)"])
        }
        let deadlines = BodyDeadlines(seconds: settings.bodySeconds)
        let bodies = BodyReader(
            deadlines: deadlines, maximumBytesInFlight: settings.maximumBytesInFlight,
            maximumRatio: settings.maximumRatio, retryAfter: settings.retryAfter)
        let targets = HookTargets(
            directory: context.directory, connectors: context.connectors, vault: context.vault,
            deliveriesPerSecond: settings.deliveriesPerSecond, logger: context.logger)
        let hooks = HookController(
            context: context, settings: settings, targets: targets, bodies: bodies, window: window)
        let imports = ImportController(context: context, settings: settings, bodies: bodies)
        let jobs = context.files.map { ImportService(context, files: $0, settings: settings.imports, bodies: bodies) }
        await jobs?.jobs.prepareSoon()
        return Role(
            name: "webhook",
            routes: { router in
                hooks.addRoutes(to: router)
                imports.addRoutes(to: router)
                jobs?.addRoutes(to: router)
            },
            services: [deadlines] + (jobs.map { [$0.jobs] } ?? []),
            readiness: { [HealthCheck(await context.log.health())] })
    }
}
