import Common
import Foundation
import PostgresDatabase
import TestKit
import Testing

private let timescale = ProcessInfo.processInfo.environment["EARSHOT_TEST_TIMESCALE"].map(Secret.init)

/// Run by hand: `EARSHOT_TEST_TIMESCALE` is the URL of a database for tests with the extension TimescaleDB.
@Suite("The database over TimescaleDB", .enabled(if: timescale != nil))
struct TimescaleTests {
    private static let day: Int64 = 86_400_000

    private static func database(schema: String = UUID().uuidString) throws -> PostgresDatabase {
        try PostgresDatabase(PostgresSettings(url: try #require(timescale), schema: schema))
    }

    private static let facts = [
        Migration(1, "facts") { connection in
            try connection.execute(
                """
                CREATE TABLE fact (
                    workspace BIGINT NOT NULL, timestamp BIGINT NOT NULL, number BIGINT NOT NULL,
                    score BIGINT NOT NULL, PRIMARY KEY (workspace, timestamp, number))
                """)
            try connection.makeHypertable(
                Hypertable(
                    "fact", by: "timestamp", chunk: 7 * day,
                    columnstore: .init(after: 28 * day, groupedBy: "workspace")))
        }
    ]

    private static let statement = BulkStatement(
        into: "fact", columns: ["workspace", "timestamp", "number", "score"],
        key: ["workspace", "timestamp", "number"],
        conflict: .replace(["score"]))

    /// A row a day.
    private static func rows(score: Int64) -> BulkRows {
        let days = (0..<60).map(Int64.init)
        return BulkRows([
            .integers(days.map { $0 % 3 }), .integers(days.map { 1_700_000_000_000 + $0 * day }), .integers(days),
            .integers(days.map { _ in score }),
        ])
    }

    @Test("keeps the contract of a database", arguments: DatabaseConformance.behaviours)
    func contract(behaviour: DatabaseBehaviour) async throws {
        let schema = UUID().uuidString
        try await behaviour.check(DatabaseBench { try Self.database(schema: schema) })
    }

    @Test("cuts a table into chunks, and overwrites, adds to and deletes rows in those that are compressed")
    func hypertable() async throws {
        let database = try Self.database()
        try await database.migrate(Self.facts)
        try await database.write { try $0.write(Self.rows(score: 1), Self.statement) }
        let chunks = try await database.read {
            try $0.first("SELECT count(*) FROM public.show_chunks('fact')") { $0.integer(0) }
        }
        #expect(chunks == 10)
        try await database.write {
            try $0.forEach("SELECT public.compress_chunk(c) FROM public.show_chunks('fact') AS c") { _ in }
        }
        try await database.write { connection in
            try connection.write(Self.rows(score: 5), Self.statement)
            try connection.execute("DELETE FROM fact WHERE number = \(7)")
        }
        let sums = try await database.read { connection in
            try connection.query("SELECT workspace, count(*), SUM(score) FROM fact GROUP BY workspace ORDER BY 1") {
                [$0.integer(0), $0.integer(1), $0.integer(2)]
            }
        }
        #expect(sums == [[0, 20, 100], [1, 19, 95], [2, 20, 100]])
    }

    @Test("has a policy that compresses chunks when they are old enough, until another one is wanted, or none")
    func policy() async throws {
        let schema = UUID().uuidString
        let database = try Self.database(schema: schema)
        try await database.migrate(Self.facts)
        func policies() async throws -> [String] {
            try await database.read { connection in
                try connection.query(
                    """
                    SELECT job_id, config->>'compress_after' FROM timescaledb_information.jobs
                    WHERE proc_name = 'policy_compression' AND hypertable_schema = \(schema)
                    """
                ) { "\($0.text(0)) \($0.text(1))" }
            }
        }
        func set(_ columnstore: Hypertable.Columnstore?) async throws {
            try await database.write { try $0.setColumnstore(columnstore, of: "fact", by: "timestamp") }
        }
        let made = try await policies()
        #expect(made.count == 1 && made[0].hasSuffix(" \(28 * Self.day)"))
        try await set(.init(after: 28 * Self.day, groupedBy: "workspace"))
        #expect(try await policies() == made, "the same one is left alone")
        try await set(.init(after: 60 * Self.day, groupedBy: "workspace"))
        let changed = try await policies()
        #expect(changed.count == 1 && changed[0].hasSuffix(" \(60 * Self.day)"))
        try await set(nil)
        #expect(try await policies().isEmpty)
        try await set(.init(after: 7 * Self.day, groupedBy: "workspace"))
        #expect(try await policies().count == 1)
    }

    @Test("gives a hypertable that was made without one a columnstore, and leaves plain tables alone")
    func laterColumnstore() async throws {
        let database = try Self.database()
        try await database.migrate([
            Migration(1, "rollups") { connection in
                for table in ["rollup", "plain"] {
                    try connection.execute(
                        """
                        CREATE TABLE \(raw: table) (
                            workspace BIGINT NOT NULL, bucket BIGINT NOT NULL, PRIMARY KEY (workspace, bucket))
                        """)
                }
                try connection.makeHypertable(Hypertable("rollup", by: "bucket", chunk: 7 * Self.day))
            }
        ])
        try await database.write { connection in
            for table in ["rollup", "plain"] {
                try connection.setColumnstore(.init(after: Self.day, groupedBy: "workspace"), of: table, by: "bucket")
                try connection.execute("INSERT INTO \(raw: table) SELECT 1, i FROM generate_series(1, 100) AS i")
                try connection.dropChunks(of: table, before: 10)  // its chunk does not end before that
            }
            try connection.forEach("SELECT public.compress_chunk(c) FROM public.show_chunks('rollup') AS c") { _ in }
        }
        let counts = try await database.read { connection in
            try connection.query("SELECT count(*) FROM rollup UNION ALL SELECT count(*) FROM plain") { $0.integer(0) }
        }
        #expect(counts == [100, 100])
    }

    @Test("drops the chunks that end before a time, compressed or not, and no others")
    func dropping() async throws {
        let database = try Self.database()
        try await database.migrate(Self.facts)
        try await database.write { connection in
            try connection.write(Self.rows(score: 1), Self.statement)
            try connection.forEach("SELECT public.compress_chunk(c) FROM public.show_chunks('fact') AS c LIMIT 3") {
                _ in
            }
        }
        let cut: Int64 = 1_700_000_000_000 + 33 * Self.day
        try await database.write { try $0.dropChunks(of: "fact", before: cut) }
        let left = try await database.read { connection in
            try connection.first("SELECT MIN(timestamp), count(*) FROM fact WHERE timestamp < \(cut)") {
                ($0.integer(0), $0.integer(1))
            }
        }
        let (first, count) = try #require(left)
        #expect(first == 1_700_000_000_000 + 30 * Self.day && count == 3, "the chunk that holds the cut")
        let kept = try await database.read { connection in
            try connection.first("SELECT count(*) FROM fact WHERE timestamp >= \(cut)") { $0.integer(0) }
        }
        #expect(kept == 27)
    }
}
