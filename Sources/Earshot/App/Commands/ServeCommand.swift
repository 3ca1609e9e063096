import ArgumentParser
import Common
import Foundation
import Logging
import ServiceKit
import UnixSignals

/// `earshot serve`: all roles in one process, or some of them, until it is told to stop.
struct ServeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "serve", abstract: "Run the server: all roles in one process, or some of them.",
        discussion: """
            Examples: earshot serve --data ./data --port 8080
                      EARSHOT_LOG=kafka://broker EARSHOT_DATABASE=postgres://… earshot serve --role parser
            Without a role it runs all of them, on storage in the data folder; `earshot roles` tells what they are.
            The first start of a data folder shows an admin token once; `earshot token create` makes more.
            """)

    @Option(help: "The data folder.") var data: String?
    @Option(help: "The port to listen on; 0 lets the system choose.") var port: Int?
    @Option(help: "The address to listen on.") var host: String?
    @Option(help: "A settings file (YAML).") var config: String?
    @Option(name: .customLong("role"), help: "A role to run; may be given several times. Default: all.")
    var roles: [String] = []

    func run() async throws {
        try await reportingErrors {
            var settings = try await Settings.read(file: config, data: data, roles: roles)
            if let port { settings.port = port }
            if let host { settings.host = host }
            let logger = Logger.standardError(level: settings.logLevel)
            let begun = ContinuousClock.now
            let server = try await Server(
                settings: settings, logger: logger, stoppingOn: [.sigterm, .sigint])
            if let token = server.adminToken { Self.show(token) }
            Task {
                guard let port = await server.port() else { return }
                logger.info(
                    "ready", metadata: ["port": "\(port)", "seconds": "\((ContinuousClock.now - begun).seconds)"])
            }
            try await server.run()
            logger.info("stopped")
        }
    }

    private static func show(_ token: Secret) {
        FileHandle.standardError.write(
            Data(
                """

                First start. This admin token is shown once; keep it safe:

                  \(token.reveal())


                """.utf8))
    }
}

extension Logger {
    /// Lines on standard error, so that standard output stays the command's own.
    static func standardError(level: Logger.Level) -> Logger {
        var logger = Logger(label: "earshot", factory: { StreamLogHandler.standardError(label: $0) })
        logger.logLevel = level
        return logger
    }
}
