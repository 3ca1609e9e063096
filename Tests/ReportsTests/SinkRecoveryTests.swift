import Common
import Foundation
import Logging
import SQLiteLog
import ServiceKit
import TestKit
import Testing

@testable import Reports

/// What the sink does where the tables are not what they should be, or others stand in its way.
@Suite struct SinkRecoveryTests {
    @Test(arguments: TestDatabase.Engine.allCases)
    func factsThatLostTheirItemsAreWrittenOver(on engine: TestDatabase.Engine) async throws {
        try await Self.run(on: engine) { sink, store, database in
            var topic = FeedbackTopic()
            let items = Self.items(80)
            try await sink.handle([topic.batch(items)])
            // More than go in by COPY, and others that stay.
            try await database.write { connection in
                for item in items.prefix(60) {
                    let digest = try #require(FeedbackID(item.feedbackID)?.digest)
                    try connection.execute("DELETE FROM feedback WHERE id = \(digest)")
                }
            }
            let again = items.map { item in
                var item = item
                item.sentiment = .negative
                item.revision += 1
                return item
            }
            try await sink.handle([topic.batch(again)])
            #expect(try await store.verify() == [])
            #expect(try await Self.sentiments(in: database) == [Sentiment.negative.code: 80])
        }
    }

    @Test(arguments: TestDatabase.Engine.allCases)
    func anItemMovesToWhereAFactWasLeft(on engine: TestDatabase.Engine) async throws {
        try await Self.run(on: engine) { sink, store, database in
            var topic = FeedbackTopic()
            let items = Self.items(40)
            try await sink.handle([topic.batch(items)])
            // As if they had been somewhere else, and their facts left here.
            try await database.write { try $0.execute("UPDATE feedback SET timestamp = timestamp - 1") }
            let again = items.map { item in
                var item = item
                item.sentiment = .negative
                item.revision += 1
                return item
            }
            try await sink.handle([topic.batch(again)])
            #expect(try await store.verify() == [])
            #expect(try await Self.sentiments(in: database) == [Sentiment.negative.code: 40])
        }
    }

    @Test func aDeadlockIsTriedAgain() async throws {
        try await Self.run(on: .postgres) { sink, store, database in
            var topic = FeedbackTopic()
            let items = Self.items(40)
            try await sink.handle([topic.batch(Array(items.prefix(20)))])
            let (schema, before) = try await database.read { connection in
                (try connection.first("SELECT current_schema()::text") { $0.text(0) } ?? "", try connection.deadlocks())
            }
            // Another program, such as the compression of chunks, has what the sink wants last, and wants what it has.
            let folder = try TemporaryFolder()
            let other = try await TestDatabase.open(folder.file("other.sqlite"), on: .postgres)
            let (locked, tell) = AsyncStream.makeStream(of: Void.self)
            async let others: Void = other.write { connection in
                defer { tell.finish() }
                // So it is the sink that the server ends.
                try connection.execute("SET LOCAL deadlock_timeout = '1min'")
                try connection.execute("UPDATE \(raw: "\"\(schema)\"").ledger SET items = items")
                tell.finish()
                while try connection.first("SELECT 1 FROM pg_locks WHERE NOT granted", { _ in true }) == nil {
                    usleep(10_000)
                }
                try connection.execute("UPDATE \(raw: "\"\(schema)\"").consumer_offsets SET next_offset = next_offset")
            }
            for await _ in locked {}
            try await sink.handle([topic.batch(Array(items.suffix(20)))])
            try await others
            #expect(try await store.verify() == [])
            #expect(try await store.ledger().total.stored == 40)
            for _ in 0..<100 where try await database.read({ try $0.deadlocks() }) == before {
                try await Task.sleep(for: .milliseconds(50))
            }
            #expect(try await database.read { try $0.deadlocks() } > before)
            try await other.close()
            withExtendedLifetime(folder) {}
        }
    }

    private static func items(_ count: Int) -> [Item] {
        (0..<count).map { number in
            Item(
                id: "\(number)", text: "The export of statement \(number) fails.",
                at: 1_609_459_200_000 + Int64(number),
                revision: 1, sentiment: .positive)
        }
    }

    private static func sentiments(in database: any Database) async throws -> [Int64: Int64] {
        try await database.read { connection in
            Dictionary(
                uniqueKeysWithValues: try connection.query("SELECT sentiment, COUNT(*) FROM fact GROUP BY sentiment") {
                    ($0.integer(0), $0.integer(1))
                })
        }
    }

    @Test func rulesHoldBeforeTheDirectoryHasHeardOfThem() async throws {
        try await Self.run(on: .sqlite) { sink, store, _ in
            let elsewhere = Directory(log: sink.log, logger: Logger(label: "test"))
            try await elsewhere.publish([
                .workspace(
                    WorkspaceRecord(
                        id: WorkspaceID("ws_a")!, account: AccountID("ac_a")!, name: "A",
                        createdAt: Timestamp(seconds: 0),
                        filters: [FilterRule(field: .text, match: .contains, value: "casino")], sealedKey: ""))
            ])
            var topic = FeedbackTopic()
            try await sink.handle([
                topic.batch([Item(id: "1", text: "Best casino in town"), Item(id: "2", text: "The export is slow")])
            ])
            var total = try await store.ledger().total
            #expect(total[.stored] == 1 && total[.filtered] == 1)
            // One that is nowhere is looked for once, and what is of it is kept.
            try await sink.handle([topic.batch([Item(id: "3", workspace: "ws_gone", text: "The search is slow")])])
            total = try await store.ledger().total
            #expect(total[.stored] == 2 && total[.filtered] == 1)
        }
    }

    /// Hands the sink of the reports, on tables of its own, to `body`.
    private static func run(
        on engine: TestDatabase.Engine, _ body: (FeedbackSink, ReportsStore, any Database) async throws -> Void
    ) async throws {
        let folder = try TemporaryFolder()
        let database = try await TestDatabase.open(folder.file("reports.sqlite"), on: engine)
        let store = ReportsStore(database: database)
        try await store.migrate()
        let log = try SQLiteLog(folder: folder.file("log"))
        try await log.create(Topic.all)
        let logger = Logger(label: "test")
        let now: @Sendable () -> Timestamp = { Tables.now }
        let sink = FeedbackSink(
            log: log, database: database, directory: Directory(log: log, logger: logger),
            words: WordCache(capacity: 100), live: LiveFeedback(epoch: 0), changed: Bell(),
            retention: Retention(database: database, days: nil, logger: logger, now: now), metrics: Metrics(), now: now)
        try await body(sink, store, database)
        try await database.close()
        await log.close()
        withExtendedLifetime(folder) {}
    }
}

extension DatabaseConnection {
    /// How many transactions the server has ended because they waited for each other.
    fileprivate func deadlocks() throws -> Int64 {
        try first("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()") { $0.integer(0) } ?? 0
    }
}
