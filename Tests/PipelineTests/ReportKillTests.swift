import ByteJSON
import Client
import Common
import Foundation
import TestKit
import Testing

/// Kills the program while it makes reports, and compares their files with those of an undisturbed run.
@Suite("Killed while reports are made", .serialized)
struct ReportKillTests {
    private static let kills = Int(ProcessInfo.processInfo.environment["EARSHOT_TEST_KILLS"] ?? "") ?? 25
    private static let rows = 4000

    private static let questions: [(kind: String, format: String)] = [
        ("verbatims_export", "csv"), ("verbatims_export", "jsonl"), ("verbatims_export", "html"),
        ("insight_summary", "html"), ("insight_summary", "json"), ("insight_summary", "csv"),
    ]

    @Test(
        "each report ends once, its file whole and the same, and everybody is told once", .timeLimit(.minutes(30)))
    func kills() async throws {
        try await Self.withReceivers { receiver, mails, folder, environment in
            let server = try OneProcessInstallation(data: folder.file("data"), environment: environment)
            try await server.start()
            defer { server.kill() }
            try await kill(
                server, [server], times: Self.kills, restEvery: 5, files: folder.file("data/files"), receiver, mails)
        }
    }

    /// Where one of two is killed, what it had in hand is the other one's when its lease is over, after half a minute.
    @Test("so it is where two processes make them, on PostgreSQL", .timeLimit(.minutes(60)))
    func killsOfTwo() async throws {
        try await Self.withReceivers { receiver, mails, folder, environment in
            let files = folder.file("files")
            let installation = try await DistributedInstallation(
                environment: environment.merging(["EARSHOT_FILES": files]) { $1 })
            try await installation.start()
            defer { installation.kill() }
            let workers = [try installation.process("reports"), try installation.second("reports")]
            try await workers[1].start()
            let kills = min(Self.kills, ProcessInfo.processInfo.environment["EARSHOT_TEST_KILLS"] == nil ? 6 : .max)
            try await kill(installation, workers, times: kills, restEvery: 30, files: files, receiver, mails)
        }
    }

    private static func withReceivers(
        _ body: (Receiver, MailServer, TemporaryFolder, [String: String]) async throws -> Void
    ) async throws {
        try await Receiver.run { receiver in
            let folder = try TemporaryFolder()
            let mails = try await MailServer(in: folder)
            try await body(
                receiver, mails, folder,
                [
                    "EARSHOT_MAIL_URL": "smtp://localhost:\(mails.port)?tls=none",
                    "EARSHOT_MAIL_FROM": "earshot@example.org",
                ])
        }
    }

