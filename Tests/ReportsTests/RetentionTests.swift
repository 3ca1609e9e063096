import Common
import Logging
import Testing

@testable import Reports

@Suite struct RetentionTests {
    private static let day: Int64 = 86_400_000
    private static let first: Int64 = 1_609_459_200_000

    /// Keeps what is of this day of the histories, or later.
    private static func retention(of tables: Tables, from day: Int64) -> Retention {
        let days = (Tables.now.milliseconds - first) / Self.day - day
        return Retention(
            database: tables.database, days: Int(days), logger: Logger(label: "test"), now: { Tables.now })
    }

    @Test(arguments: 0..<20) func whatIsLeftIsWhatWouldBeWithoutTheRest(seed: Int) async throws {
        var random = SeededGenerator(seed: seed)
        let history = SinkPropertyTests.history(using: &random)
        let cut = Int64.random(in: 4..<20, using: &random)
        let tables = try await Tables()
        var topic = FeedbackTopic()
        try await tables.take([topic.batch(history)])
        if Bool.random(using: &random) { try await tables.summarise(atMost: 9) }
        let books = try await tables.store.ledger()
        let retention = Self.retention(of: tables, from: cut)
        try await retention.forget()
        #expect(try await tables.store.verify() == [])
        #expect(try await tables.store.ledger() == books)

        // Only the last states count: an item that moved out of the time that is kept is not there either.
        let other = try await Tables()
        var last: [String: Item] = [:]
        for item in history.sorted(by: { $0.revision < $1.revision }) { last[item.feedbackID] = item }
        var others = FeedbackTopic()
        let oldest = retention.oldest(at: Tables.now)
        #expect(oldest == Self.first + cut * Self.day)
        let kept = last.values.filter { $0.at >= oldest }.sorted { $0.feedbackID < $1.feedbackID }
        for item in kept { try await other.take([others.batch([item])]) }
        #expect(try await tables.contents().facts == other.contents().facts)
        #expect(try await tables.contents().rollups == other.contents().rollups)

        // What is gone does not come back with an old copy.
        try await tables.take([topic.batch(history.shuffled(using: &random))], oldest: oldest)
        #expect(try await tables.contents().facts == other.contents().facts)
        #expect(try await tables.store.verify() == [])
    }

    @Test func whatIsTooOldWhenItComesIsFiltered() async throws {
        let tables = try await Tables()
        var topic = FeedbackTopic()
        let item = Item(at: Self.first)
        try await tables.take([topic.batch([item])], oldest: Self.first + 1)
        #expect(try await tables.store.ledger().total.filtered == 1)
        #expect(try await tables.contents().facts.isEmpty)
        let forEver = Retention(
            database: tables.database, days: nil, logger: Logger(label: "test"), now: { Tables.now })
        #expect(forEver.oldest(at: Tables.now) == .min)
        try await forEver.forget()
        #expect(try await tables.store.verify() == [])
    }
}
