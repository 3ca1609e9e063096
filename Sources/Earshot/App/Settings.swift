import Common
import Configuration
import Fetcher
import Foundation
import Logging
import SystemPackage

/// Everything that an operator can set, read once at start and checked.
///
/// Settings come from the environment (`EARSHOT_HTTP_PORT`), then from a YAML file (`http: {port: 8080}`), then from
/// the defaults here; an option on the command line beats them all.
struct Settings: Sendable {
    /// `data` (EARSHOT_DATA): the folder of everything that is kept. Default `./data`.
    var data: String
    /// `database` (EARSHOT_DATABASE, secret): `postgres://user:password@host/database`, where each service has a schema
    /// of its own. Default: SQLite files in the data folder.
    var database: Secret?
    /// `http.host` (EARSHOT_HTTP_HOST). Default 127.0.0.1; 0.0.0.0 listens on all addresses.
    var host: String
    /// `http.port` (EARSHOT_HTTP_PORT). Default 8080; 0 lets the system choose.
    var port: Int
    /// `http.public_url` (EARSHOT_HTTP_PUBLIC_URL): how the outside reaches us. Default `http://<host>:<port>`.
    var publicURL: String?
    /// `log.level` (EARSHOT_LOG_LEVEL): trace, debug, info, notice, warning, error, critical. Default info.
    var logLevel: Logger.Level
    /// `log` (EARSHOT_LOG, secret; in a file `log: {url: …}`): where the event log is, `kafka://broker:9092`. Default:
    /// in the data folder.
    var log: Secret?
    /// `roles` (EARSHOT_ROLES): which roles this process runs. Default all; fewer need a log and a database that several
    /// processes can open.
    var roles: [RoleName]
    /// `connectors` (EARSHOT_CONNECTORS): a folder of connector manifests besides those that are built in.
    var connectors: String?
    /// `fetch.allow_addresses` (EARSHOT_FETCH_ALLOW_ADDRESSES): internal networks that may be fetched from, as CIDR.
    var allowedAddresses: [String]
    /// `fetch.keep_request_bounds` (EARSHOT_FETCH_KEEP_REQUEST_BOUNDS): whether connectors' own bounds of requests a
    /// minute are kept. Default true; what a provider says of its quota is kept always. False is for a provider of
    /// one's own: where it says "later" and not when, it is asked again after a second.
    var keepsRequestBounds: Bool
    /// `webhook.spool.megabytes` (EARSHOT_WEBHOOK_SPOOL_MEGABYTES): what the webhook role takes in at the most while a
    /// log elsewhere is away. Default 1024; 0 takes nothing in then.
    var spoolMegabytes: Int
    /// `webhook.spool.folder` (EARSHOT_WEBHOOK_SPOOL_FOLDER): where it keeps that. Default `spool` in the data folder.
    var spoolFolder: String?
    /// Where files of workspaces are kept, and how much.
    var files: FileSettings
    /// `imports.folder` (EARSHOT_IMPORTS_FOLDER): a folder from which files may be imported by their name, without being
    /// sent. Default: none. Whoever may import may import any file in it.
    var importsFolder: String?
    /// `fetch.lease_seconds` (EARSHOT_FETCH_LEASE_SECONDS): after how long another fetcher takes over the streams of one
    /// that is not heard of. Default 30; at least 3.
    var leaseSeconds: Int
    /// `mail.url` (EARSHOT_MAIL_URL, secret): the mail server that notices go through,
    /// `smtp://user:password@smtp.example.org:587`; `smtps://` is encrypted from the first byte, `?tls=none` is for a
    /// server on the same machine. Default: none, and no mail is sent.
    var mail: Secret?
    /// `mail.from` (EARSHOT_MAIL_FROM): the address that mail comes from. Default `earshot@` and the server's name.
    var mailFrom: String?
    /// `reports.retention_days` (EARSHOT_REPORTS_RETENTION_DAYS): for how many days feedback is kept, counted from its
    /// own time. Default 0: for ever.
    var retentionDays: Int
    /// `reports.columnstore_days` (EARSHOT_REPORTS_COLUMNSTORE_DAYS): after how many days facts and rollups are stored by
    /// columns, where the database has TimescaleDB. Default 90; 0 is never.
    var columnstoreDays: Int
    /// `chromium` (EARSHOT_CHROMIUM): the Chromium that prints reports as PDF, a name or a path. Default: the first of
    /// `chromium`, `chromium-browser`, `google-chrome` that PATH has; without one there is no PDF.
    var chromium: String?
    /// `master_key` (EARSHOT_MASTER_KEY, secret): 32 bytes in base 64. Default: `keys/master.key` in the data folder,
    /// made at first start.
    var masterKey: Secret?

