import ByteJSON
import Client
import Common
import Compression
import CurlTransport
import Foundation
import ServiceKit
import Synchronization
import TestKit
import Testing
import Webhook

/// Imports as jobs, through HTTP, on a real log, a real database and real files.
@Suite struct ImportJobTests {
    private static let table =
        "Kommentar;Sterne;Datum\n"
        + (1...2500).map { "Die App stürzt ab, Nummer \($0);\($0 % 5 + 1);\($0 % 28 + 1).12.2023\n" }
        .joined() + "Gut;5;gestern\nzu;viele;felder;hier\n"

    private func client(_ server: TestServer, ofOther: Bool = false) async throws -> (APIClient, CurlTransport) {
        let transport = CurlTransport(policy: .any)
        let token = Secret(try await server.world.token(ofOther: ofOther))
        return (APIClient(server: "http://127.0.0.1:\(server.port)", token: token, transport: transport), transport)
    }

    private func settled(_ id: String, _ client: APIClient) async throws -> JSONValue {
        nonisolated(unsafe) var told: JSONValue?
        try await waitUntil("\(id) rests", timeout: .seconds(30)) {
            told = try await client.json("GET", "/v1/imports/\(id)")
            return !["RUNNING", "UNDOING", "UPLOADING"].contains(told?["state"]?.string)
        }
        return try #require(told)
    }

    private func create(
        _ server: TestServer, _ client: APIClient, _ members: [String: JSON] = [:]
    ) async throws -> String {
        let all = members.merging(["stream_id": .string(server.world.files.id.rawValue)]) { own, _ in own }
        let made = try await client.json("POST", "/v1/imports", body: .object(all))
        return try #require(made["import_id"]?.string)
    }

    private func send(_ bytes: [UInt8], to id: String, _ client: APIClient, part: Int = 10_000) async throws {
        try await FileSender(client: client, import: id, partBytes: part).run(
            size: bytes.count, read: { Array(bytes[$0..<min(bytes.count, $0 + $1)]) })
    }

