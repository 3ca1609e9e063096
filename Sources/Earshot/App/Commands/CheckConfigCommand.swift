import ArgumentParser
import Foundation
import Logging

/// `earshot check-config`: reads the settings as a server would, and says what they are.
struct CheckConfigCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check-config", abstract: "Check the settings and show what is in force.",
        discussion: "Example: EARSHOT_HTTP_PORT=9000 earshot check-config --config earshot.yaml")

    @Option(help: "A settings file (YAML).") var config: String?
    @Option(help: "The data folder.") var data: String?
    @Flag(help: "Print JSON.") var json = false

    func run() async throws {
        try await reportingErrors {
            let settings = try await Settings.read(file: config, data: data)
            try settings.checkRoles()
            let shown: [(String, String)] = [
                ("roles", settings.roles.map(\.rawValue).joined(separator: ",")),
                ("data", settings.data), ("database", settings.database == nil ? "(in the data folder)" : "(set)"),
                ("http.host", settings.host), ("http.port", String(settings.port)),
                ("http.public_url", settings.publicURL ?? "(from host and port)"),
                ("log.level", settings.logLevel.rawValue), ("connectors", settings.connectors ?? "(built in)"),
                ("fetch.allow_addresses", settings.allowedAddresses.joined(separator: ",")),
                ("fetch.keep_request_bounds", String(settings.keepsRequestBounds)),
                (
                    "webhook.spool",
                    settings.keepsSpool
                        ? "\(settings.spoolMegabytes) MiB in \(settings.spoolFolder ?? settings.data + "/spool")"
                        : "(none)"
                ),
                ("files", settings.files.place ?? "(in the data folder)"),
                ("files.quota_megabytes", String(settings.files.quotaMegabytes)),
                ("files.secret_key", settings.files.secretKey == nil ? "(none)" : "(set)"),
                ("chromium", settings.chromium ?? "(none: no PDF)"),
                ("master_key", settings.masterKey == nil ? "(in the data folder)" : "(set)"),
            ]
            if json {
                let data = try JSONSerialization.data(
                    withJSONObject: Dictionary(uniqueKeysWithValues: shown),
                    options: [.sortedKeys, .withoutEscapingSlashes])
                print(String(decoding: data, as: UTF8.self))
            } else {
                for (name, value) in shown { print(name.padding(toLength: 24, withPad: " ", startingAt: 0) + value) }
            }
        }
    }
}
