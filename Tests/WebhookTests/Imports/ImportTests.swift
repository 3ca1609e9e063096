import ByteJSON
import Common
import Compression
import Foundation
import ServiceKit
import Testing
import Webhook

@Suite struct ImportTests {
    @Test func rowsAreOnTheLogUnderKeyAndNumber() async throws {
        try await TestServer.run(World()) { (server) async throws in
            let answer = try await server.importRows(
                #"{"text":"a"}"# + "\n\n" + #"{"text":"b"}"#, query: "?key=june&first_row=11")
            #expect(answer.status == 202)
            #expect(answer.text == #"{"key":"june","rows":2,"accepted":2,"malformed":0,"bytes":26,"errors":[]}"#)
            let events = try await server.rawEvents().sorted { $0.text < $1.text }
            #expect(events.map(\.text) == [#"{"text":"a"}"#, #"{"text":"b"}"#])
            #expect(events.map { $0.headers[RawHeader.delivery] } == ["june:11", "june:12"])
            #expect(events.map(\.key) == ["june:11", "june:12"])
            for event in events {
                #expect(event.headers[RawHeader.how] == "import" && event.headers[RawHeader.connector] == "signed@1")
                #expect(event.headers[RawHeader.stream] == server.world.signed.id.rawValue)
                #expect(event.headers[RawHeader.workspace] == server.world.signed.workspace.rawValue)
            }
        }
    }

    @Test func manyRowsGoOnTheLogInBatches() async throws {
        nonisolated(unsafe) var log: FaultyLog!
        try await TestServer.run(
            World(),
            log: {
                log = FaultyLog($0); return log
            }
        ) { (server) async throws in
            let rows = (1...5500).map { "\($0);review \($0)\r\n" }.joined()
            let answer = try await server.importRows("id;text\r\n" + rows, query: "?key=k")
            #expect(try answer.json["rows"]?.int64 == 5500)
            #expect(log.appends == 6)
            let events = try await server.rawEvents()
            #expect(events.count == 5500)
            #expect(events.contains { $0.text == #"{"id":"5500","text":"review 5500"}"# && $0.key == "k:5500" })
        }
    }

    @Test func anArchiveIsRefusedAndToldWhereToGo() async throws {
        try await TestServer.run(World()) { (server) async throws in
            let archive = try ZipArchiveTests.archive([("r.csv", Array("id,text\n1,good\n".utf8))])
            let answer = try await server.importBytes(archive)
            #expect(answer.status == 415 && answer.text.contains("/v1/imports"))
            #expect(try await server.rawEvents().isEmpty)
        }
    }

    @Test func aRowThatCannotBeReadIsToldAndKept() async throws {
        try await TestServer.run(World()) { (server) async throws in
            let answer = try await server.importRows("id,text\n1,good\n2,too,many\n3,\"open\n4,good\n", query: "?key=k")
            let json = try answer.json
            #expect(json["rows"]?.int64 == 4 && json["accepted"]?.int64 == 2 && json["malformed"]?.int64 == 2)
            let errors =
                json["errors"].map { $0.elements.map { ($0["row"]?.int64, $0["line"]?.int64, $0["reason"]?.string) } }
                ?? []
            #expect(errors.map(\.0) == [2, 3] && errors.map(\.1) == [3, 4])
            #expect(errors.map(\.2) == ["has 3 fields, the header names 2", "a quotation mark is not closed"])
            let kept = try await server.rawEvents().filter { ["k:2", "k:3"].contains($0.key) }.map(\.text)
            #expect(Set(kept) == ["2,too,many", "3,\"open"])
        }
    }

    @Test func compressedFilesAreKnownByTheirFirstBytes() async throws {
        try await TestServer.run(World()) { (server) async throws in
            let text = (1...3000).map { #"{"id":\#($0),"text":"the export of report \#($0) fails"}"# + "\n" }.joined()
            let packed = try Deflater.deflate(Array(text.utf8))
            for headers in [[:], ["Content-Encoding": "gzip"], ["Content-Type": "application/gzip"]] {
                let answer = try await server.importBytes(packed, query: "?key=k", headers: headers)
                #expect(try answer.json["rows"]?.int64 == 3000)
                #expect(try answer.json["bytes"]?.int64 == Int64(packed.count))
            }
            let cut = try await server.importBytes(Array(packed.dropLast(100)))
            #expect(cut.status == 400)
            let bomb = try Deflater.deflate([UInt8](repeating: 0x41, count: 50_000_000), level: 9)
            #expect(try await server.importBytes(bomb).status == 400)
        }
    }

    @Test func aBodyThatBreaksOffHasNoLastRow() async throws {
        try await TestServer.run(World()) { (server) async throws in
            let token = try await server.world.token()
            let head = """
                POST /v1/streams/\(server.world.signed.id)/imports?format=csv HTTP/1.1\r
                Host: localhost\r
                Authorization: Bearer \(token)\r
                Content-Length: 1000\r
                \r
                id,text
                1,whole
                2,ha
                """
            _ = try await RawHTTP(port: server.port).exchange([Array(head.utf8)], closesAfterwards: true)
            #expect(try await server.rawEvents().allSatisfy { $0.text == #"{"id":"1","text":"whole"}"# })
        }
    }

    @Test func onlyTheAccountsOwnTokensMayImport() async throws {
        try await TestServer.run(World()) { (server) async throws in
            let path = "/v1/streams/\(server.world.signed.id)/imports"
            func status(_ token: String?, _ path: String = path) async throws -> Int {
                let headers = token.map { ["Authorization": "Bearer \($0)"] } ?? [:]
                return try await server.send("POST", path, headers: headers, body: Array("{}".utf8)).status
            }
            let world = server.world
            #expect(try await status(nil) == 401)
            #expect(try await status("nonsense") == 401)
            #expect(try await status(world.token(scopes: [.read, .manage])) == 403)
            #expect(try await status(world.token(ofOther: true)) == 404)
            #expect(try await status(world.token(), "/v1/streams/\(world.deleted.id)/imports") == 404)
            #expect(try await status(world.token(), "/v1/streams/\(StreamID.make())/imports") == 404)
            #expect(try await status(world.token(), path + "?colour=red") == 400)
            #expect(try await status(world.token(), path + "?key=a%2Fb") == 400)
            #expect(try await status(world.token(), path + "?first_row=0") == 400)
            #expect(try await server.rawEvents().isEmpty)
            #expect(try await status(world.token()) == 202)
            #expect(try await status(world.token(scopes: [.admin], ofOther: true)) == 202)
        }
    }

    @Test func aLogThatIsDownIsToldAndNothingIsLost() async throws {
        nonisolated(unsafe) var log: FaultyLog!
        try await TestServer.run(
            World(),
            log: {
                log = FaultyLog($0, isDown: true); return log
            }
        ) { (server) async throws in
            let refused = try await server.importRows("{}", query: "?key=k")
            #expect(refused.status == 503 && refused.headers["retry-after"] == "5")
            log.set(isDown: false)
            #expect(try await server.importRows("{}", query: "?key=k").status == 202)
            #expect(try await server.rawEvents().count == 1)
        }
    }
}

extension TestServer {
    func importRows(_ text: String, query: String = "") async throws -> Answer {
        try await importBytes(Array(text.utf8), query: query)
    }

    func importBytes(_ bytes: [UInt8], query: String = "", headers: [String: String] = [:]) async throws -> Answer {
        let authorization = ["Authorization": "Bearer " + (try await world.token())]
        return try await send(
            "POST", "/v1/streams/\(world.signed.id)/imports" + query, headers: headers.merging(authorization) { $1 },
            body: bytes)
    }
}

extension Answer {
    var json: JSONValue { get throws { try JSONDocument(parsing: body).root } }
}
