import Common
import Foundation
import TestKit
import Testing

@testable import Reports

/// Feedback that comes late, into chunks that are stored by columns already, on the real extension.
@Suite(.serialized) struct ColumnstoreTests {
    private static let isThere = ConditionTrait.enabled(
        if: TestDatabase.timescale != nil,
        "SKIPPED: EARSHOT_TEST_TIMESCALE=postgres://… names a database with TimescaleDB")

    @Test(isThere, arguments: 0..<6)
    func lateFeedbackIsAsIfItHadComeInTime(seed: Int) async throws {
        var random = SeededGenerator(seed: seed)
        let history = SinkPropertyTests.history(using: &random).shuffled(using: &random)
        // More than go in by COPY, at times of the others.
        let late = (0..<60).map { number in
            Item(
                id: "late \(number)", text: "Late, but the export of statement \(number) still fails.",
                at: 1_609_459_200_000 + Int64(number) * 3_600_000, sentiment: .negative)
        }
        let calm = try await Tables()
        var other = FeedbackTopic()
        try await calm.take([other.batch(history)])
        try await calm.take([other.batch(late)])

        try await TestDatabase.onTimescale("columnstore-\(UUID().uuidString)") { database in
            let tables = try await Tables(in: database)
            // As the role does at its start, but for an age that nothing has, so that nobody else compresses here.
            try await database.write { connection in
                let columnstore = Hypertable.Columnstore(after: 36_500 * 86_400_000, groupedBy: "workspace")
                try connection.setColumnstore(columnstore, of: "fact", by: "timestamp")
                try connection.setColumnstore(columnstore, of: "rollup", by: "bucket")
            }
            var topic = FeedbackTopic()
            try await tables.take([topic.batch(Array(history.prefix(history.count / 2)))])
            try await Self.compress(database)
            // Inserts, edits, moves and deletions of what is compressed.
            for item in history.dropFirst(history.count / 2) { try await tables.take([topic.batch([item])]) }
            try await Self.compress(database)
            try await tables.take([topic.batch(late)])
            #expect(try await tables.store.verify() == [])
            #expect(try await tables.contents() == calm.contents())
        }
    }

    /// Stores all chunks by columns, as the policy does when they are old enough.
    private static func compress(_ database: any Database) async throws {
        let count = try await database.write { connection in
            let schema = try connection.first(
                "SELECT quote_ident(extnamespace::regnamespace::text) FROM pg_extension WHERE extname = 'timescaledb'"
            ) { $0.text(0) }
            var count = 0
            for table in ["fact", "rollup"] {
                try connection.forEach(
                    """
                    SELECT \(raw: schema ?? "public").compress_chunk(chunk, true)::text
                    FROM \(raw: schema ?? "public").show_chunks(CAST(\(table) AS text)::regclass) AS chunk
                    """
                ) { _ in count += 1 }
            }
            return count
        }
        #expect(count > 0)
    }
}
