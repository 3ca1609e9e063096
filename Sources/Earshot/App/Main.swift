import ArgumentParser
import Foundation

/// Every piece of customer feedback, within earshot.
@main
struct EarshotCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "earshot",
        abstract: "Collects customer feedback from everywhere, understands it, and answers questions about it.",
        discussion: """
            Try it:           earshot demo
            Run it:           earshot serve --data ./data --port 8080
            Give access:      earshot token create --data ./data --account Acme
            Check the books:  earshot doctor --data ./data

            Exit codes: 0 done, 1 failed, 2 wrong command line or settings, 3 no server answered.
            """,
        version: "0.1.0",
        subcommands: [
            DemoCommand.self, ServeCommand.self, TokenCommand.self, ImportCommand.self, InsightsCommand.self,
            TraceCommand.self, FetchCommand.self, ConnectorsCommand.self, DeadLettersCommand.self, DoctorCommand.self,
            ReportsCommand.self, SchedulesCommand.self, AlertsCommand.self, ChannelsCommand.self, NoticesCommand.self,
            JobsCommand.self, ReprocessCommand.self, MigrateCommand.self, MigrateDataCommand.self,
            CheckConfigCommand.self, RolesCommand.self,
        ])

    static func main() async {
        do {
            var command = try parseAsRoot()
            if var command = command as? any AsyncParsableCommand {
                try await command.run()
            } else {
                try command.run()
            }
        } catch  where exitCode(for: error) == .validationFailure {
            FileHandle.standardError.write(Data((fullMessage(for: error) + "\n").utf8))
            exit(withError: ExitCode.misuse)
        } catch {
            exit(withError: error)
        }
    }
}