    /// Reads and checks the settings.
    ///
    /// - Parameters:
    ///   - file: A YAML file; nil reads `earshot.yaml` of the data folder if there is one.
    ///   - names: The roles to run, whatever the settings say; none leaves it to them.
    static func read(file: String? = nil, data: String? = nil, roles names: [String] = []) async throws -> Settings {
        let environment = EnvironmentVariablesProvider().prefixKeys(with: "earshot")
        let outer = ConfigReader(providers: [environment])
        let folder = data ?? outer.string(forKey: "data", default: "./data")
        let path = file ?? folder + "/earshot.yaml"
        if let file, !FileManager.default.isReadableFile(atPath: file) {
            throw SettingsError("--config", "no file \(file) that can be read")
        }
        let yaml: FileProvider<YAMLSnapshot>
        do {
            yaml = try await FileProvider<YAMLSnapshot>(filePath: FilePath(path), allowMissing: true)
        } catch {
            throw SettingsError(path, "not a settings file: \(error)")
        }
        let config = ConfigReader(providers: [environment, yaml])
        let levelName = config.string(forKey: "log.level", default: "info")
        guard let level = Logger.Level(rawValue: levelName) else {
            throw SettingsError(
                "log.level", "\(levelName) is none of \(Logger.Level.allCases.map(\.rawValue).joined(separator: ", "))")
        }
        let roles = try Self.roles(names.isEmpty ? config.stringArray(forKey: "roles", default: []) : names)
        let port = config.int(forKey: "http.port", default: roles.count == 1 ? roles[0].port : 8080)
        guard (0...65_535).contains(port) else {
            throw SettingsError("http.port", "\(port) is not between 0 and 65535")
        }
        let publicURL = config.string(forKey: "http.public_url")
        if let publicURL, !publicURL.hasPrefix("http://"), !publicURL.hasPrefix("https://") {
            throw SettingsError("http.public_url", "\(publicURL) begins neither with http:// nor with https://")
        }
        let database = config.string(forKey: "database", isSecret: true)
        if let database, !database.hasPrefix("postgres://"), !database.hasPrefix("postgresql://") {
            throw SettingsError("database", "begins neither with postgres:// nor with postgresql://")
        }
        let spoolMegabytes = config.int(forKey: "webhook.spool.megabytes", default: 1024)
        guard (0...1 << 20).contains(spoolMegabytes) else {
            throw SettingsError("webhook.spool.megabytes", "\(spoolMegabytes) is not between 0 and \(1 << 20)")
        }
        let leaseSeconds = config.int(forKey: "fetch.lease_seconds", default: 30)
        guard (3...3600).contains(leaseSeconds) else {
            throw SettingsError("fetch.lease_seconds", "\(leaseSeconds) is not between 3 and 3600")
        }
        let retentionDays = config.int(forKey: "reports.retention_days", default: 0)
        let columnstoreDays = config.int(forKey: "reports.columnstore_days", default: 90)
        for (name, days) in [("retention_days", retentionDays), ("columnstore_days", columnstoreDays)]
        where !(0...36_500).contains(days) {
            throw SettingsError("reports.\(name)", "\(days) is not between 0 and 36500")
        }
        return Settings(
            data: folder, database: database.map(Secret.init),
            host: config.string(forKey: "http.host", default: "127.0.0.1"), port: port,
            publicURL: publicURL.map { $0.hasSuffix("/") ? String($0.dropLast()) : $0 }, logLevel: level,
            log: (config.string(forKey: "log", isSecret: true) ?? config.string(forKey: "log.url", isSecret: true))
                .map(Secret.init),
            roles: roles, connectors: config.string(forKey: "connectors"),
            allowedAddresses: config.stringArray(forKey: "fetch.allow_addresses", default: [])
                .filter { !$0.isEmpty },
            keepsRequestBounds: config.bool(forKey: "fetch.keep_request_bounds", default: true),
            spoolMegabytes: spoolMegabytes, spoolFolder: config.string(forKey: "webhook.spool.folder"),
            files: try FileSettings(config), importsFolder: config.string(forKey: "imports.folder"),
            leaseSeconds: leaseSeconds, mail: config.string(forKey: "mail.url", isSecret: true).map(Secret.init),
            mailFrom: config.string(forKey: "mail.from"), retentionDays: retentionDays,
            columnstoreDays: columnstoreDays, chromium: try chromium(config),
            masterKey: config.string(forKey: "master_key", isSecret: true).map(Secret.init))
    }
}

