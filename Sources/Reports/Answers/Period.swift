import Common

/// What is known of a period: numbers, people and what may be quoted.
struct Period {
    var numbers: Numbers
    var people: People
    /// Known when everything is counted.
    private(set) var reach = People.Reach()
    var quotes = QuoteCandidates()
    /// What the series is counted by; nil if there is none, or rollups have it.
    var buckets: CalendarBuckets?
    let hasQuotes: Bool
    private let groupings: [InsightQuestion.Grouping]
    /// The groupings by what summaries are kept by.
    private let groupingsByDimension: [[InsightQuestion.Grouping]]
    private let isGroupedBySentiment: Bool

    init(
        buckets: CalendarBuckets?, groupings: [InsightQuestion.Grouping], hasQuotes: Bool, authors: AuthorNumbers
    ) {
        people = People(authors: authors)
        self.buckets = buckets
        self.groupings = groupings.filter { $0 != .topic }
        self.hasQuotes = hasQuotes
        groupingsByDimension = SummaryDimension.allCases.map { dimension in
            groupings.filter { $0.dimension == dimension && $0 != .topic }
        }
        isGroupedBySentiment = groupings.contains(.sentiment)
        numbers = Numbers(buckets: buckets?.starts.count ?? 0)
        numbers.breakdowns = Dictionary(uniqueKeysWithValues: Set(groupings).map { ($0, [:]) })
    }

    /// Counts a fact.
    mutating func count(_ row: FactRow) {
        let sums = row.sums
        let sentiment = row.sentiment
        numbers.totals.add(sums, sentiment)
        if let buckets { numbers.series[buckets.position(of: row.timestamp)].add(sums, sentiment) }
        row.forEachTopic { numbers.topics[$0, default: Tally()].add(sums, sentiment) }
        for grouping in groupings {
            numbers.breakdowns[grouping, default: [:]][row.value(grouping), default: Tally()].add(sums, sentiment)
        }
        guard !row.isMerged else { return }
        people.add(row)
        if hasQuotes { quotes.add(row) }
    }

    /// Counts what a summary says of one value of a dimension.
    mutating func count(
        _ dimension: SummaryDimension, _ value: Int64, _ sums: RollupSums, _ sentiment: Sentiment, at instant: Int64
    ) {
        switch dimension {
        case .origin:  // every fact has one
            numbers.totals.add(sums, sentiment)
            if let buckets { numbers.series[buckets.position(of: instant)].add(sums, sentiment) }
            if isGroupedBySentiment {
                numbers.breakdowns[.sentiment, default: [:]][sentiment.code, default: Tally()].add(sums, sentiment)
            }
        case .topic: numbers.topics[value, default: Tally()].add(sums, sentiment)
        case .language, .intent: break
        }
        for grouping in groupingsByDimension[dimension.rawValue] {
            numbers.breakdowns[grouping, default: [:]][value, default: Tally()].add(sums, sentiment)
        }
    }

    /// To be called when everything is counted.
    mutating func finish() {
        reach = people.reach()
        if numbers.breakdowns[.topic] != nil { numbers.breakdowns[.topic] = numbers.topics }
    }
}
