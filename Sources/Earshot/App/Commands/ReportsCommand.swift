import ArgumentParser
import ByteJSON
import Client
import Common
import Foundation

/// `earshot reports`: reports that are made on the server while nobody waits, and their files.
struct ReportsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "reports", abstract: "Request reports, watch them being made, and get their files.",
        discussion: """
            Examples: earshot reports new verbatims_export --workspace ws_… --format csv --wait --output said.csv
                      earshot reports new insight_summary --workspace ws_… --from 2026-01-01 --to 2026-02-01
                      earshot reports list
                      earshot reports get job_… --output january.html
            """,
        subcommands: [New.self, List.self, Show.self, Wait.self, Get.self], defaultSubcommand: List.self)

    /// `earshot reports new`.
    struct New: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Request a report.")

        @OptionGroup var server: ServerOptions
        @Argument(help: "What kind: insight_summary, verbatims_export, voc_digest, topic_deep_dive, …") var kind: String
        @Option(help: "The workspace's id.") var workspace: String
        @Option(help: "csv, jsonl, json, xlsx, html or pdf.") var format = "html"
        @Option(help: "From this date or instant on.") var from: String?
        @Option(help: "Until this date or instant, exclusive.") var to: String?
        @Option(help: "The clock that dates are by: Europe/Berlin.") var timezone: String?
        @Option(help: "name=value of a filter or another parameter, such as language=de; may be repeated.")
        var filter: [String] = []
        @Option(help: "Who is told when it is there: an address, or a channel's id; may be repeated.")
        var notify: [String] = []
        @Option(help: "A key that makes it safe to send this twice.") var idempotencyKey: String?
        @Flag(help: "Wait until it is done.") var wait = false
        @Option(help: "Wait, and write the file here; - is standard output.") var output: String?
        @Flag(help: "Print JSON.") var json = false

        func validate() throws {
            for one in filter where !one.contains("=") { throw ValidationError("--filter \(one) is not name=value") }
            try output.map(checkFolder(of:))
        }

        func run() async throws {
            try await reportingErrors {
                var members: [String: JSON] = [
                    "kind": .string(kind), "workspace_id": .string(workspace), "format": .string(format),
                ]
                members["from"] = from.map { .string($0) }
                members["to"] = to.map { .string($0) }
                members["timezone"] = timezone.map { .string($0) }
                for one in filter {
                    let parts = one.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
                    let before = members[String(parts[0])]?.array ?? []
                    members[String(parts[0])] = .array(before + [.string(String(parts[1]))])
                }
                if !notify.isEmpty { members["notify"] = .array(notify.map { .string($0) }) }
                let client = try server.client()
                let answer = try await client.send(
                    "POST", "/v1/reports", headers: idempotencyKey.map { [("Idempotency-Key", $0)] } ?? [],
                    body: JSON.object(members).bytes)
                let report = try JSONDocument(parsing: answer.body).root
                guard wait || output != nil else { return JobOutput.print(report, json: json) }
                try await finish(report["report_id"]?.string ?? "", client, output: output, json: json)
            }
        }
    }

    /// `earshot reports list`.
    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "List reports, the newest first.")

        @OptionGroup var options: JobListOptions

        func run() async throws {
            try await reportingErrors {
                try await options.list.print(
                    "/v1/reports", member: "reports", [("state", options.state)], JobOutput.line)
            }
        }
    }

    /// `earshot reports show`.
    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Show one report and what happened to it.")

        @OptionGroup var one: OneReport

        func run() async throws {
            try await reportingErrors {
                JobOutput.print(try await one.server.client().json("GET", one.path), json: one.json)
            }
        }
    }

    /// `earshot reports wait`.
    struct Wait: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Wait until a report is done; fails if it was not made.")

        @OptionGroup var one: OneReport

        func run() async throws {
            try await reportingErrors {
                try await finish(one.id, try one.server.client(), output: nil, json: one.json)
            }
        }
    }

    /// `earshot reports get`.
    struct Get: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Wait for a report and write its file.")

        @OptionGroup var one: OneReport
        @Option(help: "Where to write the file; - is standard output.") var output: String

        func validate() throws { try checkFolder(of: output) }

        func run() async throws {
            try await reportingErrors {
                try await finish(one.id, try one.server.client(), output: output, json: one.json)
            }
        }
    }
}

/// Which report a command is about.
struct OneReport: ParsableArguments {
    @OptionGroup var server: ServerOptions
    @Argument(help: "The report's id: job_…") var id: String
    @Flag(help: "Print JSON.") var json = false

    var path: String { "/v1/reports/\(id.percentEncoded)" }
}

/// Refuses a place for a file before it is waited for.
private func checkFolder(of output: String) throws {
    let folder = URL(fileURLWithPath: output).deletingLastPathComponent().path
    var isFolder = ObjCBool(false)
    guard FileManager.default.fileExists(atPath: folder, isDirectory: &isFolder), isFolder.boolValue else {
        throw ValidationError("--output \(output): there is no folder \(folder)")
    }
}

/// Waits for a report, writes its file where one is wanted, and says what became of it.
private func finish(_ id: String, _ client: APIClient, output: String?, json: Bool) async throws {
    let path = "/v1/reports/\(id.percentEncoded)"
    let report = try await JobOutput.wait(path, client, drawing: !json)
    guard report["state"]?.string == "COMPLETED" else {
        JobOutput.print(report, json: json)
        throw ExitCode.failed
    }
    guard let output else { return JobOutput.print(report, json: json) }
    let file = try await client.send("GET", path + "/file").body
    if output == "-" { return FileHandle.standardOutput.write(Data(file)) }
    do {
        try Data(file).write(to: URL(fileURLWithPath: output), options: .atomic)
    } catch {
        throw ValidationError("\(output) cannot be written: \(error.localizedDescription)")
    }
    JobOutput.print(report, json: json)
}
