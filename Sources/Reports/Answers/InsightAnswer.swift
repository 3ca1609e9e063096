import Common

/// Answers a question from one state of the tables.
struct InsightAnswer {
    /// Where the numbers come from. Both give the same ones.
    enum Path { case summaries, facts }

    private let connection: any DatabaseConnection
    private let question: InsightQuestion
    private let settings: ReportsSettings
    private let path: Path
    private let cache: SummaryCache?

    /// - Parameters:
    ///   - path: nil chooses the summaries of days where they have all that is asked for.
    ///   - cache: Summaries that other questions have read.
    init(
        _ question: InsightQuestion, in connection: any DatabaseConnection, settings: ReportsSettings,
        path: Path? = nil, cache: SummaryCache? = nil
    ) {
        self.cache = cache
        self.question = question
        self.connection = connection
        self.settings = settings
        self.path = path ?? (question.isAnsweredBySummaries ? .summaries : .facts)
    }

    /// The whole report but for the coverage's streams and events in flight, which are not in the tables.
    func report() throws -> InsightReport {
        let workspace = try connection.number(of: Word(.workspace, question.workspace.rawValue)) ?? -1
        let filter = try ResolvedFilter(question.filter, workspace: workspace, in: connection)
        let summaries = cache?.summaries(of: workspace) ?? WorkspaceSummaries()
        let now = try period(question.range, workspace, filter, summaries, isCurrent: true)
        let before = try period(question.previous, workspace, filter, summaries, isCurrent: false)
        let ranking = now.numbers.topics.filter { $0.value.feedback > 0 }
        let emerging = Emergence(
            minimumPeople: settings.emergingPeople, minimumDeviations: settings.emergingDeviations
        ).topics(
            now: now.reach.topics, before: before.reach.topics, allNow: now.reach.all.people,
            allBefore: before.reach.all.people)
        let names = try connection.texts(of: Set(ranking.keys))
        let topics = ranking.map { number, tally in
            let earlier = before.numbers.topics[number]?.feedback ?? 0
            return (
                number,
                InsightReport.Topic(
                    topic: names[number] ?? "", feedback: tally.feedback, authors: now.reach.topics[number]?.known ?? 0,
                    netSentiment: tally.netSentiment, previous: earlier,
                    change: earlier > 0
                        ? (Double(tally.feedback - earlier) / Double(earlier) * 1000).rounded() / 1000 : nil)
            )
        }.sorted { ($1.1.feedback, $0.1.topic) < ($0.1.feedback, $1.1.topic) }

        return InsightReport(
            workspaceID: question.workspace, from: local(question.range.lowerBound),
            to: local(question.range.upperBound), interval: question.interval, timezone: question.zone.name,
            totals: totals(now), series: series(now.numbers), breakdowns: try breakdowns(now.numbers),
            topics: topics.prefix(Self.topicLimit).map(\.1),
            emerging: emerging.prefix(Self.emergingLimit).map { topic in
                InsightReport.Emerging(
                    topic: names[topic.topic] ?? "", people: topic.now, previousPeople: topic.before,
                    deviations: topic.deviations, isNew: topic.before == 0,
                    netSentiment: now.numbers.topics[topic.topic]?.netSentiment)
            },
            quotes: try now.quotes.choose(settings.quotes, topics: topics.map(\.0), in: connection),
            previous: question.comparesPrevious
                ? InsightReport.Period(
                    from: local(question.previous.lowerBound), to: local(question.previous.upperBound),
                    totals: totals(before)) : nil,
            coverage: InsightReport.Coverage(
                streams: [], inFlight: 0, deadLetters: try connection.deadLetters(of: question.workspace)))
    }

    private static let topicLimit = 100
    private static let emergingLimit = 10
    /// Values of a breakdown; the rest is added up.
    private static let shareLimit = 1000

