import ByteJSON
import Common
import Connectors
import Foundation
import TestKit
import Testing

@testable import Fetcher

/// Random interleavings of a provider's life with reading it, on a clock of our own: every state that lasts is read,
/// and none twice unless the process died in between.
@Suite struct Interleavings {
    private struct World {
        var random: RandomSource
        var now = Bench.created
        var taken: [String: Int] = [:]
        var crashes = 0
    }

    @Test(arguments: 0..<150) func ofATracker(seed: UInt64) throws {
        let manifest = try #require(ConnectorLibrary().manifests.first { $0.name == "github" })
        let source = try #require(manifest.read.first { $0.name == "issues" })
        var tracker = Tracker()
        tracker.pageSize = 5
        var next = 0
        try run(seed: seed, source, entity: ["repository": "acme/app"]) { world in
            // Whole seconds, so that ties are common.
            world.now = world.now.advanced(bySeconds: Double(Int.random(in: 0...1, using: &world.random)))
            for _ in 0..<Int.random(in: 0...4, using: &world.random) {
                if next > 0, Bool.random(using: &world.random) {
                    tracker.put(
                        Int.random(in: 1...next, using: &world.random), at: world.now, "e\(world.random.next() % 1000)")
                } else {
                    next += 1
                    tracker.put(next, at: world.now)
                }
            }
        } answer: { call in
            tracker.page(call, url: "https://api.example")
        } final: {
            tracker.issues.map(\.json)
        }
    }

    @Test(arguments: 0..<100) func ofAForum(seed: UInt64) throws {
        let manifest = try #require(ConnectorLibrary().manifests.first { $0.name == "discourse" })
        let source = try #require(manifest.read.first { $0.name == "posts" })
        var board = Board()
        board.pageSize = 4
        board.isInclusive = seed % 2 == 0
        try run(seed: seed, source, entity: [:]) { world in
            world.now = world.now.advanced(bySeconds: Double(Int.random(in: 0...2, using: &world.random)))
            for _ in 0..<Int.random(in: 0...3, using: &world.random) {
                board.posts.append(.init(id: board.posts.count + 1, topic: 1, createdAt: world.now, raw: "r"))
            }
        } answer: { call in
            board.answer(call)
        } final: {
            board.posts.map(\.json)
        }
    }

    private func run(
        seed: UInt64, _ source: ReadSource, entity: [String: JSON], live: (inout World) -> Void,
        answer: (Provider.Call) -> Provider.Reply, final: () -> [String]
    ) throws {
        var world = World(random: RandomSource(seed: seed))
        let settings = StreamSettings(
            config: ["base_url": "https://api.example", "api_url": "https://api.example"], entity: entity)
        let scope = ReadScope(lane: .live, from: Bench.created, floor: Bench.created.advanced(bySeconds: -1))
        var stored = try JSONEncoder().encode(SourceCursor())
        for round in 0..<12 {
            let isLast = round >= 10
            if !isLast { live(&world) }
            var reader = SourceReader(
                source, scope: scope, cursor: try JSONDecoder().decode(SourceCursor.self, from: stored))
            reader.begin(at: world.now)
            var pages = 0
            while let plan = reader.plan {
                pages += 1
                try #require(pages < 500, "it does not end")
                let request = try source.request(
                    for: plan, RequestSurroundings(config: settings.config, entity: entity, auth: .none, now: world.now)
                )
                let reply = answer(Provider.Call(request))
                let page = Page(
                    try JSONDocument(parsing: reply.body), of: source,
                    link: reply.headers["Link"].flatMap(WebAddress.next(inLink:)), settings: settings)
                let unread = reader.unread(in: page)
                for item in unread { world.taken[String(decoding: item.value.raw, as: UTF8.self), default: 0] += 1 }
                if !isLast, Int.random(in: 0..<12, using: &world.random) == 0 {
                    world.crashes += unread.count
                    break
                }
                for item in unread { reader.mark(item) }
                reader.turn(after: page, unread: unread.count)
                stored = try JSONEncoder().encode(reader.cursor)
                if !isLast, Int.random(in: 0..<3, using: &world.random) == 0 { live(&world) }
            }
        }
        let states = final()
        #expect(states.allSatisfy { world.taken[$0] != nil }, "seed \(seed): missed")
        let doubles = world.taken.values.reduce(0) { $0 + $1 - 1 }
        #expect(doubles <= world.crashes, "seed \(seed): \(doubles) read twice, \(world.crashes) in crashes")
    }
}

extension Provider.Call {
    init(_ request: OutgoingRequest) {
        let parts = URLComponents(string: request.url)
        self.init(
            path: parts?.path ?? "", query: (parts?.queryItems ?? []).map { ($0.name, $0.value ?? "") }, headers: [:])
    }
}
