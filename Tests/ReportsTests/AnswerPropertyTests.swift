import Common
import Testing

@testable import Reports

/// Summaries of days with rollups, the facts, and a naive count in memory give the same numbers.
@Suite struct AnswerPropertyTests {
    @Test(arguments: 0..<12) func allWaysGiveTheSameNumbers(seed: Int) async throws {
        var random = SeededGenerator(seed: seed)
        let items = Self.items(using: &random)
        let tables = try await Tables()
        var topic = FeedbackTopic()
        for start in stride(from: 0, to: items.count, by: 40) {
            try await tables.take([topic.batch(Array(items[start..<min(items.count, start + 40)]))])
            // Some days are summarised and change again, some never are.
            try await tables.summarise(atMost: Int.random(in: 0...40, using: &random))
        }
        #expect(try await tables.store.verify() == [])
        var fromSummaries = 0
        for number in 0..<12 {
            let parameters = Self.parameters(isPlain: number < 4, using: &random)
            let question = try tables.question(parameters)
            let expected = Oracle(items: items, question: question)
            var paths: [InsightAnswer.Path] = [.facts]
            if question.isAnsweredBySummaries {
                paths.append(.summaries)
                fromSummaries += 1
            }
            var reports: [InsightReport] = []
            for path in paths {
                let report = try await tables.report(parameters, path: path)
                reports.append(report)
                let comment: Comment = "\(path) \(parameters)"
                #expect(report.totals == expected.totals, comment)
                #expect(report.series.map(\.feedback) == expected.series, comment)
                #expect(report.previous?.totals.feedback == expected.previous, comment)
                for (grouping, shares) in expected.breakdowns {
                    let found = Dictionary(
                        uniqueKeysWithValues: report.breakdowns[grouping]!.map { ($0.value, $0.feedback) })
                    #expect(found == shares, comment)
                }
                let authors = Dictionary(uniqueKeysWithValues: report.topics.map { ($0.topic, $0.authors) })
                #expect(authors == expected.reach, comment)
            }
            #expect(Set(reports).count == 1, "both paths give one report, quotes and all")
        }
        #expect(fromSummaries > 0)
    }

    private static func items(using random: inout SeededGenerator) -> [Item] {
        (0..<150).map { number in
            var item = Item(id: "\(number)")
            item.stream = ["st_a", "st_b"].randomElement(using: &random)!
            item.source = item.stream == "st_a" ? "discourse" : ["github", "csv"].randomElement(using: &random)!
            item.text = "Number \(number) says \(["crash", "Export fails", "love it"].randomElement(using: &random)!)"
            item.at = 1_609_459_200_000 + Int64.random(in: 0..<(120 * 86_400), using: &random) * 1000
            item.language = ["en", "de", "ja"].randomElement(using: &random)!
            item.sentiment = Sentiment.allCases.randomElement(using: &random)!
            item.score = Double(Int.random(in: -1000...1000, using: &random)) / 100
            item.intent = Intent.allCases.randomElement(using: &random)!
            item.topics = ["login", "export", "price", "speed"].filter { _ in Int.random(in: 0..<3, using: &random) == 0
            }
            item.rating = [nil, 1, 3, 4, 5].randomElement(using: &random)!
            item.version = [nil, "1.0", "2.0"].randomElement(using: &random)!
            item.platform = [nil, "ios", "android"].randomElement(using: &random)!
            item.country = [nil, "de", "in"].randomElement(using: &random)!
            item.author = Bool.random(using: &random) ? "person \(Int.random(in: 0..<20, using: &random))" : nil
            return item
        }
    }

    private static func parameters(isPlain: Bool, using random: inout SeededGenerator) -> [(String, String)] {
        let from = Int64.random(in: -10..<100, using: &random)
        let to = from + Int64.random(in: 1..<60, using: &random)
        func date(_ day: Int64) -> String {
            String(Timestamp(milliseconds: 1_609_459_200_000 + day * 86_400_000).description.prefix(10))
        }
        var parameters = [
            ("from", date(from)), ("to", date(to)),
            ("interval", ["hour", "day", "week", "month", "quarter", "year"].randomElement(using: &random)!),
            ("timezone", ["UTC", "Asia/Kolkata", "Asia/Kathmandu", "America/New_York"].randomElement(using: &random)!),
            ("compare", "previous_period"),
        ]
        if isPlain {
            return parameters
                + [("group_by", "source,topic,language"), ("sentiment", "negative,neutral")].prefix(
                    Int.random(in: 0...2, using: &random))
        }
        let groupings = InsightQuestion.Grouping.allCases.map(\.rawValue).shuffled(using: &random)
        parameters.append(("group_by", groupings.prefix(Int.random(in: 0...3, using: &random)).joined(separator: ",")))
        let filters = [
            ("source", "discourse"), ("stream", "st_b"), ("language", "en,de"), ("sentiment", "negative,positive"),
            ("intent", "bug,praise"), ("topic", "login,export"), ("rating", "1,unknown"), ("product_version", "2.0"),
            ("platform", "ios,unknown"), ("country", "IN"), ("q", "export fails"),
        ]
        parameters += filters.shuffled(using: &random).prefix(Int.random(in: 0...2, using: &random))
        return parameters
    }
}

