import ByteJSON
import Client
import Common
import Demo
import Foundation
import Glibc
import SQLiteLog
import TestKit
import Testing

/// `earshot migrate-data --workspace`.
@Suite("Moving one workspace into another installation", .serialized)
struct MoveWorkspaceTests {
    @Test("it is there with all that it has, beside the others there, and work goes on", .timeLimit(.minutes(5)))
    func embedded() async throws {
        let folder = try TemporaryFolder()
        let home = try await Home(in: folder, server: OneProcessInstallation(data: folder.file("home")))
        let there = try OneProcessInstallation(data: folder.file("there"))
        try await there.start()
        let other = try await Tenant(on: there, account: "Scenario", seed: 5)
        try await other.deliver(other.first, to: there)
        try await there.settle()
        let others = try await Tables.read(workspace: other.workspace, with: other.client(of: there))

        // Somebody serves the target, and it has another account of the name.
        #expect(try home.move(to: folder.file("there"), account: nil).status == 2)
        there.stop()
        #expect(try home.move(to: folder.file("there"), account: nil).status == 1)
        #expect(try home.move(to: folder.file("there"), account: "Nobody").status == 1)

        let moved = try home.move(to: folder.file("there"), account: "Scenario")
        #expect(moved.status == 0, "\(JSONText(moved.json))")
        #expect(moved.json?["equal"]?.bool == true)
        try #require(moved.json?["different_rows"]?.int64 == 0 && moved.json?["mismatches"]?.int64 == 0)
        #expect(home.count(moved.json, "log earshot.raw") == home.keptEvents)
        #expect(home.count(moved.json, "table parser dead_letter") ?? 0 > 0)
        #expect(home.count(moved.json, "ledger parser events") ?? 0 > home.keptEvents)

        // It is there now, and not touched by a second copy.
        #expect(try home.move(to: folder.file("there"), account: "Scenario").status == 1)

        try await there.start()
        defer { there.kill() }
        try await home.check(on: there, account: "Scenario")
        #expect(try await Tables.read(workspace: other.workspace, with: other.client(of: there)) == others)
    }

    @Test("into a target whose roles run apart on Kafka's wire and PostgreSQL", .timeLimit(.minutes(5)))
    func distributed() async throws {
        let folder = try TemporaryFolder()
        let home = try await Home(in: folder, server: OneProcessInstallation(data: folder.file("home")))
        let target = try await DistributedInstallation()
        defer { target.kill() }
        try await target.start()
        let other = try await Tenant(on: target, account: "Others", seed: 5)
        // Its servers go on, with work in hand.
        async let busy: Void = other.deliver(other.first, to: target)
        let moved = try home.move(to: folder.file("there"), account: nil, target.environment)
        try await busy
        #expect(moved.status == 0, "\(JSONText(moved.json))")
        try await target.settle()
        try await home.check(on: target, account: "Scenario")
    }

    @Test("a copy that is killed is gone on with when it is run again", .timeLimit(.minutes(5)))
    func killed() async throws {
        let folder = try TemporaryFolder()
        let home = try await Home(in: folder, server: OneProcessInstallation(data: folder.file("home")))
        let there = try OneProcessInstallation(data: folder.file("there"))
        try await there.start()
        there.stop()
        var random = SystemRandomNumberGenerator()
        var cutShort = 0
        for round in 0..<4 where try round == 0 || !home.isMoved() {
            // The first as soon as it has begun
            try await home.move(
                to: folder.file("there"),
                killedAfter: round == 0 ? .zero : .milliseconds(Int.random(in: 0...150, using: &random)))
            if try !home.isMoved() { cutShort += 1 }
        }
        #expect(cutShort > 0)
        if try !home.isMoved() {
            let moved = try home.move(to: folder.file("there"), account: nil)
            #expect(moved.status == 0, "\(JSONText(moved.json))")
            #expect(moved.json?["is_resumed"]?.bool == true)
        }
        try await there.start()
        defer { there.kill() }
        try await home.check(on: there, account: "Scenario")
    }

