import Common
import Foundation
import Synchronization
import Testing
import Webhook

/// A number that tasks share.
final class Counter: Sendable {
    private let number = Mutex(0)
    var value: Int { number.withLock { $0 } }
    func add(_ count: Int = 1) { number.withLock { $0 += count } }
}

@Suite struct LoadTests {
    @Test func aThousandDeliveriesAtOnceAreEachOnTheLogOnce() async throws {
        try await TestServer.run(World()) { server in
            let accepted = Counter()
            try await withThrowingTaskGroup(of: Void.self) { group in
                for i in 0..<1000 {
                    if i >= 100 { try await group.next() }
                    group.addTask {
                        if try await server.deliver(#"{"n":\#(i)}"#, id: "d\(i)").status == 202 { accepted.add() }
                    }
                }
                try await group.waitForAll()
            }
            #expect(accepted.value == 1000)
            let events = try await server.rawEvents()
            #expect(events.count == 1000 && Set(events.map(\.text)).count == 1000)
        }
    }

    @Test func aStreamThatIsSentTooMuchSaysWhenToComeAgain() async throws {
        var settings = WebhookSettings()
        settings.deliveriesPerSecond = 1
        let clock = Clock()
        try await TestServer.run(World(), settings: settings, now: { clock.now }) { server in
            #expect(try await server.deliver("1").status == 202)
            #expect(try await server.deliver("2").status == 202)
            let refused = try await server.deliver("3")
            #expect(refused.status == 429 && refused.headers["retry-after"] == "1")
            // Another stream is not concerned.
            #expect(try await server.send("POST", "/hooks/\(server.world.form.id)").status == 401)
            clock.advance(bySeconds: 1)
            #expect(try await server.deliver("3").status == 202)
        }
    }

    @Test func bytesInFlightAreBounded() async throws {
        var settings = WebhookSettings()
        settings.maximumBytesInFlight = 20_000
        try await TestServer.run(World(), settings: settings) { server in
            let text = #"{"text":"\#(String(repeating: "a", count: 30_000))"}"#
            let refused = try await server.deliver(text)
            #expect(refused.status == 503 && refused.headers["retry-after"] == "5")
            // What was refused does not count any more.
            for i in 0..<5 {
                #expect(
                    try await server.deliver(#"{"n":\#(i),"t":"\#(String(repeating: "a", count: 15_000))"}"#).status
                        == 202)
            }
        }
    }

    @Test(.timeLimit(.minutes(1))) func aBodyThatDripsIsCutOff() async throws {
        var settings = WebhookSettings()
        settings.bodySeconds = 1
        try await TestServer.run(World(), settings: settings) { server in
            let head =
                "POST /hooks/\(server.world.signed.id) HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n"
            let drip = [[UInt8]](repeating: [0x20], count: 40)
            let begun = ContinuousClock.now
            let answer = try await RawHTTP(port: server.port).exchange(
                [Array(head.utf8)] + drip, pause: .milliseconds(200))
            #expect(answer.status == 0 || answer.status == 400)
            #expect(ContinuousClock.now - begun < .seconds(12))
            #expect(try await server.deliver("{}").status == 202)
            #expect(try await server.rawEvents().count == 1)
        }
    }

    @Test(.timeLimit(.minutes(1))) func aBodyShorterThanItsLengthIsNotTakenIn() async throws {
        try await TestServer.run(World()) { server in
            let body = Array("{}".utf8)
            let head = """
                POST /hooks/\(server.world.signed.id) HTTP/1.1\r
                Host: localhost\r
                Content-Type: application/json\r
                X-Signature: \(World.signature(of: body, World.secret))\r
                Content-Length: 20\r
                \r

                """
            let answer = try await RawHTTP(port: server.port).exchange(
                [Array(head.utf8) + body], closesAfterwards: true)
            #expect(answer.status != 202)
            #expect(try await server.rawEvents().isEmpty)
        }
    }
}