    @Test func importsGoWithTheirWorkspace() async throws {
        let folder = try Folder()
        let world = try World()
        try await TestServer.run(world, folder: folder) { server in
            let (client, transport) = try await client(server)
            let bytes = Array(Self.table.utf8)
            let done = try await create(server, client, ["key": "done", "start": true])
            try await send(bytes, to: done, client)
            #expect(try await settled(done, client)["bad"]?.int64 == 2)
            let ready = try await create(server, client, ["key": "ready", "size": .integer(Int64(bytes.count))])
            try await send(bytes, to: ready, client)
            let begun = try await create(server, client, ["key": "begun", "size": .integer(Int64(bytes.count))])
            // Not all of it: the sender is told so.
            await #expect(throws: (any Error).self) {
                try await send(Array(bytes.prefix(20_000)), to: begun, client)
            }
            func files() throws -> [String] {
                try FileManager.default.subpathsOfDirectory(atPath: folder.path + "/files")
                    .filter { $0.contains(".") && $0 != ".uploads" }
            }
            #expect(try files().count > 1)

            let workspaces = world.records.compactMap { record -> WorkspaceRecord? in
                if case .workspace(let record) = record { record } else { nil }
            }
            var gone = try #require(workspaces.first { $0.id == world.files.workspace })
            gone.isDeleted = true
            try await server.directory.publish([.workspace(gone)])
            let database = try await TestDatabase.open(folder.path + "/webhook.sqlite")
            try await waitUntil("they are gone") {
                try await database.read { connection in
                    try ["import", "import_bad_row"].allSatisfy { table in
                        try connection.first("SELECT count(*) FROM \(raw: table)") { $0.integer(0) } == 0
                    }
                }
            }
            let left = try files()
            #expect(left.isEmpty, "\(left)")
            try await database.close()
            await transport.shutdown()
        }
    }

    @Test func aFileIsSentLookedAtTriedImportedAndTakenBack() async throws {
        try await TestServer.run(World()) { server in
            let (client, transport) = try await client(server)
            let file = try ZipArchiveTests.archive([("r.csv", Array(Self.table.utf8))])
            let id = try await create(server, client, ["key": "k", "size": .integer(Int64(file.count))])
            try await send(file, to: id, client)

            let preview = try await client.json("GET", "/v1/imports/\(id)/preview")
            #expect(preview["packing"]?.string == "zip" && preview["dialect"]?["separator"]?.string == ";")
            #expect(
                preview["mapping"]?["text"]?.string == "Kommentar" && preview["mapping"]?["rating"]?.string == "Sterne")
            let item = preview["shown"]?[0]?["item"]
            #expect(item?["created_at"]?.string == "2023-12-02T00:00:00.000Z" && item?["rating"]?.double == 2)

            try await client.send("POST", "/v1/imports/\(id)/start", body: JSON.object(["dry_run": true]).bytes)
            let tried = try await settled(id, client)
            #expect(tried["state"]?.string == "READY" && tried["check"]?["accepted"]?.int64 == 2500)
            #expect(tried["check"]?["bad"]?.int64 == 2)
            #expect(try await server.rawEvents().isEmpty)

            try await client.send("POST", "/v1/imports/\(id)/start")
            let done = try await settled(id, client)
            #expect(done["state"]?.string == "COMPLETED" && done["rows"]?.int64 == 2502)
            #expect(
                done["accepted"]?.int64 == 2500 && done["bad"]?.int64 == 2 && done["bytes"]?.int64 == Int64(file.count))
            let events = try await server.rawEvents()
            #expect(events.count == 2500 && Set(events.compactMap(\.key)).count == 2500)
            #expect(events.allSatisfy { $0.headers[RawHeader.importID] == id && $0.headers[RawHeader.how] == "import" })
            #expect(events.allSatisfy { $0.headers[RawHeader.mapping]?.contains("Kommentar") == true })
            #expect(events.contains { $0.key == "k:7" && $0.text.contains("Nummer 7") })

            let bad = String(decoding: try await client.send("GET", "/v1/imports/\(id)/bad-rows").body, as: UTF8.self)
            let lines = bad.split(separator: "\r\n")
            #expect(lines.count == 3 && lines[0] == "row,line,column,reason,original")
            #expect(lines[1].hasPrefix(#""2501","2502","Datum","created_at: not a date or an instant"#))
            #expect(lines[2] == #""2502","2503","","has 4 fields, the header names 3","zu;viele;felder;hier""#)

            try await client.send("POST", "/v1/imports/\(id)/undo")
            let undone = try await settled(id, client)
            #expect(undone["state"]?.string == "UNDONE" && undone["withdrawn"]?.int64 == 2500)
            let withdrawals = try await server.rawEvents().filter { $0.headers[RawHeader.withdraws] != nil }
            #expect(
                withdrawals.count == 2500
                    && Set(withdrawals.compactMap { $0.headers[RawHeader.withdraws] }).count == 2500)
            await transport.shutdown()
        }
    }

    @Test func anUploadGoesOnWhereItWasCut() async throws {
        try await TestServer.run(World()) { server in
            let (client, transport) = try await client(server)
            let bytes = Array(Self.table.utf8)
            let id = try await create(server, client, ["key": "k", "size": .integer(Int64(bytes.count))])
            let token = "Bearer " + (try await server.world.token())
            let path = "/v1/imports/\(id)/content"
            func patch(_ from: Int, _ part: ArraySlice<UInt8>, _ more: [String: String] = [:]) async throws -> Answer {
                try await server.send(
                    "PATCH", path,
                    headers: ["Authorization": token, "Upload-Offset": String(from)].merging(more) { $1 },
                    body: Array(part))
            }
            #expect(try await patch(0, bytes[..<1000]).status == 204)
            let wrong = try await patch(500, bytes[500..<2000])
            #expect(wrong.status == 409 && wrong.headers["upload-offset"] == "1000")
            // Half of what is announced comes, then the connection ends: what came is kept.
            let head = """
                PATCH \(path) HTTP/1.1\r
                Host: localhost\r
                Authorization: \(token)\r
                Upload-Offset: 1000\r
                Content-Length: 5000\r
                \r

                """
            _ = try? await RawHTTP(port: server.port).exchange(
                [Array(head.utf8) + bytes[1000..<3000]], closesAfterwards: true)
            try await waitUntil("the cut part is kept") {
                try await client.send("HEAD", path)["Upload-Offset"] != "1000"
            }
            let kept = try #require(try await client.send("HEAD", path)["Upload-Offset"].flatMap { Int($0) })
            #expect(kept > 1000 && kept <= 3000)
            #expect(try await patch(kept, bytes[kept...] + [0]).status == 413)
            // The same file, begun again, is the same import.
            #expect(try await create(server, client, ["key": "k"]) == id)
            try await send(bytes, to: id, client)
            try await client.send("POST", "/v1/imports/\(id)/start")
            let done = try await settled(id, client)
            #expect(done["state"]?.string == "COMPLETED" && done["accepted"]?.int64 == 2500)
            await transport.shutdown()
        }
    }

    @Test func aWrongSumIsRefusedAndTheFileCanBeSentAgain() async throws {
        try await TestServer.run(World()) { server in
            let (client, transport) = try await client(server)
            let sum = FileSum.of(Array("text\nright\n".utf8))
            let id = try await create(server, client, ["sha256": .string(sum)])
            await #expect(throws: APIFailure.self) { try await send(Array("text\nwrong\n".utf8), to: id, client) }
            try await send(Array("text\nright\n".utf8), to: id, client)
            #expect(try await client.json("GET", "/v1/imports/\(id)")["state"]?.string == "READY")
            await transport.shutdown()
        }
    }

    @Test func aPausedImportGoesOnAndPutsNoRowOnTheLogTwice() async throws {
        nonisolated(unsafe) var log: FaultyLog!
        var settings = WebhookSettings()
        settings.imports.rowsPerBatch = 50
        settings.imports.checkpointSeconds = 0.1
        try await TestServer.run(
            World(), settings: settings,
            log: {
                log = FaultyLog($0, delay: .milliseconds(10)); return log
            }
        ) { server in
            let (client, transport) = try await client(server)
            let id = try await create(server, client, ["key": "k"])
            try await send(Array(Self.table.utf8), to: id, client)
            try await client.send("POST", "/v1/imports/\(id)/start")
            for pause in 1...3 {
                try await waitUntil("some rows are there") { log.appends >= pause * 5 }
                let paused = try await client.json("POST", "/v1/imports/\(id)/pause")
                #expect(paused["state"]?.string == "PAUSED")
                // The log is away for a while as well.
                log.set(isDown: pause == 2)
                try await client.send("POST", "/v1/imports/\(id)/start")
                if pause == 2 { try await Task.sleep(for: .milliseconds(300)) }
                log.set(isDown: false)
            }
            let done = try await settled(id, client)
            #expect(done["state"]?.string == "COMPLETED" && done["accepted"]?.int64 == 2500 && done["bad"]?.int64 == 2)
            let events = try await server.rawEvents()
            #expect(events.count >= 2500 && Set(events.compactMap(\.key)).count == 2500)
            // A worker that is told to stop finishes the batch that it has on the way.
            #expect(events.count <= 2500 + 3 * 100)
            await transport.shutdown()
        }
    }

    @Test func nobodySeesOrTouchesTheImportsOfAnotherAccount() async throws {
        try await TestServer.run(World()) { server in
            let (client, transport) = try await client(server)
            let (stranger, other) = try await self.client(server, ofOther: true)
            let id = try await create(server, client)
            try await send(Array("text\nsecret\n".utf8), to: id, client)
            for (method, path) in [
                ("GET", ""), ("PATCH", ""), ("DELETE", ""), ("HEAD", "/content"), ("PATCH", "/content"),
                ("GET", "/preview"),
                ("POST", "/start"), ("POST", "/pause"), ("POST", "/cancel"), ("POST", "/undo"), ("GET", "/bad-rows"),
            ] {
                let answer = try await server.send(
                    method, "/v1/imports/\(id)\(path)",
                    headers: [
                        "Authorization": "Bearer " + (try await server.world.token(ofOther: true)),
                        "Upload-Offset": "0",
                    ])
                #expect(answer.status == 404, "\(method) \(path) answered \(answer.status)")
            }
            await #expect(throws: APIFailure.self) { try await create(server, stranger) }
            #expect(try await stranger.json("GET", "/v1/imports")["imports"]?.count == 0)
            #expect(try await client.json("GET", "/v1/imports")["imports"]?.count == 1)
            #expect(try await client.json("GET", "/v1/imports/\(id)")["state"]?.string == "READY")
            await transport.shutdown()
            await other.shutdown()
        }
    }

    @Test func deliveriesDoNotWaitForTheDatabaseOfImports() async throws {
        let gate = DatabaseGate()
        try await TestServer.run(World(), database: { GatedDatabase(base: $0, gate: gate) }) { server in
            #expect(try await server.deliver("{}").status == 202)
            let (client, transport) = try await client(server)
            await #expect(throws: APIFailure.self) { try await create(server, client) }
            gate.open()
            try await waitUntil("imports are taken") { (try? await create(server, client, ["key": "k"])) != nil }
            let id = try await create(server, client, ["key": "k"])
            try await send(Array("text\na\n".utf8), to: id, client)
            try await client.send("POST", "/v1/imports/\(id)/start")
            #expect(try await settled(id, client)["state"]?.string == "COMPLETED")
            await transport.shutdown()
        }
    }

    @Test func whatCannotBeReadFailsAndSaysWhy() async throws {
        var settings = WebhookSettings()
        settings.imports.maximumRatio = 100
        try await TestServer.run(World(), settings: settings) { server in
            let (client, transport) = try await client(server)
            let packed = try Deflater.deflate(Array(Self.table.utf8))
            let bomb = try Deflater.deflate([UInt8](repeating: 0x41, count: 40 << 20), level: 9)
            let damaged = try ZipArchiveTests.archive([("r.csv", Array(Self.table.utf8))], crc: 1)
            for (bytes, word) in [(Array(packed.dropLast(100)), "too early"), (bomb, "times"), (damaged, "damaged")] {
                let id = try await create(server, client)
                try await send(bytes, to: id, client, part: 1 << 20)
                try await client.send("POST", "/v1/imports/\(id)/start")
                let failed = try await settled(id, client)
                #expect(failed["state"]?.string == "FAILED", "\(word)")
                #expect(failed["reason"]?.string?.contains(word) == true, "\(failed["reason"]?.string ?? "")")
            }
            await #expect(throws: APIFailure.self) {
                try await create(server, client, ["source": ["path": "../../etc/passwd"]])
            }
            await #expect(throws: APIFailure.self) {
                try await create(server, client, ["mapping": ["text": ["nonsense": 1]]])
            }
            await transport.shutdown()
        }
    }

    @Test(.enabled(if: Fixtures.recorded.isPresent))
    func recordedFilesAreReadWithoutAMapping() async throws {
        var settings = WebhookSettings()
        settings.imports.folder = try Fixtures.recorded.path("")
        try await TestServer.run(World(), settings: settings) { server in
            let (client, transport) = try await client(server)
            // Nine of the players said nothing.
            for (path, rows, bad) in [
                ("csv_import/github_issues.csv", 40, 0), ("csv_import/google_play_console_reviews_utf16le.csv", 1, 0),
                ("corpus/steam_reviews.000.jsonl.gz", 2220, 9),
            ] {
                let id = try await create(server, client, ["source": ["path": .string(path)]])
                let preview = try await client.json("GET", "/v1/imports/\(id)/preview")
                let good = try #require(preview["good"]?.int64)
                #expect(good + Int64(bad) >= preview["rows"]?.int64 ?? 0, "\(path)")
                #expect(preview["shown"]?[0]?["item"]?["created_at"] != nil, "\(path)")
                try await client.send("POST", "/v1/imports/\(id)/start")
                let done = try await settled(id, client)
                #expect(done["state"]?.string == "COMPLETED" && done["accepted"]?.int64 == Int64(rows - bad), "\(path)")
                #expect(done["bad"]?.int64 == Int64(bad), "\(path)")
            }
            await transport.shutdown()
        }
    }
}

/// Whether a database answers.
final class DatabaseGate: Sendable {
    private let isOpen = Mutex(false)
    func open() { isOpen.withLock { $0 = true } }
    func check() throws {
        guard isOpen.withLock({ $0 }) else { throw DatabaseError.unavailable("told to be away") }
    }
}

/// A real database that is away until it is told to be there.
struct GatedDatabase: Database {
    let base: any Database
    let gate: DatabaseGate

    var dialect: Dialect { base.dialect }
    func read<Value: Sendable>(_ body: @escaping @Sendable (any DatabaseConnection) throws -> Value) async throws
        -> Value
    {
        try gate.check()
        return try await base.read(body)
    }
    func write<Value: Sendable>(_ body: @escaping @Sendable (any DatabaseConnection) throws -> Value) async throws
        -> Value
    {
        try gate.check()
        return try await base.write(body)
    }
    func migrate(_ migrations: [Migration]) async throws {
        try gate.check()
        try await base.migrate(migrations)
    }
    func notifications(_ channel: String) -> AsyncStream<Void> { base.notifications(channel) }
    func close() async throws { try await base.close() }
}
