import Common
import Foundation
import Logging
import ServiceKit
import ServiceLifecycle
import Synchronization
import UnixSignals
import Workspace

/// A process that runs all roles, or some of them beside processes that run the others.
struct Server: Sendable {
    let platform: Assembly
    /// The operator's token, at the first start of a data folder only.
    let adminToken: Secret?
    private let claim: DataFolderClaim
    private let group: ServiceGroup
    private let listening: Listening

    /// Where the server came to listen.
    final class Listening: Sendable {
        private let stream: AsyncStream<Int>
        private let continuation: AsyncStream<Int>.Continuation
        private let known = Mutex<Int?>(nil)

        init() { (stream, continuation) = AsyncStream.makeStream() }

        func announce(_ port: Int) {
            known.withLock { $0 = port }
            continuation.yield(port)
            continuation.finish()
        }

        /// The port, once there is one.
        func port() async -> Int? {
            if let port = known.withLock({ $0 }) { return port }
            for await port in stream { return port }
            return known.withLock { $0 }
        }
    }

    /// Opens the data folder and builds the roles; nothing runs yet.
    ///
    /// - Parameter signals: Signals that begin a graceful stop.
    /// - Throws: ``SettingsError`` if another process has the data folder.
    init(settings: Settings, logger: Logger, stoppingOn signals: [UnixSignal] = []) async throws {
        try settings.checkRoles()
        let folder = try DataFolder(settings.data)
        guard let claim = folder.claim(settings.runsApart ? settings.roles : []) else {
            throw SettingsError(
                "data", "another server has \(folder.path); stop it, or give another folder with --data")
        }
        self.claim = claim
        var settings = settings
        if settings.port == 0, settings.publicURL == nil { settings.port = try freePort(on: settings.host) }
        platform = try await Assembly(settings: settings, folder: folder, logger: logger, isServer: true)
        let host = settings.host == "0.0.0.0" || settings.host == "::" ? "localhost" : settings.host
        let publicURL = settings.publicURL ?? "http://\(host):\(settings.port)"
        let (roles, firstStart) = try await platform.roles(publicURL: publicURL)
        adminToken = firstStart?.token
        let listening = Listening()
        self.listening = listening
        let url = "http://\(host):"
        let runsApart = settings.runsApart
        let server = HTTPServer(
            HTTPServerSettings(host: settings.host, port: settings.port), roles: roles,
            authenticator: Authenticator(directory: platform.directory), log: platform.servedLog,
            metrics: platform.metrics,
            logger: logger,
            onListening: { port in
                if !runsApart { try? folder.announce(url: url + String(port)) }
                listening.announce(port)
            })
        let spool: [any Service] = platform.spool.map { [$0] } ?? []
        let services: [any Service] =
            [platform.logService] + spool + [platform.directory] + roles.flatMap(\.services) + [server]
        group = ServiceGroup(
            configuration: .init(
                services: services.map { .init(service: $0) }, gracefulShutdownSignals: signals, logger: logger))
    }

    /// The port, once the server listens.
    func port() async -> Int? { await listening.port() }

    /// Makes a token for an account, and the account if it is new.
    func makeToken(account: String) async throws -> Secret {
        try await AccessTokens(vault: platform.vault, database: try platform.database(of: "workspace"))
            .make(account: account).token
    }

    /// Begins a graceful stop: what is in hand is finished first.
    func stop() async { await group.triggerGracefulShutdown() }

    /// Runs until it is stopped.
    func run() async throws {
        try await group.run()
        if !platform.settings.runsApart { platform.folder.withdraw() }
        await platform.close()
    }
}
