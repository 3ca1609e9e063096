import Common
import Connectors
import CurlTransport
import Fetcher
import Foundation
import KafkaLog
import Logging
import Parser
import PostgresDatabase
import Reports
import SQLiteDatabase
import SQLiteLog
import ServiceKit
import ServiceLifecycle
import Webhook
import Workspace

/// The one place that chooses backends, and hands them to the roles.
struct Assembly: Sendable {
    let settings: Settings
    let folder: DataFolder
    let log: any EventLog
    /// What keeps the log well while a server runs.
    let logService: any Service
    let directory: Directory
    let vault: Vault
    let connectors: ConnectorRegistry
    let metrics = Metrics()
    let logger: Logger
    private let transport: CurlTransport
    private let closeLog: @Sendable () async -> Void
    private let databases: [String: any Database]

    /// Each service's schema; a role that is not here keeps no tables.
    static let schemas: [(service: String, migrations: [Migration])] = [
        ("workspace", WorkspaceRole.migrations), ("reports", ReportsRole.migrations),
        ("parser", ParserRole.migrations), ("fetcher", FetcherRole.migrations),
    ]

    /// A transport for commands: it may reach any address, the operator's own server included.
    static func clientTransport() -> any HTTPTransport { CurlTransport(policy: .any) }

    /// A service's tables, whether or not a server has them open: a schema of the database that the settings name, a
    /// file in the data folder where they name none.
    static func database(of service: String, settings: Settings, in folder: DataFolder) throws -> any Database {
        guard let url = settings.database else { return try SQLiteDatabase(path: folder.database(of: service)) }
        return try PostgresDatabase(PostgresSettings(url: url, schema: "earshot_\(service)"))
    }

    /// Hands out what the fetcher needs, embedded and gone afterwards: for trying a connector.
    static func onTrial<Value>(_ body: (RoleContext) async throws -> Value) async throws -> Value {
        let folder = try DataFolder(FileManager.default.temporaryDirectory.path + "/earshot-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(atPath: folder.path) }
        var logger = Logger(label: "earshot")
        logger.logLevel = .critical
        let log = try SQLiteLog(folder: folder.log)
        let transport = CurlTransport(policy: .any)
        let outcome: Result<Value, any Error>
        do {
            try await log.create(Topic.all)
            let context = RoleContext(
                log: log, database: try SQLiteDatabase(path: folder.database(of: "fetcher")), transport: transport,
                directory: Directory(log: log, logger: logger), vault: try Vault(masterKey: folder.masterKey()),
                connectors: ConnectorRegistry([]), metrics: Metrics(), logger: logger, publicURL: "")
            outcome = .success(try await body(context))
        } catch {
            outcome = .failure(error)
        }
        await transport.shutdown()
        await log.close()
        return try outcome.get()
    }

    /// Opens everything that is kept in a data folder.
    init(settings: Settings, folder: DataFolder, logger: Logger) async throws {
        self.settings = settings
        self.folder = folder
        self.logger = logger
        var networks: [Network] = []
        for text in settings.allowedAddresses {
            guard let network = Network(text) else {
                throw SettingsError("fetch.allow_addresses", "\(text) is no network such as 10.0.0.0/8")
            }
            networks.append(network)
        }
        transport = CurlTransport(policy: networks.isEmpty ? .publicOnly : .allowing(networks))
        vault = try Vault(masterKey: try settings.masterKeyBytes() ?? folder.masterKey())
        (log, logService, closeLog) = try Self.openLog(settings, folder, logger)
        try await log.create(Topic.all)
        directory = Directory(log: log, logger: logger)
        try await directory.load()
        let library = ConnectorLibrary.load(folder: settings.connectors)
        for problem in library.problems { logger.error("a connector was refused: \(problem)") }
        connectors = ConnectorRegistry(library.manifests)
        databases = try Dictionary(
            uniqueKeysWithValues: settings.roles.map {
                ($0.rawValue, try Self.database(of: $0.rawValue, settings: settings, in: folder))
            })
    }

    /// Opens the log where the settings say it is.
    private static func openLog(
        _ settings: Settings, _ folder: DataFolder, _ logger: Logger
    ) throws -> (any EventLog, any Service, @Sendable () async -> Void) {
        guard let url = settings.log?.reveal() else {
            let log = try SQLiteLog(folder: folder.log)
            return (log, log, { await log.close() })
        }
        do {
            let log = try KafkaLog(KafkaSettings(url: url), logger: logger)
            return (log, log, { await log.close() })
        } catch let error as KafkaSettingsError {
            throw SettingsError("log", "\(error)")
        }
    }

    func database(of service: String) throws -> any Database {
        guard let database = databases[service] else { throw SettingsError("role", "no role \(service)") }
        return database
    }

    /// Builds the roles that this process runs.
    ///
    /// - Parameter publicURL: How the outside reaches this server.
    /// - Returns: The roles, and what the first start of a data folder made.
    func roles(publicURL: String) async throws -> (roles: [Role], firstStart: WorkspaceRole.FirstStart?) {
        var firstStart: WorkspaceRole.FirstStart?
        if settings.roles.contains(.workspace) {
            firstStart = try await WorkspaceRole.bootstrap(try context(for: "workspace", publicURL))
        }
        var roles: [Role] = []
        for name in settings.roles { roles.append(try await role(name, publicURL)) }
        if !settings.runsApart { roles.append(DoctorRoutes(platform: self).role) }
        return (roles, firstStart)
    }

    private func role(_ name: RoleName, _ publicURL: String) async throws -> Role {
        let context = try context(for: name.rawValue, publicURL)
        return switch name {
        case .workspace: try await WorkspaceRole.build(context)
        case .reports: try await ReportsRole.build(context)
        case .parser: try await ParserRole.build(context)
        case .webhook: try await WebhookRole.build(context)
        case .fetcher: try await FetcherRole.build(context, settings: settings.fetcher)
        }
    }

    private func context(for service: String, _ publicURL: String) throws -> RoleContext {
        var logger = logger
        logger[metadataKey: "role"] = "\(service)"
        return RoleContext(
            log: log, database: try database(of: service), transport: transport, directory: directory, vault: vault,
            connectors: connectors, metrics: metrics, logger: logger, publicURL: publicURL)
    }

    /// Lets go of everything, in order.
    func close() async {
        await transport.shutdown()
        for database in databases.values { try? await database.close() }
        await closeLog()
    }
}