    /// A workspace with a form, and what is sent to it.
    private struct Tenant: Sendable {
        let world: World
        let account: String
        let workspace: String
        let form: (stream: String, secret: String)

        init(on server: any Installation, account: String, seed: UInt64) async throws {
            self.account = account
            world = World.generate(seed: seed, items: 1200)
            let made = try await server.client(account: account).json(
                "POST", "/CreateWorkspace",
                body: [
                    "name": "Moving", "feedback_entities": [["connector": "standard_webhook", "name": "Form"]],
                ])
            workspace = try #require(made["workspace_id"]?.string)
            form = (
                stream: try #require(made["streams"]?[0]?["stream_id"]?.string),
                secret: try #require(made["streams"]?[0]?["webhook_secret"]?.string)
            )
        }

        /// All that it says at first; the last is kept back.
        var first: [Delivery] { world.formDeliveries().dropLast() }

        func client(of server: any Installation) async throws -> APIClient { try await server.client(account: account) }

        func deliver(_ deliveries: some Sequence<Delivery>, to server: any Installation) async throws {
            for delivery in deliveries {
                let signed = delivery.signedByStandard(secret: form.secret, at: .now)
                let answer = try await server.transport.send(
                    OutgoingRequest(
                        "POST", "\(server.url)/hooks/\(form.stream)", headers: signed.headers, body: signed.body))
                #expect([200, 202].contains(answer.status))
            }
        }
    }

    /// An embedded installation at rest with two workspaces, whose log has lost the front of its topics to retention.
    private struct Home: Sendable {
        let path: String
        let tenant: Tenant
        let tables: Tables
        /// Raw events of the workspace that its log still has.
        let keptEvents: Int64
        let letters: Int

        init(in folder: TemporaryFolder, server: OneProcessInstallation) async throws {
            path = folder.file("home")
            try await server.start()
            let tenant = try await Tenant(on: server, account: "Scenario", seed: 11)
            let neighbour = try await Tenant(on: server, account: "Scenario", seed: 12)
            let first = tenant.first
            try await tenant.deliver(first.prefix(first.count / 2), to: server)
            try await neighbour.deliver(neighbour.first.prefix(50), to: server)
            try await server.settle()
            server.stop()
            // A month later.
            let log = try SQLiteLog(folder: path + "/log")
            try await log.maintain(now: Timestamp.now.advanced(bySeconds: 31 * 86_400))
            await log.close()
            try await server.start()
            try await tenant.deliver(first, to: server)
            try await neighbour.deliver(neighbour.first.prefix(60), to: server)
            try await server.settle()
            tables = try await Tables.read(workspace: tenant.workspace, with: tenant.client(of: server))
            letters = try await Self.letters(of: tenant, on: server).count
            server.stop()
            let kept = try SQLiteLog(folder: path + "/log")
            var events: Int64 = 0
            for bounds in try await kept.bounds(of: .raw) {
                #expect(bounds.first > 0)
                let records = try await kept.read(
                    .raw, partition: bounds.partition, from: bounds.first, limit: 10_000)
                for index in 0..<records.count
                where records.headers(at: index)[RawHeader.workspace] == tenant.workspace {
                    events += 1
                }
            }
            await kept.close()
            keptEvents = events
            self.tenant = tenant
        }

        private static func letters(of tenant: Tenant, on server: any Installation) async throws -> [JSONValue] {
            let page = try await tenant.client(of: server).json(
                "GET", "/v1/dead-letters", query: [("workspace_id", tenant.workspace), ("limit", "100")])
            return page["dead_letters"].map { Array($0.elements) } ?? []
        }

        func move(to target: String, account: String?, _ environment: [String: String] = [:]) throws -> (
            status: Int32, json: JSONValue?
        ) {
            let (status, output) = try ServerProcess.run(
                arguments(target) + ["--deep"] + (account.map { ["--account", $0] } ?? []), environment: environment)
            return (status, try? JSONDocument(parsing: output).root)
        }

