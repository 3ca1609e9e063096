public import Common
public import Logging
public import ServiceKit
public import ServiceLifecycle

/// Runs the server of these roles on a port of its own, with the services that it needs, while `body` talks to it.
public func withServer<Value: Sendable>(
    _ roles: [Role], authenticator: Authenticator, log: any EventLog, metrics: Metrics = Metrics(),
    services: [any Service] = [], logger: Logger = Logger(label: "test"), _ body: (TestClient) async throws -> Value
) async throws -> Value {
    let (ports, listening) = AsyncStream<Int>.makeStream()
    let server = HTTPServer(
        HTTPServerSettings(port: 0), roles: roles, authenticator: authenticator, log: log, metrics: metrics,
        logger: logger, onListening: { listening.yield($0) })
    return try await withRunning(services + [server], logger: logger) {
        var waiting = ports.makeAsyncIterator()
        guard let port = await waiting.next() else { throw NeverHappened(what: "a port", timeout: .zero) }
        return try await body(TestClient(port: port))
    }
}
