public import Common
public import Connectors
public import Hummingbird
public import Logging
public import ServiceLifecycle

/// What a role of the binary consists of, ready to run.
///
/// Each service has one function that builds it: `static func build(_ context: RoleContext, …) async throws -> Role`.
public struct Role: Sendable {
    /// `fetcher`, `webhook`, `parser`, `reports`, `workspace`.
    public let name: String
    /// Adds the role's routes.
    public let routes: @Sendable (Router<APIContext>) -> Void
    /// What runs until shutdown, in the order of the dependencies.
    public let services: [any Service]
    /// Whether the role can do its work now.
    public let readiness: @Sendable () async -> [HealthCheck]

    public init(
        name: String, routes: @escaping @Sendable (Router<APIContext>) -> Void = { _ in },
        services: [any Service] = [], readiness: @escaping @Sendable () async -> [HealthCheck] = { [] }
    ) {
        self.name = name
        self.routes = routes
        self.services = services
        self.readiness = readiness
    }
}

/// One thing that must be well for a role to be ready.
public struct HealthCheck: Sendable, Codable, Hashable {
    public let name: String
    public let isHealthy: Bool
    /// What is wrong and what to do, if something is; of what is healthy, what is to be looked after.
    public let reason: String?

    public init(name: String, isHealthy: Bool, reason: String? = nil) {
        self.name = name
        self.isHealthy = isHealthy
        self.reason = reason
    }

    /// Whether a log takes appends.
    public init(_ log: LogHealth) {
        switch log {
        case .available: self.init(name: "event log", isHealthy: true)
        case .degraded(let reason): self.init(name: "event log", isHealthy: true, reason: reason)
        case .unavailable(let reason): self.init(name: "event log", isHealthy: false, reason: reason)
        }
    }
}

/// Everything that a role is handed. The assembly in the executable makes it; roles choose nothing themselves.
public struct RoleContext: Sendable {
    public let log: any EventLog
    /// The role's own database.
    public let database: any Database
    public let transport: any HTTPTransport
    /// The operator's mail server; nil if none is set.
    public let mail: (any MailTransport)?
    /// Where files of workspaces are kept, for all roles and processes; nil where nothing is to be kept.
    public let files: (any FileStorage)?
    /// This process's copy of workspaces, connections, streams and keys; shared by its roles.
    public let directory: Directory
    public let vault: Vault
    public let connectors: ConnectorRegistry
    public let metrics: Metrics
    public let logger: Logger
    /// How the outside reaches us, without a slash at the end: `https://earshot.example.org`.
    public let publicURL: String
    /// Whose jobs `/v1/jobs` tells of, besides those of the role that answers it; one for all roles of a process.
    public let jobs: JobSources
    public let now: @Sendable () -> Timestamp

    public init(
        log: any EventLog, database: any Database, transport: any HTTPTransport, directory: Directory, vault: Vault,
        connectors: ConnectorRegistry, metrics: Metrics, logger: Logger, publicURL: String,
        mail: (any MailTransport)? = nil, files: (any FileStorage)? = nil, jobs: JobSources = JobSources(),
        now: @escaping @Sendable () -> Timestamp = { .now }
    ) {
        self.log = log
        self.database = database
        self.transport = transport
        self.mail = mail
        self.files = files
        self.jobs = jobs
        self.directory = directory
        self.vault = vault
        self.connectors = connectors
        self.metrics = metrics
        self.logger = logger
        self.publicURL = publicURL
        self.now = now
    }
}
