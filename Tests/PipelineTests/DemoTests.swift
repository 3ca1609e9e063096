import ByteJSON
import Common
import Demo
import Foundation
import TestKit
import Testing

/// The demonstration as continuous integration runs it.
@Suite("The demonstration", .serialized)
struct DemoTests {
    @Test("in its own world shows numbers that equal the truth", .timeLimit(.minutes(10)))
    func world() throws {
        let (status, output) = try ServerProcess.run(["demo", "--once", "--json", "--items", "5000"])
        let answer = try JSONDocument(parsing: output).root
        #expect(status == 0, "\(JSONText(answer["checks"]))")
        try Self.addUp(answer)
        #expect(answer["checks"].map { $0.elements.contains { $0["holds"]?.bool != true } } == false)
    }

    @Test(
        "on recorded feedback accounts for every record", .enabled(if: Fixtures.recorded.isPresent),
        .timeLimit(.minutes(10)))
    func corpus() throws {
        let folder = try Fixtures.recorded.path("corpus")
        let (status, output) = try ServerProcess.run(["demo", "--once", "--json", "--corpus", folder])
        #expect(status == 0)
        try Self.addUp(try JSONDocument(parsing: output).root)
    }

    @Test("follows a forum: what was said in the last week, and no more", .timeLimit(.minutes(5)))
    func live() async throws {
        let world = World.generate(seed: 11, items: 12_000)
        let forum = Forum(of: world, endingAt: Timestamp.now.advanced(bySeconds: -60))
        let recent = forum.postCount(since: Timestamp.now.advanced(bySeconds: -7 * 86_400))
        try #require(recent > 20 && recent < forum.postCount / 2)
        let server = ForumServer(forum, refuseEvery: 7)
        try await withRunning(server) {
            let port = try #require(await server.port())
            let (status, output) = try await onAThread {
                try ServerProcess.run(
                    ["demo", "--live", "http://127.0.0.1:\(port)", "--once", "--json"],
                    environment: ["EARSHOT_FETCH_ALLOW_ADDRESSES": "127.0.0.0/8"])
            }
            #expect(status == 0)
            let answer = try JSONDocument(parsing: output).root
            try Self.addUp(answer)
            // a minute may pass between our clock and the other's
            #expect((recent - 2...recent).contains(Int(answer["accepted"]?.int64 ?? 0)))
            #expect(answer["dead"]?.int64 == 0)
        }
    }

    @Test("of a forum that may not be asked says so, and does not wait for ever")
    func refused() async throws {
        let server = ForumServer(Forum(of: World.generate(seed: 1, items: 100)))
        try await withRunning(server) {
            let port = try #require(await server.port())
            let (status, _) = try await onAThread {
                try ServerProcess.run(["demo", "--live", "http://127.0.0.1:\(port)", "--once", "--json"])
            }
            #expect(status == 1, "loopback is not allowed here")
        }
    }

    private static func addUp(_ answer: JSONValue) throws {
        func number(_ name: String) throws -> Int64 { try #require(answer[name]?.int64, "\(name)") }
        let settled = try ["stored", "duplicate", "merged", "filtered", "dead"].reduce(0) { $0 + (try number($1)) }
        #expect(try number("accepted") == settled)
        #expect(try number("accepted") > 0)
        #expect(answer["report"]?["totals"]?["feedback"]?.int64 ?? 0 > 0)
    }
}
