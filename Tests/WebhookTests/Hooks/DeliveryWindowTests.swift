import Common
import Foundation
import Testing
import Webhook

@Suite struct DeliveryWindowTests {
    @Test func aRepeatedDeliveryIsAnswered200AndNotTakenInAgain() async throws {
        try await TestServer.run(World()) { server in
            #expect(try await server.deliver(#"{"text":"once"}"#, id: "d1").status == 202)
            let again = try await server.deliver(#"{"text":"once"}"#, id: "d1")
            #expect(again.status == 200 && again.text == #"{"status":"duplicate","delivery":"d1"}"#)
            // Without an id, what it brings is what it is.
            #expect(try await server.deliver(#"{"text":"no id"}"#).status == 202)
            #expect(try await server.deliver(#"{"text":"no id"}"#).status == 200)
            #expect(try await server.deliver(#"{"text":"another"}"#).status == 202)
            #expect(try await server.rawEvents().count == 3)
        }
    }

    @Test func aRestartKeepsTheWindow() async throws {
        let folder = try Folder()
        let world = try World()
        try await TestServer.run(world, folder: folder) { (server) async throws in
            for i in 0..<50 { #expect(try await server.deliver(#"{"n":\#(i)}"#, id: "d\(i)").status == 202) }
        }
        try await TestServer.run(world, folder: folder) { (server) async throws in
            for i in 0..<50 { #expect(try await server.deliver(#"{"n":\#(i)}"#, id: "d\(i)").status == 200) }
            #expect(try await server.deliver(#"{"n":50}"#, id: "d50").status == 202)
            #expect(try await server.rawEvents().count == 51)
        }
    }

    @Test func theWindowIsBoundedByCountAndTime() async throws {
        var settings = WebhookSettings()
        settings.rememberedDeliveries = 3
        try await TestServer.run(World(), settings: settings) { (server) async throws in
            for i in 0..<4 { #expect(try await server.deliver(#"{"n":\#(i)}"#, id: "d\(i)").status == 202) }
            #expect(try await server.deliver(#"{"n":1}"#, id: "d1").status == 200)
            #expect(try await server.deliver(#"{"n":0}"#, id: "d0").status == 202)
        }
        let clock = Clock()
        settings.rememberedDeliveries = 100
        settings.rememberedSeconds = 60
        try await TestServer.run(World(), settings: settings, now: { clock.now }) { (server) async throws in
            #expect(try await server.deliver("{}", id: "a").status == 202)
            clock.advance(bySeconds: 50)
            #expect(try await server.deliver("{}", id: "a").status == 200)
            clock.advance(bySeconds: 50)
            #expect(try await server.deliver("{}", id: "b").status == 202)  // lets go of what is too old
            #expect(try await server.deliver("{}", id: "a").status == 202)
        }
    }

    @Test func nothingIsAcknowledgedBeforeTheLogHasIt() async throws {
        try await TestServer.run(World(), log: { FaultyLog($0, delay: .milliseconds(400)) }) { server in
            let begun = ContinuousClock.now
            let answer = try await server.deliver("{}", id: "d")
            #expect(answer.status == 202)
            #expect(ContinuousClock.now - begun >= .milliseconds(400))
            #expect(try await server.rawEvents().count == 1)
        }
    }

    @Test func ofADuplicateStormOneIsTakenIn() async throws {
        try await TestServer.run(World(), log: { FaultyLog($0, delay: .milliseconds(30)) }) { server in
            let statuses = try await withThrowingTaskGroup(of: Int.self) { group in
                for i in 0..<200 {
                    group.addTask { try await server.deliver(#"{"n":\#(i % 4)}"#, id: "d\(i % 4)").status }
                }
                return try await group.reduce(into: [:]) { $0[$1, default: 0] += 1 }
            }
            #expect(statuses == [202: 4, 200: 196])
            #expect(try await server.rawEvents().count == 4)
        }
    }

    @Test func aDeliveryThatCouldNotBeStoredIsTakenInWhenItComesAgain() async throws {
        nonisolated(unsafe) var faulty: FaultyLog!
        try await TestServer.run(
            World(),
            log: {
                faulty = FaultyLog($0, isDown: true, delay: .milliseconds(20)); return faulty
            }
        ) { server in
            // All wait for the one that fails, then each tries in turn and fails: none may be called a duplicate.
            let statuses = try await withThrowingTaskGroup(of: Answer.self) { group in
                for _ in 0..<8 { group.addTask { try await server.deliver("{}", id: "d") } }
                return try await group.reduce(into: []) { $0.append($1) }
            }
            #expect(statuses.allSatisfy { $0.status == 503 && $0.headers["retry-after"] == "5" })
            faulty.set(isDown: false)
            #expect(try await server.deliver("{}", id: "d").status == 202)
            #expect(try await server.deliver("{}", id: "d").status == 200)
            #expect(faulty.appends == 1)
        }
    }
}

/// A clock that a test sets.
final class Clock: Sendable {
    private let seconds = Counter()
    private let start = Timestamp.now
    var now: Timestamp { start.advanced(bySeconds: Double(seconds.value)) }
    func advance(bySeconds count: Int) { seconds.add(count) }
}
