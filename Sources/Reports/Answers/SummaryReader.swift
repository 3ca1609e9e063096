import Common

/// Reads the summaries of whole days.
struct SummaryReader {
    let connection: any DatabaseConnection
    let workspace: Int64
    /// Those that are asked for; none is all.
    let sentiments: Set<Sentiment>

    init(connection: any DatabaseConnection, workspace: Int64, sentiments: [Sentiment]) {
        self.connection = connection
        self.workspace = workspace
        self.sentiments = Set(sentiments.isEmpty ? Sentiment.allCases : sentiments)
    }

    /// Adds up the days of a range that are summarised.
    ///
    /// - Returns: The rest of the range, where facts are to be read.
    func read(_ range: Range<Int64>, into period: inout Period) throws -> [Range<Int64>] {
        let first = -(-range.lowerBound).flooredQuotient(by: DayKey.length) * DayKey.length
        let end = range.upperBound.flooredQuotient(by: DayKey.length) * DayKey.length
        guard first < end else { return [range] }
        var rest = RangeList()
        rest.append(range.lowerBound..<first)
        try connection.forEach(
            """
            SELECT day.day, numbers, people\(raw: period.hasQuotes ? ", quotes" : "") FROM day
            LEFT JOIN day_summary ON day_summary.workspace = day.workspace AND day_summary.day = day.day
                AND day.summarised = day.version
            WHERE day.workspace = \(workspace) AND day.day >= \(first) AND day.day < \(end) ORDER BY day.day
            """
        ) { row in
            let day = row.integer(0)
            if row.isNull(1) {
                rest.append(day..<day + DayKey.length)
            } else {
                try add(row, day, to: &period)
            }
        }
        rest.append(end..<range.upperBound)
        return rest.ranges
    }

    private func add(_ row: any DatabaseRow, _ day: Int64, to period: inout Period) throws {
        try row.withBytes(1) { bytes in
            try DayNumbers.forEach(in: bytes) { sentiment, dimension, value, sums in
                if sentiments.contains(sentiment) { period.count(dimension, value, sums, sentiment, at: day) }
            }
        }
        try row.withBytes(2) { try period.people.add(day: $0, of: sentiments) }
        guard period.hasQuotes else { return }
        try row.withBytes(3) { try DayQuotes.read($0, day: day, of: sentiments, into: &period.quotes) }
    }
}

/// Ranges in their order, those that touch made one.
private struct RangeList {
    private(set) var ranges: [Range<Int64>] = []

    mutating func append(_ range: Range<Int64>) {
        guard !range.isEmpty else { return }
        if let last = ranges.last, last.upperBound == range.lowerBound {
            ranges[ranges.count - 1] = last.lowerBound..<range.upperBound
        } else {
            ranges.append(range)
        }
    }
}
