import ByteJSON
import Client
import Common
import Demo
import Foundation
import Glibc
import TestKit
import Testing

/// Whether more parsers shorten the wait, where each has a share of the processors as containers have.
@Suite("More parsers", .serialized)
struct MoreParsersTests {
    /// `EARSHOT_TEST_PARSER_SHARE`: percent of one core that each parser may use, held by `cpulimit`.
    private static let share = ProcessInfo.processInfo.environment["EARSHOT_TEST_PARSER_SHARE"].flatMap { Int($0) }
    /// `EARSHOT_TEST_PARSERS`: only so many, for a real broker, which must be a new one each time.
    private static let only = ProcessInfo.processInfo.environment["EARSHOT_TEST_PARSERS"].flatMap { Int($0) }
    private static let events =
        ProcessInfo.processInfo.environment["EARSHOT_TEST_EVENTS"].flatMap { Int($0) } ?? 100_000

    @Test(
        "two that join one while events wait shorten the wait, lose nothing and double nothing",
        .enabled(
            if: share != nil, "SKIPPED: EARSHOT_TEST_PARSER_SHARE=25 bounds each parser to so many percent of a core"),
        .timeLimit(.minutes(20)))
    func shorterWait() async throws {
        let share = try #require(Self.share)
        if let only = Self.only {
            let outcome = try await Self.run(parsers: only, share: share)
            let busy = outcome.busy.map { String(format: "%.1f s", $0) }.joined(separator: ", ")
            print("\(Self.events) events, \(only) parsers with \(share)% of a core: \(outcome.time); each \(busy)")
            return
        }
        let one = try await Self.run(parsers: 1, share: share)
        let three = try await Self.run(parsers: 3, share: share)
        print(
            """
            \(Self.events) events, each parser with \(share)% of a core: one parser \(one.time), three \(three.time); \
            by each of the three: \(three.busy.map { String(format: "%.1f s", $0) }.joined(separator: ", "))
            """)
        #expect(one.stored == three.stored)
        #expect(three.time < one.time * 0.6)
    }

    private struct Outcome {
        var time: Duration
        var stored: Int64
        /// Seconds that each parser was at work.
        var busy: [Double]
    }

    /// Imports everything while no parser runs, then times how long it waits.
    private static func run(parsers count: Int, share: Int) async throws -> Outcome {
        let installation = try await DistributedInstallation()
        defer { installation.kill() }
        try await installation.start()
        let client = try await installation.client(account: "Parsers")
        let made = try await client.json(
            "POST", "/CreateWorkspace",
            body: ["name": "Parsers", "feedback_entities": [["connector": "jsonl", "name": "Reviews"]]])
        let stream = try #require(made["streams"]?[0]?["stream_id"]?.string)
        try installation.process("parser").kill()
        try await load(to: stream, with: client)

        var running = [try installation.process("parser")]
        let begun = ContinuousClock.now
        try await running[0].start()
        var limits = [try running[0].limited(to: share)]
        // The others join while it works.
        for number in 1..<max(1, count) {
            let another = try installation.another("parser", number: number + 1)
            try await another.start()
            limits.append(try another.limited(to: share))
            running.append(another)
        }
        var busy: [Double] = []
        while true {
            let lag = try await running[0].metric("earshot_consumer_lag", containing: #"topic="earshot.raw""#)
            if lag == 0 { break }
            try await Task.sleep(for: .milliseconds(100))
        }
        let time = ContinuousClock.now - begun
        for parser in running {
            busy.append(
                try await parser.metric("earshot_stage_busy_seconds_total", containing: #"stage="parser""#) ?? 0)
        }
        for limit in limits {
            limit.send(SIGKILL)
            limit.wait()
        }
        // It may have been stopped for its share just then.
        for parser in running { parser.thaw() }
        try await installation.settle(within: .seconds(300))
        let books = try await installation.doctor(deep: true)
        #expect(books["balanced"]?.bool == true && books["healthy"]?.bool == true, "\(JSONText(books))")
        #expect(books["accepted"]?.int64 == Int64(events), "\(JSONText(books))")
        return Outcome(time: time, stored: books["stored"]?.int64 ?? -1, busy: busy)
    }

    private static func load(to stream: String, with client: APIClient) async throws {
        let texts = World.generate(seed: 3, items: 4000).items.filter { $0.fate == .ordinary }.map(\.text)
        let chunk = 5000
        for start in stride(from: 0, to: events, by: chunk) {
            var body: [UInt8] = []
            for number in start..<min(start + chunk, events) {
                var w = JSONWriter()
                w.beginObject()
                w.member("id", number)
                w.member("text", "\(texts[number % texts.count]) \(number)")
                w.member("created_at", Timestamp(milliseconds: 1_760_000_000_000 - Int64(number) * 60_000).description)
                w.endObject()
                body += w.bytes + [0x0A]
            }
            try await client.send(
                "POST", "/v1/streams/\(stream)/imports", query: [("key", "bulk"), ("first_row", String(start + 1))],
                body: body, contentType: "application/x-ndjson")
        }
    }
}
