import ByteJSON
import Common
import Compression
import Crypto
import Foundation
import ServiceKit
import Testing
import Webhook

@Suite struct HookTests {
    @Test func aSignedDeliveryIsOnTheLogVerbatimBeforeItIsAcknowledged() async throws {
        try await TestServer.run(World()) { server in
            let text = #"{"text" : "It crashes. Ça plante.", "n":1.50}"#
            let answer = try await server.deliver(text, id: "d-1", headers: ["X-Event": "created"])
            #expect(answer.status == 202 && answer.text.isEmpty)

            let events = try await server.rawEvents()
            let event = try #require(events.first)
            #expect(events.count == 1 && event.text == text && event.key == "d-1")
            let stream = server.world.signed
            let facts = [
                RawHeader.workspace: stream.workspace.rawValue, RawHeader.connection: stream.connection.rawValue,
                RawHeader.stream: stream.id.rawValue, RawHeader.connector: "signed@1", RawHeader.how: "push",
                RawHeader.contentType: "application/json", RawHeader.delivery: "d-1", "h-x-event": "created",
            ]
            for (name, value) in facts { #expect(event.headers[name] == value) }
            #expect(event.headers[RawHeader.receivedAt].flatMap { Timestamp($0) } != nil)
            #expect(server.metrics.text().contains(#"stage="receive",outcome="accepted"} 1.0"#))
        }
    }

    @Test func statusesSayWhatIsWrong() async throws {
        try await TestServer.run(World()) { server in
            let world = server.world
            let body = Array("{}".utf8)
            let signature = World.signature(of: body, World.secret)
            let json = ["Content-Type": "application/json", "X-Signature": signature]
            func status(_ path: String, _ headers: [String: String], _ body: [UInt8]) async throws -> Int {
                try await server.send("POST", path, headers: headers, body: body).status
            }
            #expect(try await status("/hooks/\(StreamID.make())", json, body) == 404)
            #expect(try await status("/hooks/nonsense", json, body) == 404)
            #expect(try await status("/hooks/\(world.polled.id)", json, body) == 404)
            #expect(try await status("/hooks/\(world.deleted.id)", json, body) == 410)
            #expect(try await status("/hooks/\(world.orphan.id)", json, body) == 410)
            let path = "/hooks/\(world.signed.id)"
            #expect(try await status(path, json.merging(["Content-Type": "text/xml"]) { $1 }, body) == 415)
            #expect(try await status(path, json.merging(["Content-Encoding": "br"]) { $1 }, body) == 415)
            #expect(try await status(path, ["Content-Type": "application/json"], body) == 401)
            #expect(try await status(path, json.merging(["X-Signature": "sha256=00"]) { $1 }, body) == 401)
            #expect(try await status(path, json, body + [0x20]) == 401)
            let large = [UInt8](repeating: 0x20, count: 100_001)
            #expect(try await status(path, json, large) == 413)
            let malformed = try await server.deliver(#"{"text":}"#)
            #expect(malformed.status == 400 && malformed.text.contains("byte 8"))
            #expect(malformed.headers["content-type"] == "application/problem+json")
            #expect(try await server.deliver("").status == 400)
            #expect(try await server.send("GET", path).status == 405)
            #expect(try await server.rawEvents().isEmpty)
            // A vendor's own JSON type, and none at all, are JSON.
            #expect(
                try await server.deliver(
                    "{}", id: "1", headers: ["Content-Type": "application/vnd.acme.v1+json; charset=utf-8"]
                ).status == 202)
            #expect(try await status(path, ["X-Signature": signature, "X-Delivery": "2"], body) == 202)
        }
    }

    @Test func aBodyWithoutALengthIsBoundedWhileItStreams() async throws {
        try await TestServer.run(World()) { server in
            let head = """
                POST /hooks/\(server.world.signed.id) HTTP/1.1\r
                Host: localhost\r
                Content-Type: application/json\r
                Transfer-Encoding: chunked\r
                \r

                """
            let chunk = Array("4000\r\n".utf8) + [UInt8](repeating: 0x20, count: 0x4000) + Array("\r\n".utf8)
            let answer = try await RawHTTP(port: server.port).exchange(
                [Array(head.utf8)] + [[UInt8]](repeating: chunk, count: 8) + [Array("0\r\n\r\n".utf8)])
            #expect(answer.status == 413)
        }
    }

    @Test func refusalsDoNotSayWhichPartOfTheSignatureWasWrong() async throws {
        try await TestServer.run(World()) { server in
            func detail(_ headers: [String: String]) async throws -> String? {
                let answer = try await server.send(
                    "POST", "/hooks/\(server.world.standard.id)",
                    headers: headers.merging(["Content-Type": "application/json"]) { $1 }, body: Array("{".utf8))
                #expect(answer.status == 401)
                return try JSONDocument(parsing: answer.body).root["detail"]?.string
            }
            let now = String(Timestamp.now.milliseconds / 1000)
            let details = try await [
                detail([:]), detail(["webhook-id": "a", "webhook-timestamp": "1", "webhook-signature": "v1,AAAA"]),
                detail(["webhook-id": "a", "webhook-timestamp": now, "webhook-signature": "v1,AAAA"]),
            ]
            #expect(Set(details).count == 1 && details[0] != nil)
        }
    }

    @Test func deliveriesOutsideTheReplayWindowAreRefused() async throws {
        try await TestServer.run(World()) { server in
            for (age, status) in [(0.0, 202), (290, 202), (-290, 202), (310, 401), (-310, 401)] {
                let id = "msg_\(age)"
                let time = String(Timestamp.now.advanced(bySeconds: -age).milliseconds / 1000)
                let body = Array(#"{"text":"hello"}"#.utf8)
                let code = HMAC<SHA256>.authenticationCode(
                    for: Array("\(id).\(time).".utf8) + body, using: SymmetricKey(data: Array("standard key".utf8)))
                let answer = try await server.send(
                    "POST", "/hooks/\(server.world.standard.id)",
                    headers: [
                        "Content-Type": "application/json", "webhook-id": id, "webhook-timestamp": time,
                        "webhook-signature": "v1,AAAA v1," + Data(code).base64EncodedString(),
                    ], body: body)
                #expect(answer.status == status, "\(age) s")
            }
        }
    }

    @Test func aStreamsOwnSchemeComesFromItsSettings() async throws {
        try await TestServer.run(World()) { (server) async throws in
            let path = "/hooks/\(server.world.custom.id)"
            let right = ["X-Token": World.secret, "Content-Type": "application/json"]
            #expect(try await server.send("POST", path, headers: right, body: Array("{}".utf8)).status == 202)
            let body = Array(#"{"a":1}"#.utf8)
            let ofOthers = ["X-Signature": World.signature(of: body, World.secret)]
            #expect(try await server.send("POST", path, headers: ofOthers, body: body).status == 401)
        }
    }

    @Test func secretsRotate() async throws {
        let now = Timestamp.now
        let secrets: [(String, Timestamp?)] = [
            ("new", nil), ("old", now.advanced(bySeconds: 3600)), ("older", now.advanced(bySeconds: -1)),
        ]
        try await TestServer.run(World(secrets: secrets)) { server in
            for (secret, status) in [("new", 202), ("old", 202), ("older", 401)] {
                let text = #"{"signed_with":"\#(secret)"}"#
                let signature = World.signature(of: Array(text.utf8), secret)
                #expect(try await server.deliver(text, headers: ["X-Signature": signature]).status == status)
            }
            // Rotated while the server runs: the directory's change is enough.
            var stream = server.world.signed
            stream.webhookSecrets.removeFirst()
            try await server.directory.publish([.stream(stream)])
            let text = #"{"after":"rotation"}"#
            let signature = World.signature(of: Array(text.utf8), "new")
            #expect(try await server.deliver(text, headers: ["X-Signature": signature]).status == 401)
        }
    }

    @Test func handshakesAndPingsAreAnsweredAndNotTakenIn() async throws {
        try await TestServer.run(World()) { server in
            func post(_ text: String, _ headers: [String: String] = [:], signed: Bool = true) async throws -> Answer {
                let body = Array(text.utf8)
                var all = ["Content-Type": "application/json"].merging(headers) { $1 }
                if signed { all["X-Signature"] = World.signature(of: body, World.secret) }
                return try await server.send("POST", "/hooks/\(server.world.slack.id)", headers: all, body: body)
            }
            let challenge =
                #"{"type":"url_verification","challenge":"3eZbrw1aBm2rZgRNFdxV2595E9CY3gmdALWMmHkvFXO7tYXAYM8P"}"#
            let echoed = try await post(challenge)
            #expect(echoed.status == 200)
            #expect(echoed.text == "3eZbrw1aBm2rZgRNFdxV2595E9CY3gmdALWMmHkvFXO7tYXAYM8P")
            #expect(echoed.headers["content-type"]?.hasPrefix("text/plain") == true)
            #expect(try await post(challenge, signed: false).status == 401)
            #expect(try await post("{}", ["X-Event": "hello"], signed: false).status == 200)
            #expect(try await post("{}", ["X-Event": "goodbye"], signed: false).status == 401)

            let ping = try await server.deliver(#"{"zen":"Keep it logically awesome."}"#, headers: ["X-Event": "ping"])
            #expect(ping.status == 200 && ping.text == #"{"status":"ignored"}"#)
            #expect(try await server.rawEvents().isEmpty)
        }
    }

    @Test func whatIsPushedToAPausedStreamIsKept() async throws {
        try await TestServer.run(World()) { server in
            // Its sender may never deliver it again: pausing stops reading, not receiving.
            let body = Array(#"{"text":"while paused"}"#.utf8)
            let paused = try await server.send(
                "POST", "/hooks/\(server.world.paused.id)",
                headers: ["Content-Type": "application/json", "X-Signature": World.signature(of: body, World.secret)],
                body: body)
            #expect(paused.status == 202)
            #expect(try await server.rawEvents().map(\.value) == [body])
        }
    }

    @Test func formsCarryJSONOrFields() async throws {
        try await TestServer.run(World()) { server in
            func post(_ form: String) async throws -> Answer {
                let body = Array(form.utf8)
                return try await server.send(
                    "POST", "/hooks/\(server.world.form.id)",
                    headers: [
                        "Content-Type": "application/x-www-form-urlencoded",
                        "X-Signature": World.signature(of: body, World.secret),
                    ], body: body)
            }
            let carried = try await post("payload=%7B%22event%22%3A%22e1%22%2C%22text%22%3A%22a+b%22%7D")
            #expect(carried.status == 202)
            #expect(try await server.rawEvents().map { $0.headers[RawHeader.delivery] } == ["e1"])
            #expect(try await post("text=l%E2%80%99export&event=e2").status == 202)
            #expect(try await post("payload=%7B%22event%22%3A").status == 400)
            let events = try await server.rawEvents()
            #expect(Set(events.map(\.key)) == ["e1", "e2"])
            #expect(events.allSatisfy { $0.headers[RawHeader.contentType] == "application/x-www-form-urlencoded" })
        }
    }

    @Test(arguments: [CompressionFormat.gzip, .zlib, .deflate])
    func compressedBodiesAreReadWithinBounds(_ format: CompressionFormat) async throws {
        try await TestServer.run(World()) { server in
            func post(_ plain: [UInt8], signing: KeyPath<(plain: [UInt8], packed: [UInt8]), [UInt8]>) async throws
                -> Int
            {
                let packed = try Deflater.deflate(plain, as: format, level: 9)
                return try await server.send(
                    "POST", "/hooks/\(server.world.signed.id)",
                    headers: [
                        "Content-Type": "application/json", "Content-Encoding": format == .gzip ? "gzip" : "deflate",
                        "X-Signature": World.signature(
                            of: (plain: plain, packed: packed)[keyPath: signing], World.secret),
                    ], body: packed
                ).status
            }
            #expect(try await post(Array(#"{"text":"plain is signed"}"#.utf8), signing: \.plain) == 202)
            #expect(try await post(Array(#"{"text":"packed is signed"}"#.utf8), signing: \.packed) == 202)
            let bomb = Array(#"{"text":""#.utf8) + [UInt8](repeating: 0x41, count: 30_000_000) + Array(#""}"#.utf8)
            #expect(try await post(bomb, signing: \.plain) == 413)
            let texts = try await server.rawEvents().map(\.text)
            #expect(Set(texts) == [#"{"text":"plain is signed"}"#, #"{"text":"packed is signed"}"#])
            let broken = try await server.deliver("{}", headers: ["Content-Encoding": "gzip"])
            #expect(broken.status == 400)
        }
    }
}
