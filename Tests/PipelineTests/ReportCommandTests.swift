import ByteJSON
import Client
import Common
import Foundation
import TestKit
import Testing

/// The commands `reports` and `jobs`, as a person runs them.
@Suite("Reports at a terminal", .serialized)
struct ReportCommandTests {
    @Test("are requested, waited for, written, listed and shown", .timeLimit(.minutes(2)))
    func commands() async throws {
        let folder = try TemporaryFolder()
        let server = try OneProcessInstallation(data: folder.file("data"))
        try await server.start()
        defer { server.kill() }
        let client = try await server.client(account: "Reader")
        let made = try await client.json(
            "POST", "/CreateWorkspace",
            body: ["name": "Reports", "feedback_entities": [["connector": "jsonl", "name": "Rows"]]])
        let workspace = try #require(made["workspace_id"]?.string)
        let stream = try #require(made["streams"]?[0]?["stream_id"]?.string)
        try await client.send(
            "POST", "/v1/streams/\(stream)/imports", query: [("key", "rows")],
            body: Array("{\"id\":1,\"text\":\"The export is slow.\"}\n".utf8), contentType: "application/x-ndjson")
        try await server.settle()

        let (_, output) = try ServerProcess.run(
            ["token", "create", "--account", "Reader", "--scopes", "manage,read", "--json"],
            environment: server.environment)
        let token = try #require(try JSONDocument(parsing: output).root["token"]?.string)
        func run(_ arguments: String...) throws -> (status: Int32, output: [UInt8]) {
            try ServerProcess.run(arguments, environment: ["EARSHOT_SERVER": server.url, "EARSHOT_TOKEN": token])
        }
        let file = folder.file("said.csv")
        let asked = try run(
            "reports", "new", "verbatims_export", "--workspace", workspace, "--from", "2000-01-01", "--format", "csv",
            "--output", file, "--json")
        try #require(asked.status == 0)
        let report = try JSONDocument(parsing: asked.output).root
        let id = try #require(report["report_id"]?.string)
        #expect(report["state"]?.string == "COMPLETED")
        #expect(try String(contentsOfFile: file, encoding: .utf8).contains(",The export is slow.,"))

        let text = String(decoding: try run("reports", "show", id).output, as: UTF8.self)
        #expect(text.contains("COMPLETED") && text.contains("1 rows"))
        let listed = try JSONDocument(parsing: try run("jobs", "list", "--json").output).root
        #expect(listed["job_id"]?.string == id && listed["kind"]?.string == "report")
        #expect(try run("jobs", "show", id).status == 0)
        #expect(
            try run("reports", "get", id, "--output", "-").output == Array(Data(contentsOf: URL(fileURLWithPath: file)))
        )
        #expect(try run("jobs", "cancel", id).status == 1, "what is completed cannot be cancelled")
        #expect(try run("reports", "new", "digest", "--workspace", workspace).status == 1)
    }
}
