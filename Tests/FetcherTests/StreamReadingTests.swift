import ByteJSON
import Common
import Foundation
import TestKit
import Testing

@testable import Fetcher

@Suite struct ReadingATracker {
    private static let start = Bench.created

    private func bench(_ provider: Provider, backfillSince: Timestamp? = nil, secrets: [String: JSON]? = nil)
        async throws -> Bench
    {
        try await Bench(
            connector: "github", config: ["api_url": .string(provider.url)], entity: ["repository": "acme/app"],
            secrets: secrets, backfillSince: backfillSince, now: { Self.start.advanced(bySeconds: 86_400) })
    }

    private func provider<Value: Sendable>(
        _ tracker: Shared<Tracker>, onCall: @escaping @Sendable (inout Tracker) -> Void = { _ in },
        _ body: (Provider) async throws -> Value
    ) async throws -> Value {
        let address = Shared("")
        return try await Provider.run({ call in
            tracker.with { tracker in
                if call.path == "/repos/acme/app/issues" {
                    tracker.calls += 1
                    onCall(&tracker)
                }
                return tracker.page(call, url: address.value)
            }
        }) { provider in
            address.with { $0 = provider.url }
            return try await body(provider)
        }
    }

    @Test func readsWhatIsNewVerbatimWithItsFacts() async throws {
        let tracker = Shared(Tracker())
        tracker.with { tracker in
            for id in 1...250 { tracker.put(id, at: Self.start.advanced(bySeconds: Double(id))) }
        }
        try await provider(tracker) { provider in
            let bench = try await bench(provider)
            #expect(try await bench.visit())
            let raw = try await bench.raw()
            #expect(raw.compactMap(\.id).sorted() == (1...250).map(Int64.init))
            let first = try #require(raw.first { $0.id == 1 })
            #expect(first.value == Array(tracker.value.issues[0].json.utf8))
            #expect(first.headers["how"] == "pull")
            #expect(first.headers["source"] == "issues")
            #expect(first.headers["connector"] == "github@1")
            #expect(first.headers["stream"] == bench.stream.id.rawValue)
            #expect(
                first.key
                    == FeedbackID.derive(
                        workspace: bench.workspace.id, connector: "github", instance: "acme/app", externalID: "issue/1"
                    ).rawValue)

            #expect(try await bench.visit())
            #expect(try await bench.raw().count == 250, "a second look finds nothing new")
            tracker.with { $0.put(7, at: Self.start.advanced(bySeconds: 5000), "edited") }
            #expect(try await bench.visit())
            #expect(try await bench.raw().count == 251)
        }
    }

    /// Arrivals and edits in the middle of paging, all in one second: each state once, none missed.
    @Test func fiveHundredInOneSecondWhilePeopleWrite() async throws {
        let tie = Self.start.advanced(bySeconds: 100)
        let tracker = Shared(Tracker())
        tracker.with { tracker in
            for id in 1...50 { tracker.put(id, at: Self.start.advanced(bySeconds: Double(id))) }
            for id in 51...550 { tracker.put(id, at: tie) }
        }
        try await provider(
            tracker,
            onCall: { tracker in
                let call = tracker.calls
                guard call <= 9 else { return }
                tracker.put(1000 + call, at: tie)  // arrives within the second
                tracker.put(60 + call, at: tie.advanced(bySeconds: Double(call)), "edited")  // leaves it
            }
        ) { provider in
            let bench = try await bench(provider)
            #expect(try await bench.visit())
            #expect(try await bench.visit())
            let raw = try await bench.raw()
            let states = raw.map { String(decoding: $0.value, as: UTF8.self) }
            #expect(Set(states).count == states.count, "no state was read twice")
            let final = Set(tracker.value.issues.map(\.json))
            #expect(final.subtracting(states).count == 0, "no final state was missed")
        }
    }

    @Test func pullRequestsAreLeftOutAndMalformedItemsAreNot() async throws {
        let tracker = Shared(Tracker())
        tracker.with { tracker in
            tracker.put(1, at: Self.start.advanced(bySeconds: 1))
            tracker.issues.append(.init(id: 2, updatedAt: Self.start.advanced(bySeconds: 2), body: "p", isPull: true))
            tracker.issues.append(
                .init(id: 3, updatedAt: Self.start.advanced(bySeconds: 3), body: "m", isMalformed: true))
        }
        try await provider(tracker) { provider in
            let bench = try await bench(provider)
            for _ in 1...3 { try await bench.visit() }
            let raw = try await bench.raw()
            #expect(raw.count == 2)
            #expect(raw.contains { $0.id == nil && $0.key?.hasPrefix("st_") == true })
        }
    }

    @Test func backfillReadsWhatWasBeforeAndNothingTwice() async throws {
        let tracker = Shared(Tracker())
        tracker.with { tracker in
            for id in 1...1200 { tracker.put(id, at: Self.start.advanced(bySeconds: Double(id - 1100) * 60)) }
        }
        try await provider(tracker) { provider in
            var bench = try await bench(provider, backfillSince: Self.start.advanced(bySeconds: -60_000))
            bench.settings.backfillPages = 3
            #expect(try await bench.visit())
            #expect(try await bench.raw().compactMap(\.id).sorted() == (1100...1200).map(Int64.init))
            var slices = 0
            while try await !bench.visit(.backfill) { slices += 1 }
            #expect(slices >= 2, "it gave way in between")
            #expect(try await bench.raw().compactMap(\.id).sorted() == (100...1200).map(Int64.init))
            #expect(try await bench.visit(.backfill))
            #expect(try await bench.raw().count == 1101)
        }
    }

    @Test func secretsGoWithTheRequestAndNowhereElse() async throws {
        let seen = Shared<Set<String>>([])
        try await Provider.run({ call in
            seen.with { _ = $0.insert(call.headers["authorization"] ?? "") }
            return .json("[]")
        }) { provider in
            let bench = try await bench(provider, secrets: ["token": "very-secret"])
            try await bench.visit()
            #expect(seen.value == ["Bearer very-secret"])
            let texts = try await bench.database.read { connection in
                try connection.query("SELECT cursor FROM checkpoint") { $0.text(0) }
            }
            #expect(!texts.joined().contains("very-secret"))
        }
    }

    @Test func anUnchangedPageCostsNothing() async throws {
        let calls = Shared<[String?]>([])
        try await Provider.run({ call in
            guard call.path.hasSuffix("/issues") else { return .json("[]") }
            calls.with { $0.append(call.headers["if-none-match"]) }
            if call.headers["if-none-match"] == "\"a\"" { return Provider.Reply(status: 304) }
            return .json(
                "[" + Tracker.Issue(id: 1, updatedAt: Self.start.advanced(bySeconds: 1), body: "b").json + "]",
                headers: ["ETag": "\"a\""])
        }) { provider in
            let bench = try await bench(provider)
            for _ in 1...4 { #expect(try await bench.visit()) }
            #expect(try await bench.raw().count == 1)
            #expect(calls.value.first == .some(nil))
            #expect(calls.value.last == "\"a\"")
        }
    }

    @Test func aServerThatRepeatsItselfForEverIsLeft() async throws {
        let calls = Shared(0)
        let address = Shared("")
        try await Provider.run({ call in
            guard call.path.hasSuffix("/issues") else { return .json("[]") }
            calls.with { $0 += 1 }
            let items = (1...3).map { id in Tracker.Issue(id: id, updatedAt: Self.start, body: "b").json }
            return .json(
                "[" + items.joined(separator: ",") + "]",
                headers: ["Link": "<\(address.value)/repos/acme/app/issues?page=2>; rel=\"next\""])
        }) { provider in
            address.with { $0 = provider.url }
            let bench = try await bench(provider)
            #expect(try await bench.visit())
            #expect(try await bench.raw().count == 3)
            #expect(calls.value < 20)
        }
    }

    @Test func aConnectionThatKeepsFailingIsLeftAloneAndProbed() async throws {
        let calls = Shared(0)
        let works = Shared(false)
        let now = Shared(Self.start)
        try await Provider.run({ _ in
            calls.with { $0 += 1 }
            return works.value ? .json("[]") : Provider.Reply(status: 500)
        }) { provider in
            var bench = try await Bench(
                connector: "github", config: ["api_url": .string(provider.url)], entity: ["repository": "acme/app"],
                now: { now.value })
            bench.settings.retries = 0
            let equipment = bench.equipment(breaker: CircuitBreaker(threshold: 2, pause: 30))
            for _ in 1...2 {
                await #expect(throws: ReadFailure.transient("the provider answered 500")) {
                    try await bench.visit(equipment: equipment)
                }
            }
            let until = Self.start.advanced(bySeconds: 30)
            await #expect(throws: ReadFailure.broken(until: until, reason: "the provider answered 500")) {
                try await bench.visit(equipment: equipment)
            }
            #expect(calls.value == 2, "nothing was asked while it is open")
            now.with { $0 = until }
            await #expect(throws: ReadFailure.self) { try await bench.visit(equipment: equipment) }
            #expect(calls.value == 3, "one probe")
            works.with { $0 = true }
            now.with { $0 = until.advanced(bySeconds: 60) }
            #expect(try await bench.visit(equipment: equipment))
        }
    }

    @Test func whatMayPassIsTriedAgain() async throws {
        let calls = Shared(0)
        try await Provider.run({ _ in
            calls.with { $0 += 1 }
            return calls.value < 4 ? Provider.Reply(status: 503) : .json("[]")
        }) { provider in
            let bench = try await bench(provider)
            #expect(try await bench.visit())
            #expect(calls.value == 5)
        }
    }

    @Test func aNextPageOnAnotherHostIsRefused() async throws {
        let away = Shared(0)
        try await Provider.run({ _ in
            away.with { $0 += 1 }
            return .json("[]")
        }) { other in
            try await Provider.run({ call in
                guard call.path.hasSuffix("/issues") else { return .json("[]") }
                let items = (1...3).map { id in Tracker.Issue(id: id, updatedAt: Self.start, body: "b").json }
                return .json(
                    "[" + items.joined(separator: ",") + "]", headers: ["Link": "<\(other.url)/steal>; rel=\"next\""])
            }) { provider in
                let bench = try await bench(provider, secrets: ["token": "very-secret"])
                await #expect(throws: ReadFailure.self) { try await bench.visit() }
                #expect(away.value == 0)
                #expect(try await bench.raw().count == 3, "what the first page held was kept")
            }
        }
    }
}

