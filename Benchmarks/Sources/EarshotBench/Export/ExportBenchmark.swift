import ArgumentParser
import ByteJSON
import Client
import Common
import Foundation
import PostgresDatabase
import SQLiteDatabase

/// An export of many rows by the released binary, as a job with all its stages, beside the same rows leaving the same
/// database into a plain file: a loop over the C interface of SQLite, COPY of PostgreSQL.
struct ExportBenchmark: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "export",
        abstract: "Export feedback as JSON Lines and CSV; beside the same rows into a plain file. Memory at most.",
        discussion: "EARSHOT_TEST_TIMESCALE=postgres://… names a server, which is measured as well.")

    @Option(help: "The binary that `make build` made.") var earshot = ".build/release/earshot"
    @Option(help: "Rows.") var count = 1_000_000
    @Option(help: "How often all is timed.") var repetitions = 3
    @Option(help: "The port to use.") var port = 18_436

    func run() async throws {
        try await measure("SQLite", settings: [:]) { server in
            (
                try SQLiteDatabase(path: server.data + "/reports.sqlite"),
                SQLitePlainExport(path: server.data + "/reports.sqlite")
            )
        }
        guard let server = ScratchDatabase.server() else { return }
        let scratch = try ScratchDatabase(on: server)
        do {
            try await measure("PostgreSQL", settings: ["EARSHOT_DATABASE": scratch.url]) { _ in
                (
                    try PostgresDatabase(PostgresSettings(url: Secret(scratch.url), schema: "earshot_reports")),
                    PostgresPlainExport(database: scratch)
                )
            }
        } catch {
            try scratch.drop()
            throw error
        }
        try scratch.drop()
    }

    private func measure(
        _ name: String, settings: [String: String],
        _ open: (ServerUnderTest) throws -> (any Database, any PlainExport)
    ) async throws {
        let server = try await ServerUnderTest(binary: earshot, port: port, settings: settings)
        do {
            let client = try server.client()
            let answer = try await client.json(
                "POST", "/CreateWorkspace", body: ["name": "Bench", "feedback_entities": [["connector": "jsonl"]]])
            guard let workspace = answer["workspace_id"]?.string.flatMap({ WorkspaceID($0) }) else {
                throw BenchmarkFailure(what: "no workspace")
            }
            let (database, plain) = try open(server)
            try await ExportRows(workspace: workspace, count: count).fill(database)
            try await database.close()
            try plain.prepare()
            try await time(name, server, client, workspace, plain)
        } catch {
            await server.stop()
            throw error
        }
        await server.stop()
    }

    private func time(
        _ name: String, _ server: ServerUnderTest, _ client: APIClient, _ workspace: WorkspaceID,
        _ plain: any PlainExport
    ) async throws {
        let before = server.memory().now
        let file = server.data + "/plain"
        var seconds: [String: [Double]] = [:]
        for _ in 0..<repetitions {
            for format in ["jsonl", "csv"] {
                seconds["plain " + format, default: []].append(try plain.write(format, to: file, rows: count))
                try FileManager.default.removeItem(atPath: file)
                seconds[format, default: []].append(try await export(format, workspace, client))
            }
        }
        let memory = server.memory()
        print(
            "\(name): \(grouped(Double(count))) rows, median of \(repetitions); memory of the whole process \(fixed(before, 0)) MiB before, \(fixed(memory.peak, 0)) MiB at most, 150 wanted"
        )
        var table = Table("", "rows/s", "of plain", "wanted")
        for (what, key, peer, wanted) in [
            ("\(plain.name): documents, a line each", "plain jsonl", "plain jsonl", ""),
            ("export as JSON Lines", "jsonl", "plain jsonl", "0.60"),
            ("\(plain.name): the columns of a CSV", "plain csv", "plain csv", ""),
            ("export as CSV", "csv", "plain csv", "0.60"), ("– beside the documents", "csv", "plain jsonl", ""),
        ] {
            let rate = Double(count) / median(seconds[key] ?? [])
            table.add(what, grouped(rate), fixed(median(seconds[peer] ?? []) * rate / Double(count), 2), wanted)
        }
        table.show()
    }

    /// Asks for an export, waits for it, and takes the time from the first stage to the last.
    private func export(_ format: String, _ workspace: WorkspaceID, _ client: APIClient) async throws -> Double {
        let asked = try await client.json(
            "POST", "/v1/reports",
            body: [
                "kind": "verbatims_export", "workspace_id": .string(workspace.rawValue), "format": .string(format),
                "from": "2026-01-01", "to": "2027-01-01",
            ])
        guard let id = asked["report_id"]?.string else { throw BenchmarkFailure(what: "no report: \(asked)") }
        while true {
            let report = try await client.json("GET", "/v1/reports/\(id)")
            switch report["state"]?.string {
            case "COMPLETED"?:
                guard report["manifest"]?["rows"]?.int64 == Int64(count),
                    let begun = report["started_at"]?.string.flatMap({ Timestamp($0) }),
                    let ended = report["ended_at"]?.string.flatMap({ Timestamp($0) })
                else { throw BenchmarkFailure(what: "not what was asked for: \(report)") }
                try await client.send(
                    "DELETE", "/v1/reports/\(id)", query: [], body: [], contentType: "application/json")
                return Double(ended.milliseconds - begun.milliseconds) / 1000
            case "REQUESTED"?, "RUNNING"?: try await Task.sleep(for: .milliseconds(20))
            default: throw BenchmarkFailure(what: "no report: \(report)")
            }
        }
    }
}

/// Rows that leave a database without us.
protocol PlainExport {
    var name: String { get }
    /// Has the database know its tables.
    func prepare() throws
    /// Writes all rows into a file that is on the disk then, and says how many seconds it took.
    func write(_ format: String, to file: String, rows: Int) throws -> Double
}
