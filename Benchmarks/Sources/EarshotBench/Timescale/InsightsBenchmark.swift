import ArgumentParser
import ByteJSON
import Client
import Common
import Foundation
import PostgresDatabase
import Reports

/// A daily answer over 90 days, out of many feedback of several workspaces: counted from raw rows, from a continuous
/// aggregate and from rollups by SQL, and the whole answer over HTTP.
struct InsightsBenchmark: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "insights",
        abstract: "Ask 90 days by day: raw rows, continuous aggregate, rollups; GetInsightReports over HTTP.",
        discussion: "EARSHOT_TEST_TIMESCALE=postgres://… names a server where a database can be made.")

    @Option(help: "The binary that `make build` made.") var earshot = ".build/release/earshot"
    @Option(help: "Feedback in all, over two years.") var count = 10_000_000
    @Option(help: "How often each question is asked.") var repetitions = 30
    @Option(help: "The port to use.") var port = 18_434

    /// The share of each workspace in the whole.
    private static let shares = [0.6, 0.1, 0.1, 0.05, 0.05, 0.05, 0.05]
    private static let day: Int64 = 86_400_000
    private static let start: Int64 = 1_704_067_200_000  // 2024-01-01
    private static let range = (from: "2025-09-01", to: "2025-11-30")

    func run() async throws {
        guard let server = ScratchDatabase.server() else { return }
        let database = try ScratchDatabase(on: server)
        do {
            try await measure(database)
        } catch {
            try database.drop()
            throw error
        }
        try database.drop()
    }

    private func measure(_ scratch: ScratchDatabase) async throws {
        let database = try PostgresDatabase(PostgresSettings(url: Secret(scratch.url), schema: "earshot_reports"))
        try await ReportsStore(database: database).migrate()
        let begun = ContinuousClock.now
        try fill(scratch)
        print(
            "\(grouped(Double(count))) feedback of \(Self.shares.count) workspaces in two years, made in "
                + "\(fixed((ContinuousClock.now - begun).inSeconds, 0)) s; hypertables: \(scratch.hasTimescale ? "yes" : "no")"
        )
        if scratch.hasTimescale { try aggregate(scratch) }
        let server = try await ServerUnderTest(
            binary: earshot, port: port, settings: ["EARSHOT_DATABASE": scratch.url])
        do {
            let client = try server.client()
            let asked = ContinuousClock.now
            while try await database.read({
                try $0.first("SELECT 1 FROM day WHERE summarised <> version LIMIT 1") { _ in 1 }
            }) != nil {
                try await Task.sleep(for: .milliseconds(200))
            }
            print("all days summarised in \(fixed((ContinuousClock.now - asked).inSeconds, 0)) s")
            try scratch.run("VACUUM ANALYZE day_summary", "VACUUM ANALYZE day")
            var table = Table(
                "workspace of", "in 90 days", "raw rows, ms", "continuous aggregate", "rollups", "HTTP, median",
                "p99", "by Kolkata's days", "wanted")
            for workspace in [1, 2, 4] {
                try await ask(workspace, database, client, scratch, into: &table)
            }
            table.show()
        } catch {
            await server.stop()
            throw error
        }
        await server.stop()
        try await database.close()
    }

    private func ask(
        _ workspace: Int, _ database: PostgresDatabase, _ client: APIClient, _ scratch: ScratchDatabase,
        into table: inout Table
    ) async throws {
        let answer = try await client.json(
            "POST", "/CreateWorkspace",
            body: ["name": .string("Bench \(workspace)"), "feedback_entities": [["connector": "jsonl"]]])
        guard let id = answer["workspace_id"]?.string else { throw BenchmarkFailure(what: "no workspace") }
        try scratch.run("UPDATE word SET text = '\(id)' WHERE id = \(workspace)")
        let from = Timestamp(Self.range.from)?.milliseconds ?? 0
        let to = Timestamp(Self.range.to)?.milliseconds ?? 0
        let condition = "workspace = \(workspace) AND"
        let raw = try await time(
            """
            SELECT timestamp / \(Self.day), sentiment, SUM(1 - merged), SUM((1 - merged) * score) FROM fact
            WHERE \(condition) timestamp >= \(from) AND timestamp < \(to) GROUP BY 1, 2 ORDER BY 1, 2
            """, in: database)
        let aggregated =
            scratch.hasTimescale
            ? try await time(
                """
                SELECT day, sentiment, feedback, score FROM daily
                WHERE \(condition) day >= \(from) AND day < \(to) ORDER BY 1, 2
                """, in: database) : nil
        let rollups = try await time(
            """
            SELECT bucket / \(Self.day), sentiment, SUM(feedback), SUM(score_sum) FROM rollup
            WHERE \(condition) bucket >= \(from) AND bucket < \(to) GROUP BY 1, 2 ORDER BY 1, 2
            """, in: database)
        let (feedback, http) = try await time(id, "UTC", client)
        let (_, kolkata) = try await time(id, "Asia/Kolkata", client)
        table.add(
            grouped(Self.shares[workspace - 1] * Double(count)), grouped(Double(feedback)), fixed(median(raw), 1),
            aggregated.map { fixed(median($0), 1) } ?? "no extension", fixed(median(rollups), 1),
            fixed(median(http), 1), fixed(http.sorted()[http.count * 99 / 100], 1), fixed(median(kolkata), 1), "20")
    }

    private func time(_ sql: String, in database: PostgresDatabase) async throws -> [Double] {
        var times: [Double] = []
        for _ in 0..<repetitions {
            let begun = ContinuousClock.now
            let rows = try await database.read { try $0.query(SQL(raw: sql)) { $0.integer(2) }.count }
            times.append((ContinuousClock.now - begun).inSeconds * 1000)
            guard rows >= 89 else { throw BenchmarkFailure(what: "\(rows) rows of 90 days: \(sql)") }
        }
        return times
    }

    private func time(_ workspace: String, _ zone: String, _ client: APIClient) async throws -> (Int64, [Double]) {
        var times: [Double] = []
        var feedback: Int64 = 0
        for turn in 0...repetitions {
            let begun = ContinuousClock.now
            let report = try await client.json(
                "GET", "/GetInsightReports",
                query: [
                    ("workspace_id", workspace), ("from", Self.range.from), ("to", Self.range.to), ("interval", "day"),
                    ("timezone", zone), ("compare", "previous_period"),
                ])
            if turn > 0 { times.append((ContinuousClock.now - begun).inSeconds * 1000) }
            feedback = report["totals"]?["feedback"]?.int64 ?? 0
            guard feedback > 0, report["quotes"]?[0] != nil else {
                throw BenchmarkFailure(what: "an answer without feedback or quotes: \(report)")
            }
        }
        return (feedback, times)
    }

    private func aggregate(_ scratch: ScratchDatabase) throws {
        try scratch.run(
            """
            CREATE OR REPLACE FUNCTION now_in_milliseconds() RETURNS BIGINT LANGUAGE SQL STABLE AS
            $$ SELECT (extract(epoch FROM now()) * 1000)::BIGINT $$
            """,
            """
            CREATE MATERIALIZED VIEW daily WITH (timescaledb.continuous) AS
            SELECT workspace, time_bucket(\(Self.day)::BIGINT, timestamp) AS day, sentiment, SUM(1 - merged) AS feedback,
                SUM((1 - merged) * score) AS score
            FROM fact GROUP BY 1, 2, 3
            """)
    }

    // MARK: - Rows

    /// Facts and items as the sink writes them, by SQL: rows of pseudo-random values, half as many people as feedback.
    private func fill(_ scratch: ScratchDatabase) throws {
        try scratch.run(
            "INSERT INTO word SELECT i, 0, 'workspace ' || i FROM generate_series(1, \(Self.shares.count)) i",
            "INSERT INTO word SELECT 10 + i, 1, 'source ' || i || '/st_' || i FROM generate_series(1, 3) i",
            "INSERT INTO word SELECT 20 + i, 2, 'l' || i FROM generate_series(1, 10) i",
            "INSERT INTO word SELECT 40 + i, 3, 'intent ' || i FROM generate_series(1, 6) i",
            "INSERT INTO word SELECT 60 + i, 4, 'topic ' || i FROM generate_series(1, 23) i",
            Self.identifier)
        let step = 500_000
        for first in stride(from: 0, to: count, by: step) {
            try scratch.run("SET synchronous_commit = off", rows(first, min(count, first + step) - 1))
        }
        try scratch.run(
            """
            INSERT INTO rollup
            SELECT workspace, timestamp / 900000 * 900000, sentiment, SUM(1 - merged), SUM(merged),
                SUM((1 - merged) * score), SUM((1 - merged) * rating),
                SUM(CASE WHEN merged = 0 AND rating > 0 THEN 1 ELSE 0 END) FROM fact GROUP BY 1, 2, 3
            """,
            """
            INSERT INTO day SELECT workspace, timestamp / \(Self.day) * \(Self.day), 1, 0, 0 FROM fact GROUP BY 1, 2
            """,
            "ANALYZE", "CHECKPOINT")
    }

    private func rows(_ first: Int, _ last: Int) -> String {
        var workspace = "CASE"
        var end = 0.0
        for (index, share) in Self.shares.enumerated() {
            end += share
            workspace += index + 1 < Self.shares.count ? " WHEN u < \(end) THEN \(index + 1)" : " ELSE \(index + 1) END"
        }
        return """
            WITH random AS (
                SELECT i, hashtextextended('r', i) AS h, hashtextextended('q', i) AS k, decode(md5(i::text), 'hex') AS id,
                    \(Self.start) + i * \(730 * Self.day) / \(count) AS at
                FROM generate_series(\(first)::BIGINT, \(last)::BIGINT) AS i),
            owned AS (
                SELECT *, \(workspace) AS w, (k & 255) % 3 AS mood
                FROM (SELECT *, ((h >> 8) & 65535) / 65536.0 AS u FROM random) AS one),
            scored AS (
                SELECT *, CASE WHEN mood = 1 THEN 0 ELSE (mood - 1) * (1 + ((k >> 40) & 8191)) END AS score FROM owned),
            facts AS (
                INSERT INTO fact
                SELECT w, at, id, 11 + ((h >> 24) & 255) % 3, 21 + ((h >> 32) & 1023) * ((h >> 42) & 1023) / 104858,
                    mood, 41 + ((k >> 8) & 255) % 6,
                    CASE WHEN ((k >> 16) & 255) < 128 THEN ''::bytea
                        WHEN ((k >> 16) & 255) < 200 THEN set_byte('\\x00', 0, (61 + ((k >> 24) & 255) % 23)::int)
                        ELSE set_byte(set_byte('\\x0000', 0, (61 + ((k >> 24) & 255) % 11)::int), 1,
                            (72 + ((k >> 32) & 255) % 12)::int) END,
                    score, 1000 + 1000 * (((h >> 44) & 255) % 5), 0, 0, 0,
                    CASE WHEN ((k >> 53) & 15) = 0 THEN 0
                        ELSE hashtextextended('a' || w, (((h # k) & 2147483647) % \(count / 2))) END,
                    CASE WHEN ((k >> 57) & 31) = 0 THEN 1 ELSE 0 END
                FROM scored)
            INSERT INTO feedback
            SELECT id, w, at, 1, 0, id, NULL, NULL, 0, i, 0, at, convert_to(replace('\(Self.document)', '$id',
                CASE WHEN abs(score) > 7900 THEN identifier(id) ELSE 'fb_' || encode(id, 'hex') END) , 'UTF8') FROM scored
            """
    }

    /// An item in the uniform schema, such as the parser makes of a short review.
    private static var document: String {
        var feedback = Feedback(
            id: FeedbackID(Digest128(high: 0, low: 0)), workspace: WorkspaceID.make(),
            source: .init(
                name: "jsonl", instance: "file", connection: nil, stream: StreamID.make(), externalID: "1",
                how: "import"),
            text: "Since the last update the export of a report takes minutes, and then it fails. I like the rest.",
            connector: "jsonl@1", contentHash: Digest128(high: 1, low: 1).hexadecimal,
            timestamp: Timestamp(milliseconds: start), collectedAt: Timestamp(milliseconds: start), revision: 1,
            raw: .init(partition: 0, offset: 0, item: 0))
        feedback.topics = ["export"]
        var writer = JSONWriter()
        feedback.write(to: &writer)
        return String(decoding: writer.bytes, as: UTF8.self).replacing(feedback.id.rawValue, with: "$id")
            .replacing("'", with: "''")
    }

    /// An identifier as it is written: five bits a character. Too slow for all of them; what may be quoted has its own.
    private static let identifier = """
        CREATE FUNCTION identifier(id bytea) RETURNS text LANGUAGE SQL IMMUTABLE AS $$
            SELECT 'fb_' || string_agg(
                substr('0123456789abcdefghjkmnpqrstvwxyz', 1 + substr(bits, 5 * place + 1, 5)::bit(5)::int, 1), ''
                ORDER BY place)
            FROM (SELECT (('x' || encode(id, 'hex'))::bit(128) || B'00')::text AS bits) AS one,
                generate_series(0, 25) AS place
        $$
        """
}
