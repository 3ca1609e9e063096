import ByteJSON
public import Common
import Hummingbird
import Logging
public import ServiceKit

/// Reads feedback from providers into `earshot.raw`.
public enum FetcherRole {
    /// The steps of this service's schema.
    public static var migrations: [Migration] { Migration.fetcher }

    /// Puts the role together; its tables are brought up to date first.
    public static func build(_ context: RoleContext, settings: FetcherSettings = FetcherSettings()) async throws -> Role
    {
        try await context.database.migrate(Migration.fetcher)
        let store = FetcherStore(database: context.database)
        // What a predecessor that died held is free; of a database in a file, what any held.
        let isAlone = settings.isAlone ?? (context.database.dialect == .sqlite)
        try await store.releaseAll(of: isAlone ? nil : settings.name)
        let breaker = CircuitBreaker(threshold: settings.breakerThreshold, pause: settings.breakerPause)
        let equipment = FetchEquipment(
            context: context, settings: settings, store: store, gates: ConnectionGates(breaker: breaker),
            metrics: FetcherMetrics(context.metrics))
        let service = FetcherService(equipment: equipment)
        let requests = ConsumerService(
            name: "fetch-requests", log: context.log, topic: .fetchRequests, group: .fetcher,
            handler: FetchRequests(store: store, logger: context.logger, wake: { service.wake() }),
            metrics: context.metrics, logger: context.logger)
        return Role(
            name: "fetcher", routes: { StatusRoutes(directory: context.directory, now: context.now).add(to: $0) },
            services: [requests, service],
            readiness: { [HealthCheck(await context.log.health())] })
    }
}

/// `GET /v1/streams/{stream}/status`: how far and how well a stream is read.
struct StatusRoutes: Sendable {
    let directory: Directory
    let now: @Sendable () -> Timestamp

    func add(to router: Router<APIContext>) {
        router.get("/v1/streams/:stream/status") { request, context in
            _ = try request.requireOnly()
            let caller = try context.requireCaller(.read)
            let id = try context.identifier("stream", of: StreamKind.self)
            let snapshot = try await directory.current(with: id)
            let stream = try snapshot.stream(id, for: caller)
            let status =
                snapshot.status(of: stream.id)
                ?? StreamStatus(stream: stream.id, workspace: stream.workspace, state: .pending, at: now())
            return Response.json(status.json)
        }
    }
}

extension StreamStatus {
    /// As the API tells it; what is not known is left out.
    var json: JSON {
        var members: [String: JSON] = [
            "stream_id": .string(stream.rawValue), "workspace_id": .string(workspace.rawValue),
            "status": .string(state.rawValue), "items_read": .integer(Int64(itemsRead)), "at": .string(at.description),
        ]
        members["caught_up_to"] = caughtUpTo.map { .string($0.description) }
        members["since"] = since.map { .string($0.description) }
        members["until"] = until.map { .string($0.description) }
        members["reason"] = reason.map { .string($0) }
        return .object(members)
    }
}