@Suite struct ReadingAForum {
    private static let start = Bench.created

    private func bench(_ provider: Provider, query: String? = nil, backfillSince: Timestamp? = nil) async throws
        -> Bench
    {
        try await Bench(
            connector: "discourse", config: ["base_url": .string(provider.url)],
            entity: query.map { ["query": .string($0)] } ?? [:], backfillSince: backfillSince,
            now: { Self.start.advanced(bySeconds: 86_400) })
    }

    private func board(_ count: Int, topics: Int = 7, before: Int) -> Board {
        Board(
            posts: (1...count).map { id in
                .init(
                    id: id, topic: id % topics + 1, createdAt: Self.start.advanced(bySeconds: Double(id - before) * 60),
                    raw: "r")
            })
    }

    @Test(arguments: [false, true]) func keysetEndsWithEitherKindOfServer(isInclusive: Bool) async throws {
        var board = board(430, before: 400)
        board.isInclusive = isInclusive
        let shared = Shared(board)
        try await Provider.run({ call in shared.with { $0.answer(call) } }) { provider in
            let bench = try await bench(provider, backfillSince: Self.start.advanced(bySeconds: -1_000_000))
            #expect(try await bench.visit())
            while try await !bench.visit(.backfill) {}
            #expect(try await bench.raw().compactMap(\.id).sorted() == (1...430).map(Int64.init))
            shared.with {
                $0.posts.append(.init(id: 431, topic: 1, createdAt: Self.start.advanced(bySeconds: 4000), raw: "new"))
            }
            #expect(try await bench.visit())
            #expect(try await bench.raw().count == 431)
        }
    }

