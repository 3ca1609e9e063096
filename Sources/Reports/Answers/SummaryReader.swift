import Common

/// Reads the summaries of whole days.
struct SummaryReader {
    let connection: any DatabaseConnection
    let workspace: Int64
    /// What was read before, and keeps what is read.
    let summaries: WorkspaceSummaries
    /// Those that are asked for; none is all.
    let sentiments: Set<Sentiment>

    init(connection: any DatabaseConnection, workspace: Int64, summaries: WorkspaceSummaries, sentiments: [Sentiment]) {
        self.connection = connection
        self.summaries = summaries
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
        for (day, summary) in try days(first..<end) {
            if let summary { try add(summary, to: &period) } else { rest.append(day..<day + DayKey.length) }
        }
        rest.append(end..<range.upperBound)
        return rest.ranges
    }

    /// The days of a range that have facts, with their summaries where these hold.
    private func days(_ range: Range<Int64>) throws -> [(day: Int64, summary: ReadDay?)] {
        let days = try connection.query(
            """
            SELECT day, version, changed_at, summarised FROM day
            WHERE workspace = \(workspace) AND day >= \(range.lowerBound) AND day < \(range.upperBound) ORDER BY day
            """
        ) { row in
            (
                state: DayState(day: row.integer(0), version: row.integer(1), changedAt: row.integer(2)),
                isSummarised: row.integer(3) == row.integer(1)
            )
        }
        let states = days.filter(\.isSummarised).map(\.state)
        var read = summaries.held(states)
        for summary in try self.read(states.filter { read[$0.day] == nil }) {
            summaries.hold(summary)
            read[summary.state.day] = summary
        }
        return days.map { ($0.state.day, read[$0.state.day]) }
    }

    /// Reads summaries from the first to the last of these days, and leaves out those between that are not of them.
    private func read(_ states: [DayState]) throws -> [ReadDay] {
        let byDay = Dictionary(uniqueKeysWithValues: states.map { ($0.day, $0) })
        guard let first = states.first, let last = states.last else { return [] }
        var days: [ReadDay] = []
        try connection.forEach(
            """
            SELECT day, numbers, people, quotes FROM day_summary
            WHERE workspace = \(workspace) AND day >= \(first.day) AND day <= \(last.day)
            """
        ) { row in
            guard let state = byDay[row.integer(0)] else { return }
            days.append(
                ReadDay(
                    state: state, numbers: row.blob(1),
                    people: try row.withBytes(2) { try NumberedPeople($0, authors: summaries.authors) },
                    quotes: row.blob(3)))
        }
        return days
    }

    private func add(_ summary: ReadDay, to period: inout Period) throws {
        let day = summary.state.day
        try summary.numbers.withUnsafeBytes { bytes in
            try DayNumbers.forEach(in: bytes) { sentiment, dimension, value, sums in
                if sentiments.contains(sentiment) { period.count(dimension, value, sums, sentiment, at: day) }
            }
        }
        for (code, part) in summary.people.parts.enumerated() where sentiments.contains(Sentiment(code: Int64(code))) {
            period.people.add(part)
        }
        guard period.hasQuotes else { return }
        try summary.quotes.withUnsafeBytes {
            try DayQuotes.read($0, day: day, of: sentiments, into: &period.quotes)
        }
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