    private func period(
        _ range: Range<Int64>, _ workspace: Int64, _ filter: ResolvedFilter, _ summaries: WorkspaceSummaries,
        isCurrent: Bool
    ) throws -> Period {
        let buckets = isCurrent ? question.buckets : nil
        var period = Period(
            buckets: buckets, groupings: isCurrent ? question.groupings : [], hasQuotes: isCurrent,
            authors: summaries.authors)
        var rest = [range]
        var rollups: RollupReader?
        if path == .summaries {
            if let buckets, !buckets.isMadeOfDays {
                rollups = RollupReader(
                    connection: connection, workspace: workspace, summaries: summaries,
                    sentiments: question.filter.sentiments)
                period.buckets = nil
            }
            rest = try SummaryReader(
                connection: connection, workspace: workspace, summaries: summaries,
                sentiments: question.filter.sentiments
            ).read(range, into: &period)
        }
        for range in rest {
            try connection.scan(range, filter, includingMerged: true) { period.count($0) }
        }
        if let rollups, let buckets {
            period.numbers.series = try rollups.series(buckets)
        }
        period.finish()
        return period
    }

    private func totals(_ period: Period) -> InsightReport.Totals {
        let tally = period.numbers.totals
        return InsightReport.Totals(
            feedback: tally.feedback, merged: Int(tally.sums.merged), authors: period.reach.all.known,
            sentiment: tally.sentiments, netSentiment: tally.netSentiment, averageScore: tally.averageScore,
            averageRating: tally.averageRating)
    }

    private func series(_ numbers: Numbers) -> [InsightReport.Point] {
        zip(question.buckets.starts, numbers.series).map { start, tally in
            InsightReport.Point(
                start: local(start), feedback: tally.feedback, sentiment: tally.sentiments,
                averageScore: tally.averageScore)
        }
    }

    private func breakdowns(_ numbers: Numbers) throws -> [String: [InsightReport.Share]] {
        var breakdowns: [String: [InsightReport.Share]] = [:]
        for grouping in question.groupings {
            var shares: [String: Tally] = [:]
            let tallies = (numbers.breakdowns[grouping] ?? [:]).filter { $0.value.feedback > 0 }
            let names = try names(of: Set(tallies.keys), grouping)
            for (value, tally) in tallies {
                shares[names[value] ?? FeedbackFilter.unknown, default: Tally()].add(tally)
            }
            breakdowns[grouping.rawValue] = Self.ranked(shares)
        }
        return breakdowns
    }

    private func names(of values: Set<Int64>, _ grouping: InsightQuestion.Grouping) throws -> [Int64: String] {
        switch grouping {
        case .source: try connection.origins().mapValues(\.source)
        case .stream: try connection.origins().mapValues(\.stream)
        case .sentiment:
            Dictionary(uniqueKeysWithValues: Sentiment.allCases.map { ($0.code, $0.rawValue) })
        case .rating: Dictionary(uniqueKeysWithValues: values.filter { $0 > 0 }.map { ($0, String($0)) })
        case .language, .intent, .topic, .productVersion, .platform, .country: try connection.texts(of: values)
        }
    }

    private static func ranked(_ shares: [String: Tally]) -> [InsightReport.Share] {
        let sorted = shares.sorted { ($1.value.feedback, $0.key) < ($0.value.feedback, $1.key) }
        var ranked = sorted.prefix(shareLimit).map { share($0.key, $0.value) }
        var rest = Tally()
        for (_, tally) in sorted.dropFirst(shareLimit) { rest.add(tally) }
        if rest.feedback > 0 { ranked.append(share("(all others)", rest)) }
        return ranked
    }

    private static func share(_ value: String, _ tally: Tally) -> InsightReport.Share {
        InsightReport.Share(value: value, feedback: tally.feedback, netSentiment: tally.netSentiment)
    }

    private func local(_ instant: Int64) -> String { LocalTime(instant: instant, zone: question.zone).description }
}
