import Common

/// Reads series from the rollups.
struct RollupReader {
    let connection: any DatabaseConnection
    let workspace: Int64
    /// What was read before, and keeps what is read.
    let summaries: WorkspaceSummaries
    /// Those that are asked for.
    let sentiments: Set<Sentiment>

    init(connection: any DatabaseConnection, workspace: Int64, summaries: WorkspaceSummaries, sentiments: [Sentiment]) {
        self.connection = connection
        self.workspace = workspace
        self.summaries = summaries
        self.sentiments = Set(sentiments.isEmpty ? Sentiment.allCases : sentiments)
    }

    /// What is in each bucket, where each is made of whole quarters of an hour.
    func series(_ buckets: CalendarBuckets) throws -> [Tally] {
        var series = Array(repeating: Tally(), count: buckets.starts.count)
        for day in try days(buckets.range) {
            for quarter in day.quarters
            where sentiments.contains(quarter.sentiment) && buckets.range.contains(quarter.start) {
                series[buckets.position(of: quarter.start)].add(quarter.sums, quarter.sentiment)
            }
        }
        return series
    }

    private func days(_ range: Range<Int64>) throws -> [ReadQuarters] {
        let pieces = try connection.days(of: workspace, in: range).map(\.piece)
        var read = summaries.quarters.held(pieces)
        let missing = pieces.filter { read[$0] == nil }
        guard let first = missing.first?.range, let last = missing.last?.range else { return Array(read.values) }
        var quarters: [Int64: [ReadQuarters.Quarter]] = [:]
        try connection.forEach(
            """
            SELECT bucket, sentiment, feedback, merged, score_sum, rating_sum, rating_count FROM rollup
            WHERE workspace = \(workspace) AND bucket >= \(first.lowerBound) AND bucket < \(last.upperBound)
            """
        ) { row in
            let start = row.integer(0)
            quarters[DayKey(workspace: workspace, at: start).day, default: []].append(
                .init(start: start, sentiment: Sentiment(code: row.integer(1)), sums: RollupSums(row, from: 2)))
        }
        for piece in missing {
            let day = ReadQuarters(quarters: quarters[piece.range.lowerBound] ?? [])
            summaries.quarters.hold(day, of: piece)
            read[piece] = day
        }
        return Array(read.values)
    }
}