/// Counts in memory, as the words of the documentation have it.
private struct Oracle {
    let items: [Item]
    let question: InsightQuestion

    func matching(_ range: Range<Int64>) -> [Item] {
        let filter = question.filter
        return items.filter { item in
            func has<Value: Equatable>(_ wanted: [Value], _ value: Value) -> Bool {
                wanted.isEmpty || wanted.contains(value)
            }
            let text = item.text.lowercased()
            return range.contains(item.at) && has(filter.sources, item.source) && has(filter.streams, item.stream)
                && has(filter.languages, item.language) && has(filter.sentiments, item.sentiment)
                && has(filter.intents, item.intent.rawValue)
                && (filter.topics.isEmpty || !Set(filter.topics).isDisjoint(with: item.topics))
                && has(filter.ratings, Int(item.rating ?? 0)) && has(filter.versions, item.version ?? "unknown")
                && has(filter.platforms, item.platform ?? "unknown") && has(filter.countries, item.country ?? "unknown")
                && (filter.text?.terms.allSatisfy { text.contains($0) } ?? true)
        }
    }

    var totals: InsightReport.Totals {
        let found = matching(question.range)
        let count = Double(found.count)
        func number(_ sentiment: Sentiment) -> Int { found.filter { $0.sentiment == sentiment }.count }
        let ratings = found.compactMap(\.rating)
        let scores = found.reduce(0) { $0 + Int(($1.score * 1000).rounded()) }
        return InsightReport.Totals(
            feedback: found.count, merged: 0, authors: Set(found.compactMap { person($0) }).count,
            sentiment: .init(negative: number(.negative), neutral: number(.neutral), positive: number(.positive)),
            netSentiment: found.isEmpty
                ? nil : (Double(number(.positive) - number(.negative)) / count * 1000).rounded() / 10,
            averageScore: found.isEmpty ? nil : (Double(scores) / count).rounded() / 1000,
            averageRating: ratings.isEmpty
                ? nil : (ratings.reduce(0, +) * 1000 / Double(ratings.count)).rounded() / 1000)
    }

    private func person(_ item: Item) -> String? { item.author.map { "\(item.source) \($0)" } }

    var series: [Int] {
        let starts = question.buckets.starts
        let found = matching(question.range).map(\.at)
        return starts.indices.map { index in
            let end = index + 1 < starts.count ? starts[index + 1] : question.range.upperBound
            return found.filter { (starts[index]..<end).contains($0) }.count
        }
    }

    var previous: Int { matching(question.previous).count }

    var breakdowns: [String: [String: Int]] {
        let found = matching(question.range)
        return Dictionary(
            uniqueKeysWithValues: question.groupings.map { grouping in
                let values = found.flatMap { item -> [String] in
                    switch grouping {
                    case .source: [item.source]
                    case .stream: [item.stream]
                    case .language: [item.language]
                    case .sentiment: [item.sentiment.rawValue]
                    case .intent: [item.intent.rawValue]
                    case .topic: item.topics
                    case .rating: [item.rating.map { String(Int($0)) } ?? "unknown"]
                    case .productVersion: [item.version ?? "unknown"]
                    case .platform: [item.platform ?? "unknown"]
                    case .country: [item.country ?? "unknown"]
                    }
                }
                return (grouping.rawValue, Dictionary(values.map { ($0, 1) }, uniquingKeysWith: +))
            })
    }

    var reach: [String: Int] {
        let found = matching(question.range)
        return Dictionary(
            uniqueKeysWithValues: Set(found.flatMap(\.topics)).map { topic in
                (topic, Set(found.filter { $0.topics.contains(topic) }.compactMap { person($0) }).count)
            })
    }
}
