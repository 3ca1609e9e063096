import ByteJSON
import Client
import Common
import CurlTransport
import Demo
import Foundation
import Glibc
import SQLiteLog
import TestKit
import Testing

/// `earshot migrate-data`.
@Suite("Moving from embedded to distributed", .serialized)
struct MigrateDataTests {
    @Test("everything is at the target, and work goes on there as if nothing had been", .timeLimit(.minutes(5)))
    func distributed() async throws {
        let folder = try TemporaryFolder()
        let home = try await Home(in: folder)
        let kafka = try MockCluster()
        for topic in Topic.all { try kafka.create(topic: topic.name, partitions: topic.partitions) }
        let postgres = try await PostgresCluster()
        let environment = [
            "EARSHOT_LOG": "kafka://\(kafka.address)?topics=expect&session.timeout.ms=6000",
            "EARSHOT_DATABASE": postgres.url.reveal(),
            "EARSHOT_MASTER_KEY": try String(contentsOfFile: folder.file("home/keys/master.key"), encoding: .utf8)
                .trimmingCharacters(in: .whitespacesAndNewlines),
        ]

        var wrong = environment
        wrong["EARSHOT_MASTER_KEY"] = Data(count: 32).base64EncodedString()
        #expect(try home.migrate(to: folder.file("there"), wrong).status == 2)

        let moved = try home.migrate(to: folder.file("there"), environment)
        #expect(moved.status == 0, "\(JSONText(moved.json))")
        #expect(moved.json?["equal"]?.bool == true)
        let feedback = moved.json?["topics"]?.elements.first { $0["topic"]?.string == "earshot.feedback" }
        #expect(feedback?["source"]?.int64 == home.keptFeedback)
        #expect(feedback?["is_same"]?.bool == true)
        #expect(moved.json?["books"]?["target"]?["accepted"]?.int64 == Int64(home.accepted))

        // A second copy would be over the first
        #expect(try home.migrate(to: folder.file("there"), environment).status == 1)

        let server = try OneProcessInstallation(data: folder.file("there"), environment: environment)
        try await server.start()
        defer { server.kill() }
        let client = try await server.client(account: "Scenario")
        let found = try await Tables.read(workspace: home.workspace, with: client)
        #expect(found == home.tables, "\(found.differences(from: home.tables).joined(separator: "\n"))")
        // The sender's secret opens with the key that came along, and what it sent before is known
        try await home.deliver(home.world.formDeliveries(), to: server)
        try await server.settle()
        let books = try await server.doctor(deep: true)
        #expect(books["balanced"]?.bool == true && books["healthy"]?.bool == true, "\(JSONText(books))")
        #expect(books["stored"]?.int64 == Int64(home.stored), "\(JSONText(books))")
        let after = try await Tables.read(workspace: home.workspace, with: client)
        #expect(after == home.tables, "\(after.differences(from: home.tables).joined(separator: "\n"))")
        withExtendedLifetime((kafka, postgres)) {}
    }

    @Test("a copy that is killed is gone on with when it is run again", .timeLimit(.minutes(5)))
    func killed() async throws {
        let folder = try TemporaryFolder()
        let home = try await Home(in: folder)
        var random = SystemRandomNumberGenerator()
        var cutShort = 0
        for round in 0..<12 where try round == 0 || !home.isMoved() {
            // The first as soon as it has begun
            try await home.migrate(
                to: folder.file("copy"),
                killedAfter: round == 0 ? .zero : .milliseconds(Int.random(in: 0...300, using: &random)))
            if try !home.isMoved() { cutShort += 1 }
        }
        #expect(cutShort > 0)
        if try !home.isMoved() {
            let moved = try home.migrate(to: folder.file("copy"))
            #expect(moved.status == 0, "\(JSONText(moved.json))")
            #expect(moved.json?["is_resumed"]?.bool == true)
        }
        let server = try OneProcessInstallation(data: folder.file("copy"))
        try await server.start()
        defer { server.kill() }
        let found = try await Tables.read(
            workspace: home.workspace, with: try await server.client(account: "Scenario"))
        #expect(found == home.tables, "\(found.differences(from: home.tables).joined(separator: "\n"))")
        let books = try await server.doctor(deep: true)
        #expect(books["balanced"]?.bool == true && books["healthy"]?.bool == true, "\(JSONText(books))")
        #expect(books["accepted"]?.int64 == Int64(home.accepted), "\(JSONText(books))")
    }

    @Test("a folder that is served, or holds something else, is not copied to or from")
    func refused() async throws {
        let folder = try TemporaryFolder()
        let home = try await Home(in: folder)
        let other = try OneProcessInstallation(data: folder.file("other"))
        try await other.start()
        #expect(try home.migrate(to: folder.file("other")).status == 2)
        other.stop()
        #expect(try home.migrate(to: folder.file("other")).status == 1)
        #expect(try home.migrate(to: folder.file("home")).status == 2)
    }

