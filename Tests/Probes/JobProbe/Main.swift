import ByteJSON
import Common
import Foundation
import Glibc
import Logging
import PostgresDatabase
import SQLiteDatabase
import ServiceKit

/// A worker that is killed: by itself at a boundary of a step, now and then, or by `JobKillTests` at any time.
///
/// Usage: `JobProbe DATABASE SCHEMA FOLDER ODDS [POLL]`. DATABASE is a file or a URL; at one boundary in ODDS it kills
/// itself, 0 is never; it looks for jobs every POLL seconds. It works off jobs of the kind `probe`, each of which makes one file and notes its end in one table.
@main
struct JobProbe {
    static func main() async throws {
        let arguments = CommandLine.arguments
        guard (5...6).contains(arguments.count), let odds = Int(arguments[4]) else {
            throw JobFailure.rejected("usage: JobProbe DATABASE SCHEMA FOLDER ODDS [POLL]")
        }
        let database: any Database =
            arguments[1].hasPrefix("postgres")
            ? try PostgresDatabase(PostgresSettings(url: Secret(arguments[1]), schema: arguments[2]))
            : try SQLiteDatabase(path: arguments[1])
        var settings = JobSettings()
        settings.lease = 0.3
        settings.poll = arguments.count > 5 ? Double(arguments[5]) ?? 1 : 0.02
        let engine = JobEngine(
            database: database, definitions: [definition(folder: arguments[3], odds: odds)], settings: settings,
            metrics: Metrics(), logger: Logger(label: "probe") { _ in SwiftLogNoOpLogHandler() })
        try await engine.run()
    }

    @Sendable static func boundary(_ odds: Int) {
        if odds > 0, Int.random(in: 0..<odds) == 0 { kill(getpid(), SIGKILL) }
    }

    static func definition(folder: String, odds: Int) -> JobDefinition {
        // Each attempt writes to a file of its own: one that was left behind cannot spoil another one's.
        @Sendable func part(_ context: JobContext) -> String {
            "\(folder)/\(context.job.id).\(context.step).\(context.attemptName)"
        }
        var definition = JobDefinition(
            "probe",
            steps: [
                JobStep("data") { context in
                    boundary(odds)
                    let path = part(context)
                    let number = context.job.payload["number"]?.integer ?? 0
                    let lines = (0..<200).map { "\(number * 1000 + Int64($0))\n" }.joined()
                    try Data(lines.utf8).write(to: URL(fileURLWithPath: path))
                    boundary(odds)
                    return StepResult(.string(path)) { _ in boundary(odds) }
                },
                JobStep("rendering") { context in
                    boundary(odds)
                    let data = try Data(contentsOf: URL(fileURLWithPath: context.result(of: "data").string ?? ""))
                    let path = part(context)
                    try Data(String(decoding: data, as: UTF8.self).uppercased().utf8 + Array("end\n".utf8))
                        .write(to: URL(fileURLWithPath: path))
                    boundary(odds)
                    return StepResult(.string(path)) { _ in boundary(odds) }
                },
                JobStep("publishing") { context in
                    boundary(odds)
                    let source = context.result(of: "rendering").string ?? ""
                    let file = "\(folder)/\(context.job.id).txt"
                    // Published by the attempt before, which did not live to tell.
                    if rename(source, file) != 0, access(file, F_OK) != 0 {
                        throw JobFailure.defect("neither \(source) nor \(file) is there")
                    }
                    boundary(odds)
                    return StepResult { connection in
                        boundary(odds)
                        try connection.execute("INSERT INTO ended (job) VALUES (\(context.job.id))")
                    }
                },
            ])
        definition.retry = RetryPolicy(attempts: 1000, first: 0, most: 0)
        return definition
    }
}
