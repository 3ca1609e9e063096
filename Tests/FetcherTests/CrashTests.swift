import ByteJSON
import Common
import TestKit
import Testing

@testable import Fetcher

/// The process dies at each step in turn: before and after each transaction and each append.
@Suite struct CrashingWhileReading {
    private static let start = Bench.created
    private static let ids = (1...60).map(Int64.init)

    private func tracker() -> Shared<Tracker> {
        var tracker = Tracker()
        tracker.pageSize = 10
        for id in 1...30 { tracker.put(id, at: Self.start.advanced(bySeconds: Double(id))) }
        for id in 31...60 { tracker.put(id, at: Self.start.advanced(bySeconds: 31)) }
        return Shared(tracker)
    }

    private func board() -> Shared<Board> {
        var board = Board()
        board.pageSize = 3
        for id in 1...60 {
            board.posts.append(
                .init(id: id, topic: id % 6 + 1, createdAt: Self.start.advanced(bySeconds: Double(id)), raw: "r"))
        }
        return Shared(board)
    }

    @Test func everyIssueIsReadWhereverItDies() async throws {
        let tracker = tracker()
        let address = Shared("")
        try await Provider.run({ call in tracker.value.page(call, url: address.value) }) { provider in
            address.with { $0 = provider.url }
            try await dieEverywhere {
                try await Bench(
                    connector: "github", config: ["api_url": .string(provider.url)], entity: ["repository": "acme/app"],
                    now: { Self.start.advanced(bySeconds: 3600) })
            }
        }
    }

    @Test(arguments: [nil, "tags:feedback"]) func everyPostIsReadWhereverItDies(query: String?) async throws {
        let board = board()
        try await Provider.run({ call in board.value.answer(call) }) { provider in
            try await dieEverywhere {
                try await Bench(
                    connector: "discourse", config: ["base_url": .string(provider.url)],
                    entity: query.map { ["query": .string($0)] } ?? [:], now: { Self.start.advanced(bySeconds: 3600) })
            }
        }
    }

    private func dieEverywhere(_ make: () async throws -> Bench) async throws {
        let undisturbed = try await make()
        undisturbed.faults.arm(at: nil)
        #expect(try await undisturbed.visit())
        let steps = undisturbed.faults.count
        let final = try #require(try await undisturbed.cursor()).encoded()
        #expect(try await undisturbed.raw().compactMap(\.id).sorted() == Self.ids)
        #expect(steps > 10)

        for step in 1...steps {
            let bench = try await make()
            bench.faults.arm(at: step)
            await #expect(throws: Faults.Crash.self) { try await bench.visit() }
            #expect(try await bench.visit())
            let found = try await bench.raw().compactMap(\.id)
            #expect(Set(found).sorted() == Self.ids, "died at step \(step)")
            #expect(try await bench.cursor()?.encoded() == final, "died at step \(step)")
        }
    }
}
