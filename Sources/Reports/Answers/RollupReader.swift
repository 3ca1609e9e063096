import Common

/// Reads series from the rollups.
struct RollupReader {
    let connection: any DatabaseConnection
    let workspace: Int64
    let sentiments: [Sentiment]

    /// What is in each bucket, where each is made of whole quarters of an hour.
    ///
    /// The database adds up what is of one hour or day by the zone's clock. Between two clock changes that is a division.
    func series(_ buckets: CalendarBuckets, by interval: CalendarInterval, in zone: ZoneOffsets) throws -> [Tally] {
        var series = Array(repeating: Tally(), count: buckets.starts.count)
        let length: Int64 = interval == .hour ? 3_600_000 : DayKey.length
        guard let range = try extent(within: buckets.range) else { return series }
        var start = range.lowerBound
        while start < range.upperBound {
            let end = min(range.upperBound, zone.transition(after: start) ?? range.upperBound)
            let origin = start - zone.local(start).flooredRemainder(by: length)
            try sum(start..<end, from: origin, length) { slot, sentiment, sums in
                series[buckets.position(of: max(start, origin + slot * length))].add(sums, sentiment)
            }
            start = end
        }
        return series
    }

    private func sum(
        _ range: Range<Int64>, from origin: Int64, _ length: Int64,
        _ body: (_ slot: Int64, Sentiment, RollupSums) -> Void
    ) throws {
        let sum = { (column: String) in "CAST(SUM(\(column)) AS \(connection.dialect.integer))" }
        let sums = ["feedback", "merged", "score_sum", "rating_sum", "rating_count"].map(sum).joined(separator: ", ")
        try connection.forEach(
            """
            SELECT (bucket - \(raw: "\(origin)")) / \(raw: "\(length)"), sentiment, \(raw: sums) FROM rollup
            WHERE \(condition) AND bucket >= \(range.lowerBound) AND bucket < \(range.upperBound) GROUP BY 1, 2
            """
        ) { row in body(row.integer(0), Sentiment(code: row.integer(1)), RollupSums(row, from: 2)) }
    }

    /// The part of a range that has rollups; nil if there are none.
    private func extent(within range: Range<Int64>) throws -> Range<Int64>? {
        let found = try connection.first("SELECT MIN(bucket), MAX(bucket) FROM rollup WHERE workspace = \(workspace)") {
            $0.isNull(0) ? nil : ($0.integer(0), $0.integer(1) + RollupKey.bucketLength)
        }
        guard let (first, end) = found ?? nil else { return nil }
        let (lower, upper) = (max(range.lowerBound, first), min(range.upperBound, end))
        return lower < upper ? lower..<upper : nil
    }

    private var condition: SQL {
        let rows: SQL = "workspace = \(workspace)"
        return sentiments.isEmpty ? rows : rows + " AND sentiment IN \(list: sentiments.map(\.code))"
    }
}
