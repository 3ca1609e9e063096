import ByteJSON
import Common
import Foundation
import ServiceKit
import TestKit
import Testing

@testable import Fetcher

@Suite struct TheFetcher {
    private func bench(
        _ provider: Provider, pollEvery: Int? = 3600, backfillSince: Timestamp? = nil, createdAt: Timestamp = .now
    ) async throws -> Bench {
        try await Bench(
            connector: "discourse", config: ["base_url": .string(provider.url)], pollEvery: pollEvery,
            backfillSince: backfillSince, createdAt: createdAt)
    }

    private func board(_ count: Int) -> Shared<Board> {
        let now = Timestamp.now
        return Shared(
            Board(
                posts: (1...count).map { id in
                    .init(id: id, topic: 1, createdAt: now.advanced(bySeconds: Double(id - count - 60) * 60), raw: "r")
                }))
    }

    @Test func readsLiveThenBackfillsAndSaysSo() async throws {
        let board = board(300)
        try await Provider.run({ call in board.value.answer(call) }) { provider in
            let bench = try await bench(provider, backfillSince: Timestamp.now.advanced(bySeconds: -1_000_000))
            try await bench.running {
                try await waitUntil("everything is read") { bench.status()?.state == .current }
                #expect(try await bench.raw().compactMap(\.id).sorted() == (1...300).map(Int64.init))
                let status = try #require(bench.status())
                #expect(status.itemsRead == 300)
                #expect(status.caughtUpTo != nil)
            }
        }
    }

    @Test func fetchesWhenAsked() async throws {
        let board = board(10)
        try await Provider.run({ call in board.value.answer(call) }) { provider in
            let bench = try await bench(provider, backfillSince: Timestamp.now.advanced(bySeconds: -1_000_000))
            try await bench.running {
                try await waitUntil("it is caught up") { bench.status()?.state == .current }
                board.with { $0.posts.append(.init(id: 11, topic: 1, createdAt: .now, raw: "new")) }
                try await ask(bench, FetchRequest(stream: bench.stream.id, requestedAt: .now))
                try await waitUntil("the new post is read") { try await bench.raw().count == 11 }

                try await ask(
                    bench,
                    FetchRequest(
                        stream: bench.stream.id, requestedAt: .now,
                        backfillSince: Timestamp.now.advanced(bySeconds: -2_000_000)))
                try await waitUntil("everything is read again") { try await bench.raw().count >= 22 }
                #expect(try await bench.raw().count == 22)
                try await waitUntil("the requests are done") { try await bench.store.openRequests().isEmpty }
            }
        }
    }

    @Test func readsAnewWhatAnotherEntityHas() async throws {
        let board = board(120)
        try await Provider.run({ call in board.value.answer(call) }) { provider in
            let bench = try await bench(provider, backfillSince: Timestamp.now.advanced(bySeconds: -1_000_000))
            var changed = bench.stream
            try await bench.running {
                try await waitUntil("everything is read") { bench.status()?.state == .current }
                #expect(try await bench.raw().count == 120)

                changed.entity = ["label": "one"]
                try await bench.directory.publish([.stream(changed)])
                try await waitUntil("everything is read anew") { try await bench.raw().count == 240 }
                try await waitUntil("and it says so") { bench.status()?.state == .current }
            }
            // changed while nobody looks, and not changed
            changed.entity = ["label": "another"]
            try await bench.directory.publish([.stream(changed)])
            for _ in 0..<2 {
                try await bench.running {
                    try await waitUntil("everything is read once more") {
                        try await bench.raw().count == 360 && bench.status()?.state == .current
                    }
                }
            }
            #expect(try await bench.raw().count == 360)
        }
    }

    @Test func readsWhatLiesBeforeAnEarlierBeginning() async throws {
        let board = board(300)  // one a minute
        try await Provider.run({ call in board.value.answer(call) }) { provider in
            let bench = try await bench(provider, backfillSince: Timestamp.now.advanced(bySeconds: -60 * 160))
            try await bench.running {
                try await waitUntil("the newer part is read") { bench.status()?.state == .current }
                let newer = try await bench.raw().count
                #expect((95...101).contains(newer))
                var earlier = bench.stream
                earlier.backfillSince = Timestamp.now.advanced(bySeconds: -1_000_000)
                try await bench.directory.publish([.stream(earlier)])
                try await waitUntil("all is read") {
                    Set(try await bench.raw().compactMap(\.id)).count == 300
                }
                #expect(try await bench.raw().count <= 302, "what was read is not read again")
            }
        }
    }

    @Test func aBackfillThatBeginsEarlierForgetsNothingOfAnUnfinishedOne() async throws {
        let board = board(300)
        try await Provider.run({ call in board.value.answer(call) }) { provider in
            let bench = try await bench(provider, backfillSince: Timestamp.now.advanced(bySeconds: -60 * 160))
            #expect(try await bench.visit(.live))
            #expect(try await bench.visit(.backfill, mustYield: { true }) == false)
            let first = try #require(try await bench.cursor(.backfill)?.range)
            var earlier = bench.stream
            earlier.backfillSince = first.from.advanced(bySeconds: -86_400)
            let again = bench.reading(earlier)
            while try await !again.visit(.backfill) {}
            let range = try #require(try await bench.cursor(.backfill)?.range)
            #expect(range.from == earlier.backfillSince)
            #expect(range.to == first.to)
            #expect(Set(try await bench.raw().compactMap(\.id)).count == 300)
        }
    }

