import ByteJSON
import Common
import Foundation
import ServiceKit
import TestKit
import Testing

@testable import Fetcher

@Suite("Several fetchers") struct SeveralFetchers {
    @Test("share streams: each is read by one, and once")
    func share() async throws {
        let board = Self.board(120)
        try await Provider.run({ call in board.value.answer(call) }) { provider in
            let bench = try await Self.bench(provider)
            let others = (0..<7).map { _ in
                var stream = bench.stream
                stream.id = .make()
                return stream
            }
            try await bench.directory.publish(others.map { .stream($0) })
            let streams = [bench.stream.id] + others.map(\.id)
            try await bench.running(fetchers: 3) {
                try await waitUntil("everything is read") { bench.are(streams, .current) }
                // Each fetcher looks again at what others had, half a second later.
                try await Task.sleep(for: .seconds(1.5))
                #expect(try await bench.counts() == Dictionary(uniqueKeysWithValues: streams.map { ($0, 120) }))

                var batch = RecordBatch()
                for stream in streams {
                    let request = FetchRequest(
                        stream: stream, requestedAt: .now,
                        backfillSince: Timestamp.now.advanced(bySeconds: -2_000_000))
                    batch.append(key: stream.rawValue, value: Array(try JSONEncoder().encode(request)))
                }
                try await bench.log.append(batch, to: .fetchRequests)
                try await waitUntil("everything is read again") {
                    try await bench.counts().values.allSatisfy { $0 >= 240 } && bench.are(streams, .current)
                }
                try await Task.sleep(for: .seconds(1.5))
                #expect(try await bench.counts() == Dictionary(uniqueKeysWithValues: streams.map { ($0, 240) }))
                #expect(try await bench.store.openRequests().isEmpty)
            }
        }
    }

    @Test("take over what a dead one held, when its time is over")
    func takeOver() async throws {
        let calls = Shared<[Timestamp]>([])
        let board = Self.board(5)
        try await Provider.run({ call in
            calls.with { $0.append(.now) }
            return board.value.answer(call)
        }) { provider in
            let bench = try await Self.bench(provider)
            let end = Timestamp.now.advanced(bySeconds: 1)
            _ = try #require(
                try await bench.store.acquire(bench.stream.id, holder: "dead", now: .now, until: end))
            try await bench.running(fetchers: 2) {
                try await waitUntil("it is read") { bench.status()?.state == .current }
            }
            #expect(try await bench.raw().count == 5)
            #expect(try #require(calls.value.first) >= end)
        }
    }

    @Test("take over at once what their predecessor of the same name held")
    func restart() async throws {
        let board = Self.board(5)
        try await Provider.run({ call in board.value.answer(call) }) { provider in
            let bench = try await Self.bench(provider)
            _ = try #require(
                try await bench.store.acquire(
                    bench.stream.id, holder: "fetcher 0", now: .now, until: Timestamp.now.advanced(bySeconds: 1000)))
            try await bench.running(fetchers: 1) {
                try await waitUntil("it is read") { bench.status()?.state == .current }
            }
        }
    }

    @Test("tell what one that read a stream to the end did not live to tell")
    func tellForOthers() async throws {
        let board = Self.board(5)
        try await Provider.run({ call in board.value.answer(call) }) { provider in
            let bench = try await Self.bench(provider)
            try await bench.running(fetchers: 1) {
                try await waitUntil("it is read") { bench.status()?.state == .current }
            }
            var before = try #require(bench.status())
            before.state = .backfilling
            try await bench.directory.publish(before)
            // Its next turn is in an hour.
            try await bench.running(fetchers: 1) {
                try await waitUntil("it is told") { bench.status()?.state == .current }
            }
        }
    }

    @Test("do what was asked of one that did not live to do it")
    func inheritRequests() async throws {
        let board = Self.board(5)
        try await Provider.run({ call in board.value.answer(call) }) { provider in
            let bench = try await Self.bench(provider)
            try await bench.running(fetchers: 2) {
                try await waitUntil("it is read") { bench.status()?.state == .current }
                board.with { $0.posts.append(.init(id: 6, topic: 1, createdAt: .now, raw: "new")) }
                try await bench.store.keep([FetchRequest(stream: bench.stream.id, requestedAt: .now)])
                try await waitUntil("the new post is read") { try await bench.raw().count == 6 }
            }
        }
    }

    @Test("do not ask where another was told to wait")
    func waitTogether() async throws {
        let calls = Shared(0)
        try await Provider.run({ _ in
            calls.with { $0 += 1 }
            return Provider.Reply(status: 429, headers: ["Retry-After": "100"], body: "Slow down")
        }) { provider in
            let bench = try await Self.bench(provider)
            try await bench.running(fetchers: 3) {
                try await waitUntil("it waits") { bench.status()?.state == .waitingForQuota }
                let asked = calls.value
                try await Task.sleep(for: .seconds(1.5))
                #expect(calls.value == asked)
                #expect(bench.status()?.state == .waitingForQuota)
            }
        }
    }

    private static func bench(_ provider: Provider) async throws -> Bench {
        var bench = try await Bench(
            connector: "discourse", config: ["base_url": .string(provider.url)], pollEvery: 3600,
            backfillSince: Timestamp.now.advanced(bySeconds: -1_000_000), createdAt: .now)
        bench.settings.leaseSeconds = 3
        bench.settings.isAlone = false
        return bench
    }

    private static func board(_ count: Int) -> Shared<Board> {
        let now = Timestamp.now
        return Shared(
            Board(
                posts: (1...count).map { id in
                    .init(id: id, topic: 1, createdAt: now.advanced(bySeconds: Double(id - count - 60) * 60), raw: "r")
                }))
    }
}

extension Bench {
    /// Runs several fetchers on the same log and tables while `body` works.
    fileprivate func running<Value: Sendable>(fetchers count: Int, _ body: () async throws -> Value) async throws
        -> Value
    {
        var roles: [Role] = []
        for number in 0..<count {
            var settings = settings
            settings.name = "fetcher \(number)"
            roles.append(try await FetcherRole.build(context, settings: settings))
        }
        return try await withRunning([directory] + roles.flatMap(\.services), logger: context.logger, body)
    }

    /// How many records there are of each stream; of each item one, or more if it was read again.
    fileprivate func counts() async throws -> [StreamID: Int] {
        var counts: [StreamID: Int] = [:]
        for record in try await raw() {
            let text = String(decoding: record.headers.bytes(RawHeader.stream) ?? [], as: UTF8.self)
            if let id = StreamID(text) { counts[id, default: 0] += 1 }
        }
        return counts
    }

    fileprivate func are(_ streams: [StreamID], _ state: StreamStatus.State) -> Bool {
        streams.allSatisfy { directory.current.statuses[$0]?.state == state }
    }
}
