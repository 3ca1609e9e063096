public import Logging
public import ServiceLifecycle

/// Runs services while `body` works, then stops them gracefully and waits until they have.
public func withRunning<Value: Sendable>(
    _ services: (any Service)..., logger: Logger = Logger(label: "test"), _ body: () async throws -> Value
) async throws -> Value {
    try await withRunning(services, logger: logger, body)
}

/// Runs services while `body` works, then stops them gracefully and waits until they have.
public func withRunning<Value: Sendable>(
    _ services: [any Service], logger: Logger = Logger(label: "test"), _ body: () async throws -> Value
) async throws -> Value {
    let group = ServiceGroup(
        configuration: .init(
            services: services.map { .init(service: $0) }, gracefulShutdownSignals: [], logger: logger))
    return try await withThrowingTaskGroup(of: Void.self) { tasks in
        tasks.addTask { try await group.run() }
        let outcome: Result<Value, any Error>
        do {
            outcome = .success(try await body())
        } catch {
            outcome = .failure(error)
        }
        await group.triggerGracefulShutdown()
        try await tasks.waitForAll()
        return try outcome.get()
    }
}
