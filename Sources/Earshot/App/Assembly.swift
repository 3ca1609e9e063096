import Common
import Connectors
import CurlTransport
import Fetcher
import Foundation
import KafkaLog
import LocalFiles
import Logging
import Parser
import PostgresDatabase
import Reports
import S3Files
import SQLiteDatabase
import SQLiteLog
import ServiceKit
import ServiceLifecycle
import SpooledLog
import Webhook
import Workspace

/// The one place that chooses backends, and hands them to the roles.
struct Assembly: Sendable {
    let settings: Settings
    let folder: DataFolder
    let log: any EventLog
    /// What keeps the log well while a server runs.
    let logService: any Service
    /// What stands between the webhook role and a log elsewhere.
    let spool: SpooledLog?
    let directory: Directory
    let vault: Vault
    let connectors: ConnectorRegistry
    let metrics = Metrics()
    private let jobs = JobSources()
    let logger: Logger
    private let transport: CurlTransport
    private let mail: CurlMail?
    /// Nil where no role of this process keeps files.
    private let files: (any FileStorage)?
    /// Reaches the service that keeps them, wherever the operator says that it is.
    private let fileTransport: CurlTransport?
    private let closeLog: @Sendable () async -> Void
    private let closeSpool: @Sendable () async -> Void
    private let databases: [String: any Database]

    /// Each service's schema; a role that is not here keeps no tables.
    static let schemas: [(service: String, migrations: [Migration])] = [
        ("workspace", WorkspaceRole.migrations), ("reports", ReportsRole.migrations),
        ("parser", ParserRole.migrations), ("fetcher", FetcherRole.migrations), ("webhook", WebhookRole.migrations),
    ]

    /// A transport for commands: it may reach any address, the operator's own server included.
    static func clientTransport() -> any HTTPTransport { CurlTransport(policy: .any) }

    /// A service's tables, whether or not a server has them open: a schema of the database that the settings name, a
    /// file in the data folder where they name none.
    static func database(of service: String, settings: Settings, in folder: DataFolder) throws -> any Database {
        guard let url = settings.database else { return try SQLiteDatabase(path: folder.database(of: service)) }
        return try PostgresDatabase(PostgresSettings(url: url, schema: "earshot_\(service)"))
    }

