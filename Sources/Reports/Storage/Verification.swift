import Common

/// Recomputes what the sink derives, within one state of the database.
struct Verification {
    private let connection: any DatabaseConnection
    /// How much time is recomputed at once, in milliseconds.
    private static let window: Int64 = 30 * 86_400_000

    init(_ connection: any DatabaseConnection) { self.connection = connection }

    func run() throws -> [Mismatch] {
        let workspaces = try connection.query(
            "SELECT DISTINCT workspace FROM fact UNION SELECT DISTINCT workspace FROM rollup"
        ) { $0.integer(0) }
        return try workspaces.sorted().flatMap(rollups) + summaries() + items() + crossPosts()
    }

    /// Rollups of a workspace that are not the sums of its facts.
    private func rollups(of workspace: Int64) throws -> [Mismatch] {
        var mismatches: [Mismatch] = []
        let bounds = try connection.query(
            """
            SELECT MIN(timestamp), MAX(timestamp) FROM fact WHERE workspace = \(workspace)
            UNION ALL SELECT MIN(bucket), MAX(bucket) FROM rollup WHERE workspace = \(workspace)
            """
        ) { row in row.isNull(0) ? nil : (row.integer(0), row.integer(1)) }.compactMap { $0 }
        guard let first = bounds.map(\.0).min(), let last = bounds.map(\.1).max() else { return [] }
        var start = RollupKey.bucket(of: first)
        while start <= last {
            let end = start + Self.window
            var sums = RollupChanges()
            try connection.forEach(
                """
                SELECT \(raw: Fact.columns) FROM fact
                WHERE workspace = \(workspace) AND timestamp >= \(start) AND timestamp < \(end)
                """
            ) { sums.add(Fact($0)) }
            mismatches += try unknownDays(sums.days, of: workspace, start..<end)
            let stored = try rollups(of: workspace, start..<end)
            for key in Set(sums.sums.keys).union(stored.keys).sorted() where sums.sums[key] != stored[key] {
                mismatches.append(
                    Mismatch(
                        place: "rollup \(key)", expected: "\(sums.sums[key] ?? RollupSums())",
                        found: "\(stored[key] ?? RollupSums())"))
            }
            start = end
        }
        return mismatches
    }

    /// Days with facts of which the table of days does not know.
    private func unknownDays(_ days: Set<DayKey>, of workspace: Int64, _ range: Range<Int64>) throws -> [Mismatch] {
        let known = try connection.query(
            """
            SELECT day FROM day
            WHERE workspace = \(workspace) AND day > \(range.lowerBound - DayKey.length) AND day < \(range.upperBound)
            """
        ) { DayKey(workspace: workspace, day: $0.integer(0)) }
        return days.subtracting(known).sorted().map { Mismatch(place: "\($0)", expected: "a row", found: "none") }
    }

    private func rollups(of workspace: Int64, _ range: Range<Int64>) throws -> [RollupKey: RollupSums] {
        var rollups: [RollupKey: RollupSums] = [:]
        try connection.forEach(
            """
            SELECT bucket, sentiment, feedback, merged, score_sum, rating_sum, rating_count FROM rollup
            WHERE workspace = \(workspace) AND bucket >= \(range.lowerBound) AND bucket < \(range.upperBound)
            """
        ) { row in
            let key = RollupKey(
                workspace: workspace, bucket: row.integer(0), sentiment: Sentiment(code: row.integer(1)))
            rollups[key] = RollupSums(row, from: 2)
        }
        return rollups
    }

    /// Summaries that are not those of the day's facts.
    private func summaries() throws -> [Mismatch] {
        var mismatches: [Mismatch] = []
        let summarised = try connection.query("SELECT workspace, day FROM day WHERE summarised = version") {
            DayKey(workspace: $0.integer(0), day: $0.integer(1))
        }
        for key in summarised {
            let expected = SummaryBytes(try connection.summarise(key))
            let found = try connection.first(
                """
                SELECT numbers, people, quotes FROM day_summary
                WHERE workspace = \(key.workspace) AND day = \(key.day)
                """, SummaryBytes.init)
            guard found != expected else { continue }
            mismatches.append(
                Mismatch(
                    place: "\(key)", expected: "the summary of its facts", found: found == nil ? "none" : "another one")
            )
        }
        return mismatches
    }

    /// Live items without a fact of the same state, and facts without an item.
    private func items() throws -> [Mismatch] {
        let lost = try connection.query(
            """
            SELECT feedback.id FROM feedback LEFT JOIN fact ON fact.workspace = feedback.workspace
                AND fact.timestamp = feedback.timestamp AND fact.feedback = feedback.id
            WHERE feedback.state = 0 AND (fact.feedback IS NULL
                OR fact.merged <> CASE WHEN feedback.merged_into IS NULL THEN 0 ELSE 1 END)
            """
        ) { Mismatch(place: "feedback \(FeedbackID($0.digest(0)))", expected: "a fact that agrees", found: "none") }
        let orphans = try connection.query(
            """
            SELECT fact.feedback FROM fact LEFT JOIN feedback ON feedback.id = fact.feedback
                AND feedback.timestamp = fact.timestamp AND feedback.state = 0
            WHERE feedback.id IS NULL
            """
        ) { Mismatch(place: "fact \(FeedbackID($0.digest(0)))", expected: "a live item", found: "none") }
        return lost + orphans
    }

    /// Items that are merged into another one than the rule says.
    private func crossPosts() throws -> [Mismatch] {
        var mismatches: [Mismatch] = []
        var key: Digest128?
        var members: [(member: Cluster.Member, mergedInto: Digest128?)] = []
        func check() {
            let cluster = Cluster(members.map(\.member))
            for (member, found) in members where cluster.canonical(for: member) != found {
                mismatches.append(
                    Mismatch(
                        place: "feedback \(FeedbackID(member.id)) merged into",
                        expected: cluster.canonical(for: member).map { FeedbackID($0).rawValue } ?? "none",
                        found: found.map { FeedbackID($0).rawValue } ?? "none"))
            }
            members.removeAll(keepingCapacity: true)
        }
        try connection.forEach(
            """
            SELECT merge_key, timestamp, id, merged_into FROM feedback WHERE merge_key IS NOT NULL
            ORDER BY merge_key, timestamp, id
            """
        ) { row in
            if case let next = row.digest(0), next != key {
                check()
                key = next
            }
            members.append((Cluster.Member(timestamp: row.integer(1), id: row.digest(2)), row.optionalDigest(3)))
        }
        check()
        return mismatches
    }
}

extension RollupSums {
    /// Reads feedback, merged and the three sums from a column on.
    init(_ row: any DatabaseRow, from column: Int) {
        self.init()
        feedback = row.integer(column)
        merged = row.integer(column + 1)
        score = row.integer(column + 2)
        rating = row.integer(column + 3)
        ratings = row.integer(column + 4)
    }
}
