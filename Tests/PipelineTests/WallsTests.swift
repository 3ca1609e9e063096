import ByteJSON
import Client
import Common
import Demo
import Foundation
import TestKit
import Testing

/// Tries every route of the whole program on one account's things with another account's token.
@Suite("Walls between accounts", .serialized)
struct WallsTests {
    /// An operation of `schemas/openapi.yaml`, which a test of its own holds to the routes.
    private struct Operation: CustomStringConvertible {
        let method: String
        let path: String
        var description: String { "\(method) \(path)" }
    }

    private static func operations() throws -> [Operation] {
        let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        let text = try String(contentsOf: root.appendingPathComponent("schemas/openapi.yaml"), encoding: .utf8)
        var operations: [Operation] = []
        var path: String?
        for line in text.split(separator: "\n") {
            if line.hasPrefix("  /"), line.hasSuffix(":") { path = String(line.dropFirst(2).dropLast()) }
            if !line.hasPrefix(" ") { path = nil }
            for method in ["get", "post", "put", "patch", "delete"] where line == "    \(method):" {
                if let path { operations.append(Operation(method: method.uppercased(), path: path)) }
            }
        }
        return operations
    }

    @Test("no route shows or changes what belongs to another account", .timeLimit(.minutes(5)))
    func everyRoute() async throws {
        let operations = try Self.operations()
        try #require(operations.count > 40)
        let folder = try TemporaryFolder()
        let server = try OneProcessInstallation(data: folder.file("data"))
        try await server.start()
        defer { server.kill() }

        let owner = try await server.client(account: "Owner")
        let made = try await owner.json(
            "POST", "/CreateWorkspace",
            body: [
                "name": "The owner's workspace",
                "feedback_entities": [
                    ["connector": "jsonl", "name": "The owner's stream"], ["connector": "standard_webhook"],
                ],
            ])
        let workspace = try #require(made["workspace_id"]?.string)
        let stream = try #require(made["streams"]?[0]?["stream_id"]?.string)
        let connection = try #require(made["streams"]?[0]?["connection_id"]?.string)
        try await owner.send(
            "POST", "/v1/streams/\(stream)/imports", query: [("key", "walls")],
            body: Array("{\"id\":1,\"text\":\"The owner's secret opinion.\"}\n{\"id\":2,\"note\":\"no text\"}\n".utf8),
            contentType: "application/x-ndjson")
        try await server.settle()
        let before = try await Tables.read(workspace: workspace, with: owner)
        let listed = try await owner.json("GET", "/v1/feedback", query: [("workspace_id", workspace)])
        let feedback = try #require(listed["feedback"]?[0]?["unique_identifier"]?.string)
        let letters = try await owner.json("GET", "/v1/dead-letters", query: [("workspace_id", workspace)])
        let letter = try #require(letters["dead_letters"]?[0]?["id"]?.string, "\(JSONText(letters))")
        let tokens = try await owner.json("GET", "/v1/tokens")
        let token = try #require(tokens["tokens"]?[0]?["token_id"]?.string, "\(JSONText(tokens))")
        let begun = try await owner.json("POST", "/v1/reprocess", body: ["stream_id": .string(stream)])
        let job = try #require(begun["job_id"]?.string)
        let asked = try await owner.json(
            "POST", "/v1/reports",
            body: [
                "kind": "verbatims_export", "workspace_id": .string(workspace), "format": "jsonl", "from": "2000-01-01",
            ])
        let report = try #require(asked["report_id"]?.string)
        try await waitUntil("the report is made") {
            try await owner.json("GET", "/v1/reports/\(report)")["state"]?.string == "COMPLETED"
        }
        let added = try await owner.json(
            "POST", "/v1/channels",
            body: [
                "workspace_id": .string(workspace), "kind": "webhook", "url": "https://127.0.0.1:9/the-owners-hook",
                "name": "The owner's channel",
            ])
        let channel = try #require(added["channel_id"]?.string)
        let tested = try await owner.json("POST", "/v1/channels/\(channel)/test")
        let notice = try #require(tested["notice_id"]?.string)
        let planned = try await owner.json(
            "POST", "/v1/schedules",
            body: [
                "workspace_id": .string(workspace), "cron": "@yearly", "name": "The owner's schedule",
                "report": ["kind": "insight_summary", "period": "previous_year"],
            ])
        let schedule = try #require(planned["schedule_id"]?.string)
        let watched = try await owner.json(
            "POST", "/v1/alert-rules",
            body: ["workspace_id": .string(workspace), "kind": "volume", "minimum": 1, "name": "The owner's rule"])
        let rule = try #require(watched["rule_id"]?.string)
        let imported = try await owner.json(
            "POST", "/v1/imports", body: ["stream_id": .string(stream), "name": "The owner's file"])
        let theImport = try #require(imported["import_id"]?.string)
        let secrets = [
            theImport, schedule, rule, channel, notice, job, report, workspace, stream, connection, feedback, letter,
            token,
            "secret opinion",
            "owner's",
        ]

        let stranger = try await server.client(account: "Stranger")
        for operation in operations where operation.path != "/hooks/{stream}" && operation.path != "/v1/events" {
            var path = operation.path
            let isLetter = path.hasPrefix("/v1/dead-letters")
            for (hole, value) in [
                ("{workspace}", workspace), ("{stream}", stream), ("{connection}", connection), ("{token}", token),
                ("{id}", isLetter ? letter : feedback), ("{partition}", "0"), ("{offset}", "0"),
                ("{connector}", "jsonl"), ("{job}", path.hasPrefix("/v1/jobs") ? report : job), ("{report}", report),
                ("{channel}", channel), ("{notice}", notice), ("{schedule}", schedule), ("{rule}", rule),
                ("{import}", theImport),
                ("{alert}", "al_0000000000000000000000000a"),
            ] { path = path.replacingOccurrences(of: hole, with: value) }
            for query in [[], [("workspace_id", workspace)]] as [[(String, String)]] {
                for body in Self.bodies(workspace: workspace, connection: connection, method: operation.method) {
                    let answer = try await Self.ask(stranger, operation.method, path, query, body)
                    let text = String(decoding: answer.body, as: UTF8.self)
                    let isOpen = ["/live", "/ready", "/metrics"].contains(operation.path)
                    if !isOpen, operation.path.contains("{"), operation.path != "/v1/connectors/{connector}" {
                        #expect(answer.status >= 400, "\(operation) answered \(answer.status): \(text.prefix(200))")
                    }
                    if answer.status < 400 {
                        for secret in secrets { #expect(!text.contains(secret), "\(operation) shows \(secret)") }
                    }
                }
            }
        }
        try await server.settle()
        #expect(try await Tables.read(workspace: workspace, with: owner) == before)
        let file = try await owner.send("GET", "/v1/reports/\(report)/file")
        #expect(String(decoding: file.body, as: UTF8.self).contains("secret opinion"))
    }

    private static func bodies(workspace: String, connection: String, method: String) -> [[UInt8]] {
        guard method != "GET", method != "DELETE" else { return [[]] }
        let attempts: [JSON] = [
            [:], ["workspace_id": .string(workspace)],
            ["workspace_id": .string(workspace), "connector": "jsonl", "name": "x"],
            ["workspace_id": .string(workspace), "connection_id": .string(connection), "name": "x"],
            ["workspace_id": .string(workspace), "from": "2020-01-01", "to": "2030-01-01"],
            ["name": "x"], ["status": "paused"],
        ]
        return attempts.map(\.bytes)
    }

    private static func ask(
        _ client: APIClient, _ method: String, _ path: String, _ query: [(String, String)], _ body: [UInt8]
    ) async throws -> (status: Int, body: [UInt8]) {
        do {
            let response = try await client.send(method, path, query: query, body: body)
            return (response.status, response.body)
        } catch APIFailure.refused(let status, let detail, _) {
            return (status, Array(detail.utf8))
        }
    }
}