        private func arguments(_ target: String) -> [String] {
            ["migrate-data", "--from", path, "--workspace", tenant.workspace, "--data", target, "--json"]
        }

        /// Whether a copy says that it is done.
        func isMoved() throws -> Bool {
            let marker = path + "/migration-\(tenant.workspace).json"
            return FileManager.default.contents(atPath: marker).map {
                String(decoding: $0, as: UTF8.self).contains("finished_at")
            } ?? false
        }

        /// Begins a copy and kills it, so long after it has noted that it copies.
        func move(to target: String, killedAfter delay: Duration) async throws {
            let process = try ChildProcess([ServerProcess.binary] + arguments(target), errors: path + ".errors")
            let marker = path + "/migration-\(tenant.workspace).json"
            let isGoneOn = FileManager.default.fileExists(atPath: marker)
            try await waitUntil("it has begun") { isGoneOn || FileManager.default.fileExists(atPath: marker) }
            try await Task.sleep(for: isGoneOn ? delay + .milliseconds(150) : delay)
            process.send(SIGKILL)
            process.wait()
        }

        func count(_ summary: JSONValue?, _ what: String) -> Int64? {
            summary?["counts"]?.elements.first { $0["what"]?.string == what }?["target"]?.int64
        }

        /// Looks at the workspace where it is now, and works with it.
        func check(on server: any Installation, account: String) async throws {
            let client = try await server.client(account: account)
            func expectTables(_ when: String) async throws {
                let found = try await Tables.read(workspace: tenant.workspace, with: client)
                #expect(found == tables, "\(when)\n\(found.differences(from: tables).joined(separator: "\n"))")
            }
            try await expectTables("moved")
            let there = try await Self.letters(of: tenant, on: server)
            #expect(there.count == letters)

            // The sender's secret opens with the key of this installation, and what was sent before is known.
            try await server.settle()
            let before = try await books(of: server)
            let deliveries = tenant.world.formDeliveries()
            try await tenant.deliver(deliveries.suffix(20).dropLast(), to: server)
            try await server.settle()
            try await expectTables("sent again")

            // The events that came along are read again, where they lie here; a dead letter's event goes back.
            var job = try await client.json("POST", "/v1/reprocess", body: ["workspace_id": .string(tenant.workspace)])
            let id = try #require(job["job_id"]?.string)
            let deadline = ContinuousClock.now + .seconds(60)
            while job["status"]?.string == "running", ContinuousClock.now < deadline {
                try await Task.sleep(for: .milliseconds(100))
                job = try await client.json("GET", "/v1/reprocess/\(id)")
            }
            #expect(job["status"]?.string == "completed", "\(JSONText(job))")
            #expect(job["emitted"]?.int64 ?? 0 > 0)
            try await server.settle()
            try await expectTables("read again")
            let letter = try #require(there.first?["id"]?.string)
            try await client.send("POST", "/v1/dead-letters/\(letter)/replay", body: Array("{}".utf8))
            try await server.settle()
            let after = try await books(of: server)
            // What is known to the window of deliveries is not taken in; the letter's event is, and fails as before.
            #expect(after.stored == before.stored)
            #expect(after.dead == before.dead + 1)

            // What is new is taken in.
            try await tenant.deliver(deliveries.suffix(1), to: server)
            try await server.settle()
            let last = try await books(of: server)
            #expect(last.accepted == after.accepted + 1)
        }

        private func books(of server: any Installation) async throws -> (accepted: Int64, stored: Int64, dead: Int64) {
            let books = try await server.doctor(deep: true)
            #expect(books["balanced"]?.bool == true && books["healthy"]?.bool == true, "\(JSONText(books))")
            return (
                books["accepted"]?.int64 ?? -1, books["stored"]?.int64 ?? -1, books["dead"]?.int64 ?? -1
            )
        }
    }
}