    /// - Parameters:
    ///   - workers: One is killed at a time.
    ///   - files: The folder of all files.
    ///   - rest: After how many kills all reports and notices are waited for: what costs eight workers ends as FAILED,
    ///     rightly.
    private func kill(
        _ installation: any Installation, _ workers: [any Killable], times kills: Int, restEvery rest: Int,
        files: String, _ receiver: Receiver, _ mails: MailServer
    ) async throws {
        let client = try await installation.client(account: "Reader")
        let workspace = try await fill(installation, client)
        let channel = try await client.json(
            "POST", "/v1/channels",
            body: ["workspace_id": .string(workspace), "kind": "webhook", "url": .string(receiver.url)])
        let hook = try #require(channel["channel_id"]?.string)

        var expected: [String: [UInt8]] = [:]
        for question in Self.questions {
            let id = try await ask(question, workspace, client, key: nil)
            expected["\(question)"] = try await file(id, client)
        }

        var asked: [(question: String, id: String)] = []
        var random = SystemRandomNumberGenerator()
        for kill in 0..<kills {
            let question = Self.questions[kill % Self.questions.count]
            let tell = ["reader\(kill)@example.org", "boss\(kill)@example.org", hook]
            asked.append(("\(question)", try await ask(question, workspace, client, key: "kill-\(kill)", tell: tell)))
            try await Task.sleep(for: .milliseconds(Int.random(in: 0...120, using: &random)))
            let worker = workers[Int.random(in: 0..<workers.count, using: &random)]
            worker.kill()
            try await worker.start()
            // The sender that heard no answer says it again; it is the same report.
            #expect(
                try await ask(question, workspace, client, key: "kill-\(kill)", tell: tell) == asked[kill].id)
            if kill % rest == rest - 1 {
                for (_, id) in asked { _ = try await file(id, client) }
                try await settleJobs(client)
            }
        }
        for (question, id) in asked {
            #expect(try await file(id, client) == expected[question], "\(question)")
            let report = try await client.json("GET", "/v1/reports/\(id)")
            let ends = report["history"]?.elements.filter { $0["state"]?.string == "COMPLETED" }.count
            #expect(ends == 1, "\(JSONText(report))")
        }
        try await checkNotices(asked.map(\.id), mails, receiver, client)
        try await checkFiles(asked.map(\.id), in: files, workspace, workers, client)
    }

    /// Of each report there are its file and its manifest; of those that are deleted just before a kill, nothing.
    private func checkFiles(
        _ reports: [String], in folder: String, _ workspace: String, _ workers: [any Killable], _ client: APIClient
    ) async throws {
        let deleted = reports.prefix(reports.count / 2)
        for id in deleted { try await client.send("DELETE", "/v1/reports/\(id)") }
        for worker in workers {
            worker.kill()
            try await worker.start()
        }
        let place = "\(folder)/\(workspace)/reports"
        try await waitUntil("files of deleted reports are gone", timeout: .seconds(120)) {
            let names = try FileManager.default.contentsOfDirectory(atPath: place)
            return Set(names).isDisjoint(with: deleted)
        }
        for report in try FileManager.default.contentsOfDirectory(atPath: place) {
            let files =
                FileManager.default.enumerator(atPath: "\(place)/\(report)")?.allObjects
                .compactMap { $0 as? String }.filter { $0.contains(".") } ?? []
            #expect(files.count == 2, "stages of \(report) left \(files)")
        }
        // A kill may leave a manifest, or a name, that was just being written; these go with uploads that nobody goes on
        // with. What stages wrote is larger, and goes at the next attempt.
        let uploads = try FileManager.default.contentsOfDirectory(atPath: folder + "/.uploads")
            .filter { $0.hasSuffix(".json") }
            .map { try String(contentsOfFile: "\(folder)/.uploads/\($0)", encoding: .utf8) }
            .filter { !$0.contains("/manifest.json") }
        #expect(uploads.isEmpty, "stages left \(uploads)")
    }

    /// Everybody was told of each report once. A notice whose server took it just before the kill is sent again under its
    /// id, by which receivers know it.
    private func checkNotices(
        _ reports: [String], _ mails: MailServer, _ receiver: Receiver, _ client: APIClient
    ) async throws {
        try await waitUntil("all notices are sent", timeout: .seconds(120)) {
            let told = Set(receiver.calls.compactMap { $0.json["data"]?["report_id"]?.string })
            return Set(mails.mails.map(\.to)).count == 2 * reports.count && told.isSuperset(of: reports)
        }
        try await settleJobs(client)
        for (to, sent) in Dictionary(grouping: mails.mails, by: \.to) {
            #expect(Set(sent.map(\.id)).count == 1, "\(to) got \(sent.map(\.id))")
        }
        let calls = Dictionary(grouping: receiver.calls) { $0.json["data"]?["report_id"]?.string ?? "" }
        for report in reports {
            #expect(Set((calls[report] ?? []).map { $0.headers["webhook-id"] }).count == 1)
        }
        let again = mails.mails.count + receiver.calls.count - 3 * reports.count
        print("\(reports.count) kills: \(again) of \(3 * reports.count) notices were sent again, under their ids")
    }

    private func settleJobs(_ client: APIClient) async throws {
        for open in ["REQUESTED", "RUNNING"] {
            try await waitUntil("no job is \(open)", timeout: .seconds(120)) {
                try await client.json("GET", "/v1/jobs", query: [("state", open)])["jobs"]?.elements.map { $0 }.isEmpty
                    == true
            }
        }
    }

    /// Imports feedback into a new workspace.
    private func fill(_ server: any Installation, _ client: APIClient) async throws -> String {
        let made = try await client.json(
            "POST", "/CreateWorkspace",
            body: ["name": "Reports", "feedback_entities": [["connector": "jsonl", "name": "Rows"]]])
        let stream = try #require(made["streams"]?[0]?["stream_id"]?.string)
        let lines = (0..<Self.rows).map {
            #"{"id":\#($0),"text":"Export \#($0) is slow since the update, and I like the search.","rating":\#($0 % 5 + 1)}"#
        }
        try await client.send(
            "POST", "/v1/streams/\(stream)/imports", query: [("key", "rows")],
            body: Array((lines.joined(separator: "\n") + "\n").utf8), contentType: "application/x-ndjson")
        try await server.settle()
        return try #require(made["workspace_id"]?.string)
    }

    private func ask(
        _ question: (kind: String, format: String), _ workspace: String, _ client: APIClient, key: String?,
        tell: [String] = []
    ) async throws -> String {
        let body: JSON = [
            "kind": .string(question.kind), "format": .string(question.format), "workspace_id": .string(workspace),
            "from": "2000-01-01", "to": "2100-01-01", "interval": .string("year"),
        ]
        var members = body.object ?? [:]
        if question.kind == "verbatims_export" { members["interval"] = nil }
        if !tell.isEmpty { members["notify"] = .array(tell.map { .string($0) }) }
        let answer = try await client.send(
            "POST", "/v1/reports", headers: key.map { [("Idempotency-Key", $0)] } ?? [],
            body: JSON.object(members).bytes)
        return try #require(try JSONDocument(parsing: answer.body).root["report_id"]?.string)
    }

    private func file(_ id: String, _ client: APIClient) async throws -> [UInt8] {
        try await waitUntil("\(id) is made", timeout: .seconds(120)) {
            let report = try await client.json("GET", "/v1/reports/\(id)")
            let state = report["state"]?.string ?? ""
            if ["FAILED", "CANCELLED", "EXPIRED"].contains(state) { Issue.record("\(JSONText(report))") }
            return state != "REQUESTED" && state != "RUNNING"
        }
        return try await client.send("GET", "/v1/reports/\(id)/file").body
    }
}
