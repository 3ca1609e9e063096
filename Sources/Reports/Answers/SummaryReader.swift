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
        var rest = RangeList()
        for (piece, summary) in try pieces(of: range) {
            if let summary { try add(summary, of: piece, to: &period) } else { rest.append(piece.range) }
        }
        return rest.ranges
    }

    /// The days of a range that have facts, cut to it, with their summaries where these hold.
    private func pieces(of range: Range<Int64>) throws -> [(piece: DayPiece, summary: ReadSummary?)] {
        let days = try connection.days(of: workspace, in: range)
        let pieces = days.map { day in
            var piece = day.piece
            piece.range = piece.range.clamped(to: range)
            return piece
        }
        let wanted = zip(days, pieces).filter { $0.0.isSummarised }.map { $0.1 }
        var read = summaries.summaries.held(wanted)
        let missing = wanted.filter { read[$0] == nil }
        let parts = missing.filter { !$0.isWhole && $0.isCutAtQuarters }
        let made = try self.read(missing.filter(\.isWhole)) + (summaries.isKept ? parts.map(make) : [])
        for (piece, summary) in made {
            summaries.summaries.hold(summary, of: piece)
            read[piece] = summary
        }
        return pieces.map { ($0, read[$0]) }
    }

    /// Reads summaries from the first to the last of these days, and leaves out those between that are not of them.
    private func read(_ days: [DayPiece]) throws -> [(DayPiece, ReadSummary)] {
        guard let first = days.first?.range.lowerBound, let last = days.last?.range.lowerBound else { return [] }
        let byDay = Dictionary(uniqueKeysWithValues: days.map { ($0.range.lowerBound, $0) })
        var read: [(DayPiece, ReadSummary)] = []
        try connection.forEach(
            """
            SELECT day, numbers, people, quotes FROM day_summary
            WHERE workspace = \(workspace) AND day >= \(first) AND day <= \(last)
            """
        ) { row in
            guard let piece = byDay[row.integer(0)] else { return }
            read.append((piece, try row.withBytes(2) { try summary(row.blob(1), $0, row.blob(3)) }))
        }
        return read
    }

    /// Summarises a part of a day from its facts.
    private func make(_ piece: DayPiece) throws -> (DayPiece, ReadSummary) {
        let key = DayKey(workspace: workspace, at: piece.range.lowerBound)
        let bytes = SummaryBytes(try connection.summarise(key, piece.range))
        return (piece, try bytes.people.withUnsafeBytes { try summary(bytes.numbers, $0, bytes.quotes) })
    }

    private func summary(_ numbers: [UInt8], _ people: UnsafeRawBufferPointer, _ quotes: [UInt8]) throws -> ReadSummary
    {
        ReadSummary(
            numbers: numbers, people: try NumberedPeople(people, authors: summaries.authors), quotes: quotes)
    }

    private func add(_ summary: ReadSummary, of piece: DayPiece, to period: inout Period) throws {
        let day = DayKey(workspace: workspace, at: piece.range.lowerBound).day
        try summary.numbers.withUnsafeBytes { bytes in
            try DayNumbers.forEach(in: bytes) { sentiment, dimension, value, sums in
                if sentiments.contains(sentiment) {
                    period.count(dimension, value, sums, sentiment, at: piece.range.lowerBound)
                }
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

extension DayPiece {
    fileprivate var isWhole: Bool { range.upperBound - range.lowerBound == DayKey.length }

    /// As a zone's midnight cuts, and not as a clock that runs.
    fileprivate var isCutAtQuarters: Bool {
        range.lowerBound % RollupKey.bucketLength == 0 && range.upperBound % RollupKey.bucketLength == 0
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
