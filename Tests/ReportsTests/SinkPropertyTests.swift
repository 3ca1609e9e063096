import Common
import Testing

@testable import Reports

/// Whatever comes in whatever order, torn and repeated: the tables are those of the undisturbed, sorted run.
@Suite struct SinkPropertyTests {
    @Test(arguments: 0..<40) func anyOrderGivesTheSameTables(seed: Int) async throws {
        var random = SeededGenerator(seed: seed)
        let history = Self.history(using: &random)

        let calm = try await Tables()
        var sorted = FeedbackTopic()
        for item in history.sorted(by: { ($0.id, $0.revision) < ($1.id, $1.revision) }) {
            try await calm.take([sorted.batch([item])])
        }
        #expect(try await calm.store.verify() == [])

        let stormy = try await Tables()
        var arrivals = history + history.shuffled(using: &random).prefix(history.count / 3)
        arrivals.shuffle(using: &random)
        let accepted = try await Self.play(arrivals, into: stormy, using: &random)
        #expect(try await stormy.store.verify() == [])
        #expect(try await stormy.contents() == calm.contents())
        try await stormy.summarise()
        #expect(try await stormy.store.verify() == [])
        #expect(try await stormy.store.ledger().total.total == accepted)
    }

    /// Inserts, edits and deletions of a few items by a few people who like to repeat themselves.
    static func history(using random: inout SeededGenerator) -> [Item] {
        let texts = [
            "Great!", "great!  ", "The export is slow.", "",
            "The export of the annual statement has been failing for me since the update of last week, every single time.",
            "I have been using this for years, and I have never seen the search find what I was looking for. Please help!",
        ]
        let day: Int64 = 86_400_000
        var history: [Item] = []
        for number in 0..<Int.random(in: 4...25, using: &random) {
            var item = Item(id: "\(number)", workspace: Bool.random(using: &random) ? "ws_a" : "ws_b")
            item.author = ["ann", "ben", nil].randomElement(using: &random)!
            item.email = Int.random(in: 0..<5, using: &random) == 0 ? "Ann@example.org" : nil
            item.source = ["discourse", "github"].randomElement(using: &random)!
            for revision in 0..<Int64.random(in: 1...4, using: &random) {
                item.revision = revision
                item.hash = "h\(revision)"
                item.at = 1_609_459_200_000 + Int64.random(in: 0..<24, using: &random) * day
                item.text = texts.randomElement(using: &random)!
                item.topics = (0..<Int.random(in: 0...3, using: &random)).map { "topic \($0)" }
                item.sentiment = Sentiment.allCases.randomElement(using: &random)!
                item.score = Double(Int.random(in: -100...100, using: &random)) / 10
                item.rating = Bool.random(using: &random) ? Double(Int.random(in: 1...5, using: &random)) : nil
                history.append(item)
            }
            if Int.random(in: 0..<3, using: &random) == 0 {
                item.isDeleted = true
                history.append(item)
            }
        }
        return history
    }

    /// Hands arrivals over in torn batches: some transactions fail at the end and come again, some items are sent twice.
    ///
    /// - Returns: How many items were sent once.
    private static func play(_ arrivals: [Item], into tables: Tables, using random: inout SeededGenerator) async throws
        -> Int
    {
        var topic = FeedbackTopic()
        var at = 0
        var sent: [Int: [Feedback]] = [:]
        var offsets: [Int: Int64] = [:]
        while at < arrivals.count {
            var batches: [PartitionBatch] = []
            for partition in 0..<2 where at < arrivals.count {
                let end = min(arrivals.count, at + Int.random(in: 1...7, using: &random))
                var feedback = arrivals[at..<end].map { item in
                    let offset = offsets[partition, default: 0]
                    offsets[partition] = offset + 1
                    return item.feedback(raw: .init(partition: partition, offset: offset, item: 0))
                }
                at = end
                // A restarted parser sends its last items again, then goes on.
                let again = sent[partition, default: []].suffix(Int.random(in: 0...3, using: &random))
                sent[partition, default: []] += feedback
                feedback.insert(contentsOf: again, at: 0)
                batches.append(topic.batch(feedback, partition: partition))
            }
            if Bool.random(using: &random) {
                await #expect(throws: Crash.self) { try await tables.crash(batches) }
            }
            try await tables.take(batches)
            if Bool.random(using: &random) { try await tables.summarise(atMost: 5) }
            if Int.random(in: 0..<4, using: &random) == 0 {
                let again = batches
                await #expect(throws: EventLogError.self) { try await tables.take(again) }
            }
        }
        return arrivals.count
    }
}

struct Crash: Error {}

extension Tables {
    /// Does all of the work of the batches, and fails before it is committed.
    func crash(_ batches: [PartitionBatch]) async throws {
        let pull = Pull(batches.flatMap { Incoming.read($0, at: Timestamp(seconds: 0)) })
        let known = words.current
        try await database.write { connection in
            var transaction = SinkTransaction(connection, workspaces: [:], known: known, now: Timestamp(seconds: 0))
            _ = try transaction.run(batches, pull)
            throw Crash()
        }
    }
}