extension Settings {
    /// The Chromium that is named, or else that there is.
    private static func chromium(_ config: ConfigReader) throws -> String? {
        let named = config.string(forKey: "chromium").flatMap { $0.isEmpty ? nil : $0 }
        let folders = try EnvironmentVariablesProvider().environmentValue(forName: "PATH")
        let path = (folders ?? "/usr/bin:/bin").split(separator: ":")
        for name in named.map({ [$0] }) ?? ["chromium", "chromium-browser", "google-chrome"] {
            let places = name.contains("/") ? [name] : path.map { "\($0)/\(name)" }
            if let found = places.first(where: { FileManager.default.isExecutableFile(atPath: $0) }) { return found }
        }
        if let named { throw SettingsError("chromium", "\(named) is no program that can be run") }
        return nil
    }
}

/// What commands that talk to a server read from the environment; an option on the command line beats it.
struct ClientSettings: Sendable {
    /// `server` (EARSHOT_SERVER): the server's address. Default http://127.0.0.1:8080.
    var server: String
    /// `token` (EARSHOT_TOKEN, secret): a token of the account.
    var token: Secret?

    static func read() -> ClientSettings {
        let config = ConfigReader(providers: [EnvironmentVariablesProvider().prefixKeys(with: "earshot")])
        return ClientSettings(
            server: config.string(forKey: "server", default: "http://127.0.0.1:8080"),
            token: config.string(forKey: "token", isSecret: true).map(Secret.init))
    }
}

extension Settings {
    /// The roles of these names, in their order; all if none is named.
    static func roles(_ names: [String]) throws -> [RoleName] {
        for name in names where RoleName(rawValue: name) == nil {
            throw SettingsError(
                "roles", "\(name) is none of \(RoleName.allCases.map(\.rawValue).joined(separator: ", "))")
        }
        return RoleName.allCases.filter { names.isEmpty || names.contains($0.rawValue) }
    }

    /// Whether the webhook role keeps a spool: where the log is elsewhere.
    var keepsSpool: Bool { log != nil && roles.contains(.webhook) && spoolMegabytes > 0 }

    /// Whether this process is one of several that together are the whole.
    var runsApart: Bool { roles.count < RoleName.allCases.count }

    /// - Throws: ``SettingsError`` if roles cannot run apart with these settings: which one is missing, and why.
    func checkRoles() throws {
        guard runsApart else { return }
        let names = roles.map(\.rawValue).joined(separator: ", ")
        if log == nil {
            throw SettingsError(
                "log", "\(names) apart from the other roles needs a log that all can open: set EARSHOT_LOG=kafka://…")
        }
        if database == nil {
            throw SettingsError(
                "database",
                "\(names) apart from the other roles needs a database that all can open: set EARSHOT_DATABASE=postgres://…"
            )
        }
        if masterKey == nil {
            throw SettingsError(
                "master_key", "the roles must have one key: set EARSHOT_MASTER_KEY; `openssl rand -base64 32` makes one"
            )
        }
        if publicURL == nil, roles.contains(.workspace) {
            throw SettingsError(
                "http.public_url",
                "the roles are behind one address: set EARSHOT_HTTP_PUBLIC_URL to the gateway's, for webhook URLs")
        }
    }
}

/// A setting that cannot be used: which, and why.
struct SettingsError: Error, CustomStringConvertible {
    let setting: String
    let reason: String
    init(_ setting: String, _ reason: String) {
        self.setting = setting
        self.reason = reason
    }
    var description: String { "setting \(setting): \(reason)" }
}

extension Settings {
    /// What of these concerns the fetcher.
    var fetcher: FetcherSettings {
        var fetcher = FetcherSettings()
        fetcher.keepsRequestBounds = keepsRequestBounds
        fetcher.guessedWait = keepsRequestBounds ? nil : 1
        fetcher.leaseSeconds = leaseSeconds
        return fetcher
    }

    /// The master key that was set; nil leaves it to the data folder.
    func masterKeyBytes() throws -> [UInt8]? {
        guard let masterKey else { return nil }
        guard let key = Data(base64Encoded: masterKey.reveal()), key.count == 32 else {
            throw SettingsError("master_key", "must be 32 bytes in base 64; `openssl rand -base64 32` makes one")
        }
        return Array(key)
    }
}
