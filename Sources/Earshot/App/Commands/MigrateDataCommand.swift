import ArgumentParser
import Common
import Foundation
import Logging
import Synchronization

/// `earshot migrate-data`: copies an installation from a data folder to Kafka and PostgreSQL, or to another folder.
struct MigrateDataCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "migrate-data", abstract: "Copy everything from a data folder to where the settings say.",
        discussion: """
            Examples: EARSHOT_LOG=kafka://broker EARSHOT_DATABASE=postgres://… EARSHOT_MASTER_KEY="$(cat data/keys/master.key)" \\
                          earshot migrate-data --from ./data
                      earshot migrate-data --from ./data --data ./copy
            Stop the server of the folder first, and start none at the target before it is done. The target must be
            empty; the source is left as it is. Cut short, run it again: it goes on. Numbers of both sides are compared
            and shown; exit code 1 says that they differ, or that the target was not empty.

            One workspace into an installation that may have others, whose servers may run if they are apart:
                earshot migrate-data --from ./data --workspace ws_… --account Acme
            """)

    @Option(help: "The data folder to copy.") var from: String
    @Option(help: "Copy this workspace only.") var workspace: String?
    @Option(help: "The account of the target that is to have the workspace; else the same as here.")
    var account: String?
    @Option(help: "The target's data folder.") var data: String?
    @Option(help: "The target's settings file (YAML).") var config: String?
    @Flag(help: "Read all of it again and compare; recompute every rollup.") var deep = false
    @Flag(help: "Print JSON.") var json = false

    func run() async throws {
        try await reportingErrors {
            let settings = try await Settings.read(file: config, data: data)
            guard FileManager.default.fileExists(atPath: from) else {
                throw SettingsError("--from", "no folder \(from)")
            }
            if let workspace {
                try await copy(workspace, settings)
            } else {
                try await copyAll(settings)
            }
        }
    }

    private func copyAll(_ settings: Settings) async throws {
        guard account == nil else { throw SettingsError("--account", "it is for one --workspace only") }
        let progress = CopyProgress(isShown: !json)
        let migration = DataMigration(
            from: try DataFolder(from), settings: settings, deep: deep, logger: .standardError(level: .warning),
            report: { progress.show($0, $1, $2) })
        let summary = try await migration.run()
        print(json ? try summary.json() : summary.text)
        if !summary.isEqual { throw ExitCode.failed }
    }

    private func copy(_ workspace: String, _ settings: Settings) async throws {
        guard let workspace = WorkspaceID(workspace) else {
            throw SettingsError("--workspace", "\(workspace) is no id of a workspace such as ws_…")
        }
        let progress = CopyProgress(isShown: !json)
        let sides = MigrationSides(
            from: try DataFolder(from), settings: settings, logger: .standardError(level: .warning))
        let migration = WorkspaceMigration(
            workspace: workspace, account: account, sides: sides, deep: deep, report: { progress.show($0, $1, $2) })
        let summary = try await migration.run()
        print(json ? try summary.json() : summary.text)
        if !summary.isEqual { throw ExitCode.failed }
    }
}

/// Tells on standard error how far the copy is, once a second and when a part is done.
private final class CopyProgress: Sendable {
    private let isShown: Bool
    private let last = Mutex(ContinuousClock.now)

    init(isShown: Bool) { self.isShown = isShown }

    func show(_ what: String, _ done: Int, _ total: Int) {
        guard isShown else { return }
        let isDue = last.withLock { last in
            guard done >= total || ContinuousClock.now - last > .seconds(1) else { return false }
            last = .now
            return true
        }
        guard isDue else { return }
        let share = total > 0 ? min(100, done * 100 / total) : 100
        FileHandle.standardError.write(Data("\(what): \(done.formatted()) of \(total.formatted()) (\(share)%)\n".utf8))
    }
}
