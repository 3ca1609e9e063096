import Common

/// Counts from the rollups.
struct RollupReader {
    let connection: any DatabaseConnection
    let workspace: Int64
    let sentiments: [Sentiment]

    func numbers(_ range: Range<Int64>, buckets: CalendarBuckets?, groupings: [InsightQuestion.Grouping]) throws
        -> Numbers
    {
        var numbers = Numbers(buckets: buckets?.starts.count ?? 0)
        var origins: [Int64: Tally] = [:]
        var bySentiment: [Int64: Tally] = [:]
        try connection.forEach(
            """
            SELECT bucket, value, sentiment, feedback, merged, score_sum, rating_sum, rating_count FROM rollup
            WHERE \(condition(.origin, range))
            """
        ) { row in
            let sentiment = Sentiment(code: row.integer(2))
            let sums = RollupSums(row, from: 3)
            numbers.totals.add(sums, sentiment)
            origins[row.integer(1), default: Tally()].add(sums, sentiment)
            bySentiment[sentiment.code, default: Tally()].add(sums, sentiment)
            if let buckets { numbers.series[buckets.position(of: row.integer(0))].add(sums, sentiment) }
        }
        numbers.topics = try tallies(.topic, range)
        for grouping in groupings {
            numbers.breakdowns[grouping] =
                switch grouping.dimension {
                case .origin: origins
                case .topic: numbers.topics
                case let dimension?: try tallies(dimension, range)
                case nil: bySentiment
                }
        }
        return numbers
    }

    private func tallies(_ dimension: RollupDimension, _ range: Range<Int64>) throws -> [Int64: Tally] {
        let sum = { (column: String) in "CAST(SUM(\(column)) AS \(connection.dialect.integer))" }
        let sums = ["feedback", "merged", "score_sum", "rating_sum", "rating_count"].map(sum).joined(separator: ", ")
        var tallies: [Int64: Tally] = [:]
        try connection.forEach(
            """
            SELECT value, sentiment, \(raw: sums) FROM rollup WHERE \(condition(dimension, range))
            GROUP BY value, sentiment
            """
        ) { row in
            tallies[row.integer(0), default: Tally()]
                .add(RollupSums(row, from: 2), Sentiment(code: row.integer(1)))
        }
        return tallies
    }

    private func condition(_ dimension: RollupDimension, _ range: Range<Int64>) -> SQL {
        let rows: SQL = """
            workspace = \(workspace) AND dimension = \(dimension.rawValue)
            AND bucket >= \(range.lowerBound) AND bucket < \(range.upperBound)
            """
        return sentiments.isEmpty ? rows : rows + " AND sentiment IN \(list: sentiments.map(\.code))"
    }
}
