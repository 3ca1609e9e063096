public import Common
import HTTPTypes
public import Hummingbird
import HummingbirdCore
public import Logging
import NIOCore
import NIOPosix
public import ServiceLifecycle

/// Where and how the server listens.
public struct HTTPServerSettings: Sendable {
    public var host: String
    /// 0 lets the system choose; ``HTTPServer`` tells which it chose.
    public var port: Int
    public var maximumConnections: Int
    /// Seconds after which a connection without a request in hand is closed.
    public var idleTimeout: Int

    public init(host: String = "127.0.0.1", port: Int = 8080, maximumConnections: Int = 4096, idleTimeout: Int = 75) {
        self.host = host
        self.port = port
        self.maximumConnections = maximumConnections
        self.idleTimeout = idleTimeout
    }
}

/// The one HTTP server of a process: the routes of its roles behind common manners.
///
/// Every request gets an id, a line in the log, a count, an answer that is JSON even where it is an error, and a
/// caller if it carries a token of ours. `/live`, `/ready` and `/metrics` are the server's own.
public struct HTTPServer: Service {
    /// All routes that the server answers.
    public let routes: [Route]
    private let application: Application<RouterResponder<APIContext>>

    /// Half of the cores turn bytes into requests and back: handlers run on as many threads as there are cores, and
    /// more that want to run than can only take turns. They end with the process.
    private static let loops = MultiThreadedEventLoopGroup(numberOfThreads: max(1, System.coreCount / 2))

    /// - Parameter onListening: Called with the port once connections are accepted.
    public init(
        _ settings: HTTPServerSettings, roles: [Role], authenticator: Authenticator, log: any EventLog,
        metrics: Metrics, logger: Logger, onListening: @escaping @Sendable (Int) async -> Void = { _ in }
    ) {
        let table = RouteTable()
        let router = Router(context: APIContext.self, options: [.autoGenerateHeadEndpoints])
        router.add(middleware: RequestIDMiddleware())
        router.add(middleware: AccessLogMiddleware())
        router.add(middleware: MetricsMiddleware(metrics: metrics))
        router.add(middleware: ProblemMiddleware(routes: table))
        router.add(middleware: AuthenticationMiddleware(authenticator: authenticator))
        for role in roles { role.routes(router) }
        ProbeRoutes(roles: roles, log: log, metrics: metrics).add(to: router)
        routes = router.table
        table.fill(with: routes)

        application = Application(
            router: router,
            server: .http1(
                configuration: .init(
                    idleTimeout: .seconds(Int64(settings.idleTimeout)),
                    httpDecoderConfiguration: .init(
                        maxHeaderFieldSize: 16 << 10, maxHeaderListSize: 64 << 10, maxHeaderFieldCount: 200))),
            configuration: ApplicationConfiguration(
                address: .hostname(settings.host, port: settings.port), serverName: nil, backlog: 1024,
                availableConnectionsDelegate: MaximumAvailableConnections(settings.maximumConnections, logger: logger)),
            onServerRunning: { await onListening($0.localAddress?.port ?? settings.port) },
            eventLoopGroupProvider: .shared(Self.loops),
            logger: logger)
    }

    /// Serves until shutdown; requests in hand are finished first.
    public func run() async throws { try await application.run() }
}
