import ByteJSON
import Common
import Foundation
import TestKit

@testable import Reports

/// The tables of this service in a folder of their own, and the topic that feeds them.
final class Tables: Sendable {
    let folder: URL
    let database: any Database
    /// Small enough that it has to let go.
    let cache = SummaryCache(limit: 64 << 10)
    let words = WordCache(capacity: 50)

    /// - Parameter schema: Only the first steps of the schema; nil is all.
    init(schema: Int? = nil) async throws {
        folder = FileManager.default.temporaryDirectory.appendingPathComponent("earshot-reports-\(UUID().uuidString)")
        database = try await TestDatabase.open(folder.appendingPathComponent("reports.sqlite").path)
        try await database.migrate(Array(Schema.migrations.prefix(schema ?? .max)))
    }

    /// Tables in a database that is there already.
    init(in database: any Database) async throws {
        folder = FileManager.default.temporaryDirectory.appendingPathComponent("earshot-reports-\(UUID().uuidString)")
        self.database = database
        try await database.migrate(Schema.migrations)
    }

    deinit { try? FileManager.default.removeItem(at: folder) }

    static let now = Timestamp(seconds: 1_700_000_000)

    var store: ReportsStore { ReportsStore(database: database) }

    /// Hands batches to the sink's transaction.
    @discardableResult
    func take(
        _ batches: [PartitionBatch], workspaces: [WorkspaceRecord] = [], oldest: Int64 = .min
    ) async throws
        -> SinkTransaction.Outcome
    {
        let now = Self.now
        let pull = Pull(batches.flatMap { Incoming.read($0, at: now) })
        let known = words.current
        let byID = Dictionary(uniqueKeysWithValues: workspaces.map { ($0.id, $0) })
        let outcome = try await database.write { connection in
            var transaction = SinkTransaction(connection, workspaces: byID, known: known, oldest: oldest, now: now)
            return try transaction.run(batches, pull)
        }
        words.add(outcome.words)
        return outcome
    }

    /// Summarises the days that have changed, or only some of them.
    func summarise(atMost limit: Int = .max) async throws {
        try await database.write { connection in
            for changed in try connection.changedDays(until: Timestamp(seconds: 1 << 40), limit: limit) {
                try connection.write(SummaryBytes(try connection.summarise(changed.key)), of: changed)
            }
        }
    }

    /// What the tables hold, words in place of numbers, without what depends on the order of arrival.
    func contents() async throws -> TableContents {
        try await database.read { connection in
            let words = try connection.query("SELECT id, text FROM word") { ($0.integer(0), $0.text(1)) }
            let names = Dictionary(uniqueKeysWithValues: words).merging([0: "-"]) { $1 }
            var contents = TableContents()
            try connection.forEach("SELECT \(raw: Fact.columns) FROM fact") { row in
                let fact = Fact(row)
                let numbers = [
                    fact.workspace, fact.origin, fact.language, fact.intent, fact.version, fact.platform, fact.country,
                ]
                contents.facts.insert(
                    "\(FeedbackID(fact.feedback)) \(fact.timestamp) \(numbers.map { names[$0]! }) \(fact.topics.map { names[$0]! }) "
                        + "\(fact.sentiment) \(fact.score) \(fact.rating) \(fact.author) \(fact.isMerged)")
            }
            try connection.forEach(
                "SELECT id, timestamp, revision, state, hash, merge_key, merged_into, document FROM feedback"
            ) { row in
                let document = row.blob(7)
                let text = document.isEmpty ? "" : try Feedback(JSONDocument(parsing: document).root).text
                contents.items.insert(
                    "\(FeedbackID(row.digest(0))) \(row.integer(1)) \(row.integer(2)) \(row.integer(3)) "
                        + "\(row.digest(4).hexadecimal) \(row.optionalDigest(5)?.hexadecimal ?? "-") "
                        + "\(row.optionalDigest(6).map { FeedbackID($0).rawValue } ?? "-") \(text)")
            }
            try connection.forEach(
                """
                SELECT workspace, bucket, sentiment, feedback, merged, score_sum, rating_sum, rating_count FROM rollup
                """
            ) { row in
                contents.rollups.insert(
                    "\(names[row.integer(0)]!) " + (1...7).map { "\(row.integer($0))" }.joined(separator: " "))
            }
            return contents
        }
    }
}

struct TableContents: Hashable, Sendable {
    var items: Set<String> = []
    var facts: Set<String> = []
    var rollups: Set<String> = []
}

/// Plays the parser: gives items raw positions and cuts the feedback topic into batches.
struct FeedbackTopic {
    private var ends: [Int: Int64] = [:]
    private var nextRaw: [Int: Int64] = [:]

    /// One batch of these items on one partition, each from a raw event of its own.
    mutating func batch(_ items: [Item], partition: Int = 0, rawPartition: Int = 0) -> PartitionBatch {
        batch(
            items.map { item in
                let offset = nextRaw[rawPartition, default: 0]
                nextRaw[rawPartition] = offset + 1
                return item.feedback(raw: .init(partition: rawPartition, offset: offset, item: 0))
            }, partition: partition)
    }

    mutating func batch(_ feedback: [Feedback], partition: Int = 0) -> PartitionBatch {
        batch(
            values: feedback.map { feedback in
                var writer = JSONWriter()
                feedback.write(to: &writer)
                return writer.bytes
            }, partition: partition)
    }

    mutating func batch(values: [[UInt8]], partition: Int = 0) -> PartitionBatch {
        let from = ends[partition, default: 0]
        var records = RecordBatch()
        for (index, value) in values.enumerated() {
            records.append(key: "k", value: value, offset: from + Int64(index), timestamp: Timestamp(seconds: 1))
        }
        ends[partition] = from + Int64(values.count)
        return PartitionBatch(
            topic: .feedback, partition: partition, from: from, next: from + Int64(values.count), records: records)
    }
}