    /// An embedded installation at rest, whose log has lost the front of a topic to retention.
    private struct Home: Sendable {
        let world = World.generate(seed: 11, items: 6000)
        let path: String
        let workspace: String
        let form: (stream: String, secret: String)
        let tables: Tables
        let accepted: Int
        let stored: Int
        let keptFeedback: Int64

        init(in folder: TemporaryFolder) async throws {
            path = folder.file("home")
            let server = try OneProcessInstallation(data: path)
            try await server.start()
            let client = try await server.client(account: "Scenario")
            let made = try await client.json(
                "POST", "/CreateWorkspace",
                body: [
                    "name": "Scenario",
                    "feedback_entities": [
                        ["connector": "standard_webhook", "name": "Form"],
                        [
                            "connector": "csv", "name": "Survey",
                            "mapping": ["external_id": "response_id", "created_at": "submitted_at", "text": "comment"],
                        ],
                    ],
                ])
            workspace = try #require(made["workspace_id"]?.string)
            let streams = try #require(made["streams"])
            let form = (
                stream: try #require(streams[0]?["stream_id"]?.string),
                secret: try #require(streams[0]?["webhook_secret"]?.string)
            )
            self.form = form
            let first = world.formDeliveries()
            try await Self.deliver(Array(first.prefix(first.count / 2)), form, server)
            try await Play(client: client, transport: server.transport).importFile(
                world.surveyFile(), to: try #require(streams[1]?["stream_id"]?.string), key: "survey.csv",
                contentType: "text/csv", hasHeader: true, rowsAtOnce: 50)
            try await server.settle()
            server.stop()
            // A week later: nothing of the feedback topic is kept any more
            let log = try SQLiteLog(folder: path + "/log")
            try await log.maintain(now: Timestamp.now.advanced(bySeconds: 8 * 86_400))
            await log.close()
            try await server.start()
            try await Self.deliver(first, form, server)
            try await server.settle()
            tables = try await Tables.read(workspace: workspace, with: try await server.client(account: "Scenario"))
            let books = try await server.doctor(deep: true)
            accepted = Int(try #require(books["accepted"]?.int64))
            stored = Int(try #require(books["stored"]?.int64))
            server.stop()
            let kept = try SQLiteLog(folder: path + "/log")
            let bounds = try await kept.bounds(of: .feedback)
            #expect(bounds.contains { $0.first > 0 })
            keptFeedback = bounds.reduce(0) { $0 + $1.end - $1.first }
            await kept.close()
        }

        func deliver(_ deliveries: [Delivery], to server: any Installation) async throws {
            try await Self.deliver(deliveries, form, server)
        }

        private static func deliver(
            _ deliveries: [Delivery], _ form: (stream: String, secret: String), _ server: any Installation
        ) async throws {
            for delivery in deliveries {
                let signed = delivery.signedByStandard(secret: form.secret, at: .now)
                let answer = try await server.transport.send(
                    OutgoingRequest(
                        "POST", "\(server.url)/hooks/\(form.stream)", headers: signed.headers, body: signed.body))
                #expect([200, 202].contains(answer.status))
            }
        }

        func migrate(to target: String, _ environment: [String: String] = [:]) throws -> (
            status: Int32, json: JSONValue?
        ) {
            let (status, output) = try ServerProcess.run(arguments(target), environment: environment)
            return (status, try? JSONDocument(parsing: output).root)
        }

        /// Whether a copy says that it is done.
        func isMoved() throws -> Bool {
            try String(contentsOfFile: path + "/migration.json", encoding: .utf8).contains("finished_at")
        }

        /// Begins a copy and kills it, so long after it has said that it copies.
        func migrate(to target: String, killedAfter delay: Duration) async throws {
            let process = Process()
            process.executableURL = URL(fileURLWithPath: ServerProcess.binary)
            process.arguments = arguments(target)
            process.standardOutput = FileHandle(forWritingAtPath: "/dev/null")
            process.standardError = FileHandle(forWritingAtPath: "/dev/null")
            try process.run()
            let isGoneOn = FileManager.default.fileExists(atPath: path + "/migration.json")
            try await waitUntil("it has begun") {
                isGoneOn || FileManager.default.fileExists(atPath: path + "/migration.json")
            }
            try await Task.sleep(for: isGoneOn ? delay + .milliseconds(200) : delay)
            Glibc.kill(process.processIdentifier, SIGKILL)
            process.waitUntilExit()
        }

        private func arguments(_ target: String) -> [String] {
            ["migrate-data", "--from", path, "--data", target, "--json", "--deep"]
        }
    }
}