    /// The log alone, and what closes it: for copying it.
    static func log(
        _ settings: Settings, _ folder: DataFolder, _ logger: Logger
    ) throws -> (any EventLog, @Sendable () async -> Void) {
        let (log, _, close) = try openLog(settings, folder, logger, isSpooled: false)
        return (log, close)
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
    ///
    /// - Parameter isServer: Whether roles are to run: they own the spool, which nobody else opens.
    init(settings: Settings, folder: DataFolder, logger: Logger, isServer: Bool = false) async throws {
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
        mail = try Self.mail(settings)
        fileTransport = isServer && settings.files.isS3 ? CurlTransport(policy: .any) : nil
        files = isServer ? try Self.openFiles(settings.files, folder, fileTransport) : nil
        vault = try Vault(masterKey: try settings.masterKeyBytes() ?? folder.masterKey())
        let keepsSpool = isServer && settings.keepsSpool
        (log, logService, closeLog) = try Self.openLog(settings, folder, logger, isSpooled: keepsSpool)
        (spool, closeSpool) =
            keepsSpool ? try await Self.openSpool(before: log, settings, folder, metrics, logger) : (nil, {})
        let front: any EventLog = spool ?? log
        try await front.create(Topic.all)
        directory = Directory(log: front, logger: logger)
        try await directory.load()
        let library = ConnectorLibrary.load(folder: settings.connectors)
        for problem in library.problems { logger.error("a connector was refused: \(problem)") }
        connectors = ConnectorRegistry(library.manifests)
        databases = try Dictionary(
            uniqueKeysWithValues: settings.roles.map {
                ($0.rawValue, try Self.database(of: $0.rawValue, settings: settings, in: folder))
            })
    }

    /// Opens the storage of files that the settings name, up to the quota of each workspace.
    private static func openFiles(
        _ settings: FileSettings, _ folder: DataFolder, _ transport: CurlTransport?
    ) throws -> any FileStorage {
        guard let transport, let url = settings.place else {
            return LimitedFiles(try LocalFiles(folder: settings.place ?? folder.files), quota: settings.quota)
        }
        do {
            let service = try S3Settings(
                url: url, accessKey: settings.accessKey, secretKey: settings.secretKey,
                sessionToken: settings.sessionToken)
            return LimitedFiles(S3Files(service, transport: transport), quota: settings.quota)
        } catch let error as S3SettingsError {
            throw SettingsError("files", "\(error)")
        }
    }

    private static func mail(_ settings: Settings) throws -> CurlMail? {
        guard let url = settings.mail else { return nil }
        do {
            return CurlMail(try CurlMailSettings(url: url, sender: settings.mailFrom))
        } catch {
            throw SettingsError("mail.url", "\(error)")
        }
    }

    /// Opens the log where the settings say it is.
    ///
    /// - Parameter isSpooled: Whether an append that nobody answers is soon to be given up.
    private static func openLog(
        _ settings: Settings, _ folder: DataFolder, _ logger: Logger, isSpooled: Bool
    ) throws -> (any EventLog, any Service, @Sendable () async -> Void) {
        guard let url = settings.log?.reveal() else {
            let log = try SQLiteLog(folder: folder.log)
            return (log, log, { await log.close() })
        }
        do {
            var kafka = try KafkaSettings(url: url)
            if isSpooled, kafka.client["message.timeout.ms"] == nil, kafka.client["delivery.timeout.ms"] == nil {
                kafka.client["message.timeout.ms"] = Secret("5000")
            }
            let log = try KafkaLog(kafka, logger: logger)
            return (log, log, { await log.close() })
        } catch let error as KafkaSettingsError {
            throw SettingsError("log", "\(error)")
        }
    }

    /// Opens the spool in front of a log.
    private static func openSpool(
        before log: any EventLog, _ settings: Settings, _ folder: DataFolder, _ metrics: Metrics, _ logger: Logger
    ) async throws -> (SpooledLog, @Sendable () async -> Void) {
        var spooling = SpoolSettings(topic: .raw)
        spooling.copied = .connections
        spooling.maximumBytes = settings.spoolMegabytes << 20
        if let url = settings.log?.reveal(), let kafka = try? KafkaSettings(url: url) {
            spooling.maximumRecordBytes = kafka.recordBytes
        }
        let store = try SQLiteLog(folder: settings.spoolFolder ?? folder.spool)
        let spooled = try await SpooledLog(over: log, spool: store, spooling, logger: logger)
        metrics.beforeScrape {
            let spool = spooled.spool
            metrics.set(.spoolRecords, to: Double(spool.records))
            metrics.set(.spoolBytes, to: Double(spool.bytes))
            let age = spool.oldest.map { Double(Timestamp.now.milliseconds - $0.milliseconds) / 1000 } ?? 0
            metrics.set(.spoolOldest, to: max(0, age))
            metrics.counter(.spoolForwarded).set(to: Double(spool.forwarded))
            metrics.counter(.spoolRefused).set(to: Double(spool.refused))
        }
        return (spooled, { await store.close() })
    }

    /// The log as the HTTP server sees it: what the webhook role alone needs is its spool.
    var servedLog: any EventLog { settings.roles == [.webhook] ? spool ?? log : log }

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
        case .workspace: try await WorkspaceRole.build(context, settings: workspaceSettings)
        case .reports: try await ReportsRole.build(context, settings: reportsSettings)
        case .parser: try await ParserRole.build(context)
        case .webhook: try await WebhookRole.build(context, settings: webhookSettings)
        case .fetcher: try await FetcherRole.build(context, settings: fetcherSettings())
        }
    }

    /// Who has the folder is the only fetcher of its name.
    private func fetcherSettings() throws -> FetcherSettings {
        var fetcher = settings.fetcher
        fetcher.name = try folder.name()
        return fetcher
    }

    private var workspaceSettings: WorkspaceSettings {
        var workspace = WorkspaceSettings()
        workspace.jobs.isAlone = settings.database == nil
        return workspace
    }

    private var webhookSettings: WebhookSettings {
        var webhook = WebhookSettings()
        webhook.imports.folder = settings.importsFolder
        webhook.imports.jobs.isAlone = settings.database == nil
        return webhook
    }

    private var reportsSettings: ReportsSettings {
        var reports = ReportsSettings()
        // A data folder is held by one process; a server's schema may have several.
        reports.jobs.isAlone = settings.database == nil
        reports.chromium = settings.chromium
        reports.printFolder = folder.printing
        reports.retentionDays = settings.retentionDays > 0 ? settings.retentionDays : nil
        reports.columnstoreDays = settings.columnstoreDays > 0 ? settings.columnstoreDays : nil
        return reports
    }

    private func context(for service: String, _ publicURL: String) throws -> RoleContext {
        var logger = logger
        logger[metadataKey: "role"] = "\(service)"
        return RoleContext(
            log: service == RoleName.webhook.rawValue ? spool ?? log : log, database: try database(of: service),
            transport: transport, directory: directory, vault: vault,
            connectors: connectors, metrics: metrics, logger: logger, publicURL: publicURL, mail: mail, files: files,
            jobs: jobs)
    }

    /// Lets go of everything, in order.
    func close() async {
        await transport.shutdown()
        await fileTransport?.shutdown()
        for database in databases.values { try? await database.close() }
        await closeSpool()
        await closeLog()
    }
}