    private func ask(_ bench: Bench, _ request: FetchRequest) async throws {
        var batch = RecordBatch()
        batch.append(key: request.stream.rawValue, value: Array(try JSONEncoder().encode(request)))
        try await bench.log.append(batch, to: .fetchRequests)
    }

    @Test func saysUntilWhenTheQuotaIsUsedUp() async throws {
        try await Provider.run({ _ in
            Provider.Reply(status: 429, headers: ["Retry-After": "100"], body: "Slow down")
        }) { provider in
            let bench = try await bench(provider)
            try await bench.running {
                try await waitUntil("it waits") { bench.status()?.state == .waitingForQuota }
                let until = try #require(bench.status()?.until)
                #expect(abs(until.milliseconds - Timestamp.now.milliseconds - 100_000) < 20_000)
            }
        }
    }

    @Test func saysSinceWhenAndWhyItFails() async throws {
        let works = Shared(false)
        let board = board(5)
        try await Provider.run({ call in
            works.value ? board.value.answer(call) : Provider.Reply(status: 403, body: #"{"errors":["no"]}"#)
        }) { provider in
            let bench = try await bench(provider)
            try await bench.running {
                try await waitUntil("it fails") { bench.status()?.state == .failing }
                #expect(bench.status()?.since != nil)
                #expect(bench.status()?.reason?.contains("login") == true)
                works.with { $0 = true }
                try await ask(bench, FetchRequest(stream: bench.stream.id, requestedAt: .now))
                try await waitUntil("it works again") { bench.status()?.state == .current }
            }
        }
    }

    @Test func leavesAPausedStreamAlone() async throws {
        let calls = Shared(0)
        try await Provider.run({ _ in
            calls.with { $0 += 1 }
            return .json(#"{"latest_posts":[]}"#)
        }) { provider in
            let bench = try await bench(provider)
            var paused = bench.stream
            paused.status = .paused
            try await bench.directory.publish([.stream(paused)])
            try await bench.running {
                try await waitUntil("it is paused") { bench.status()?.state == .paused }
                #expect(calls.value == 0)
                try await bench.directory.publish([.stream(bench.stream)])
                try await waitUntil("it is read") { bench.status()?.state == .current }
            }
        }
    }

    @Test func twoFetchersNeverReadOneStreamAtOnce() async throws {
        let concurrent = Shared((now: 0, most: 0))
        try await Provider.run({ _ in
            concurrent.with {
                $0.now += 1; $0.most = max($0.most, $0.now)
            }
            usleep(2000)
            concurrent.with { $0.now -= 1 }
            return .json(#"{"latest_posts":[]}"#)
        }) { provider in
            var bench = try await bench(provider, pollEvery: 0)
            bench.settings.isAlone = false
            let first = try await FetcherRole.build(bench.context, settings: bench.settings)
            bench.settings.name = "second"
            let second = try await FetcherRole.build(bench.context, settings: bench.settings)
            try await withRunning(bench.directory, first.services[1], second.services[1], logger: bench.context.logger)
            {
                try await Task.sleep(for: .milliseconds(400))
            }
            #expect(concurrent.value.most == 1)
        }
    }

    @Test func aLeaseThatChangedHandsRefusesTheOldHolder() async throws {
        let bench = try await Bench(connector: "github", config: [:])
        let store = bench.store
        let now = Timestamp.now
        let old = try #require(
            try await store.acquire(bench.stream.id, holder: "a", now: now, until: now.advanced(bySeconds: 1)))
        #expect(
            try await store.acquire(bench.stream.id, holder: "b", now: now, until: now.advanced(bySeconds: 9)) == nil)
        let later = now.advanced(bySeconds: 2)
        let new = try #require(
            try await store.acquire(bench.stream.id, holder: "b", now: later, until: later.advanced(bySeconds: 9)))
        #expect(new.fence == old.fence + 1)
        await #expect(throws: ReadFailure.lost) {
            _ = try await store.save(LaneCursor(), .live, replacing: 0, lease: old, until: later, items: 1, now: later)
        }
        let version = try await store.save(
            LaneCursor(), .live, replacing: 0, lease: new, until: later, items: 1, now: later)
        await #expect(throws: ReadFailure.lost) {
            _ = try await store.save(
                LaneCursor(), .live, replacing: version - 1, lease: new, until: later, items: 1, now: later)
        }
    }

    @Test func aCursorOfANewerProgramIsRefused() {
        #expect(throws: CursorError.self) { try LaneCursor(decoding: #"{"v":2,"sources":{}}"#) }
    }
}