    @Test(arguments: [false, true]) func searchIsSlicedWhereItShowsNoMore(loops: Bool) async throws {
        // 900 topics within 30 days, more than the 500 that one query shows.
        var board = Board()
        board.loopsAtPageEleven = loops
        for topic in 1...900 {
            board.posts.append(
                .init(
                    id: topic, topic: topic, createdAt: Self.start.advanced(bySeconds: Double(topic - 900) * 2400),
                    raw: "r"))
        }
        let shared = Shared(board)
        let eleventh = Shared(0)
        try await Provider.run({ call in
            if call["page"] == "11" { eleventh.with { $0 += 1 } }
            return shared.with { $0.answer(call) }
        }) { provider in
            var bench = try await bench(
                provider, query: "tags:feedback", backfillSince: Self.start.advanced(bySeconds: -25 * 86_400))
            bench.settings.checkpointEvery = 0.25
            #expect(try await bench.visit())
            while try await !bench.visit(.backfill) {}
            #expect(try await bench.raw().compactMap(\.id).sorted() == (1...900).map(Int64.init))
            #expect(eleventh.value == 0)
        }
    }

    @Test func topicsAreReadWithAllTheirPosts() async throws {
        var board = Board()
        for id in 1...130 {
            board.posts.append(.init(id: id, topic: 5, createdAt: Self.start.advanced(bySeconds: Double(id)), raw: "r"))
        }
        let shared = Shared(board)
        let asked = Shared<[String]>([])
        try await Provider.run({ call in
            asked.with { $0.append(call.path) }
            return shared.with { $0.answer(call) }
        }) { provider in
            let bench = try await bench(provider, query: "tags:feedback")
            #expect(try await bench.visit())
            let raw = try await bench.raw()
            #expect(raw.compactMap(\.id).sorted() == (1...130).map(Int64.init))
            let contexts = raw.compactMap { $0.headers["context"] }
            #expect(contexts.count == 130)
            #expect(
                contexts.allSatisfy { $0.contains("\"topic_title\":\"Topic 5\"") },
                "later batches keep the topic's facts")

            // A reply makes the topic read again; only what is new is taken, and only what is new is asked for.
            asked.with { $0 = [] }
            shared.with {
                $0.posts.append(.init(id: 131, topic: 5, createdAt: Self.start.advanced(bySeconds: 500), raw: "reply"))
            }
            #expect(try await bench.visit())
            #expect(try await bench.raw().count == 131)
            #expect(asked.value == ["/search.json", "/t/5.json", "/t/5/posts.json"])
        }
    }

    @Test func aTopicThatWentAwayStopsNothing() async throws {
        let shared = Shared(board(20, topics: 4, before: 0))
        try await Provider.run({ call in
            call.path == "/t/2.json" ? Provider.Reply(status: 404, body: "{}") : shared.with { $0.answer(call) }
        }) { provider in
            let bench = try await bench(provider, query: "tags:feedback")
            #expect(try await bench.visit())
            #expect(try await bench.raw().count == 15)
        }
    }
}
