import Common
import Notices
import ServiceKit

/// Looks for what a rule watches for, in one state of the tables.
struct AlertReading {
    let connection: any DatabaseConnection
    let settings: ReportsSettings
    let now: Timestamp
    /// The names of the workspace's streams that are not paused.
    let streams: [StreamID: String]

    /// Windows that now is compared with.
    private static let windows = 7

    func findings(of rule: AlertRule) throws -> [Finding] {
        switch rule.kind {
        case .volume: try volume(rule)
        case .sentiment: try sentiment(rule)
        case .topic: try topics(rule)
        case .silence: try silence(rule)
        case .deadLetters: try deadLetters(rule)
        }
    }

    /// The last whole hours: what is still coming in is not held against the full hours before.
    private func range(_ rule: AlertRule, ago window: Int = 0) -> Range<Int64> {
        let hour: Int64 = 3_600_000
        let length = Int64(rule.settings.hours) * hour
        let end = now.milliseconds.flooredQuotient(by: hour) * hour - Int64(window) * length
        return end - length..<end
    }

    private func tally(_ rule: AlertRule, ago window: Int) throws -> Tally {
        let workspace = try connection.number(of: Word(.workspace, rule.workspace.rawValue)) ?? -1
        let range = range(rule, ago: window)
        let sums = ["feedback", "merged", "score_sum", "rating_sum", "rating_count"]
            .map { "CAST(SUM(\($0)) AS \(connection.dialect.integer))" }.joined(separator: ", ")
        var tally = Tally()
        try connection.forEach(
            """
            SELECT sentiment, \(raw: sums) FROM rollup
            WHERE workspace = \(workspace) AND bucket >= \(range.lowerBound) AND bucket < \(range.upperBound)
            GROUP BY sentiment
            """
        ) { row in tally.add(RollupSums(row, from: 1), Sentiment(code: row.integer(0))) }
        return tally
    }

    /// Pieces of feedback of each stream.
    private func byStream(_ rule: AlertRule, ago window: Int) throws -> [String: Int] {
        let workspace = try connection.number(of: Word(.workspace, rule.workspace.rawValue)) ?? -1
        let range = range(rule, ago: window)
        let origins = try connection.origins()
        var counts: [String: Int] = [:]
        try connection.forEach(
            """
            SELECT origin, count(*) FROM fact WHERE workspace = \(workspace) AND merged = 0
                AND timestamp >= \(range.lowerBound) AND timestamp < \(range.upperBound) GROUP BY origin
            """
        ) { row in counts[origins[row.integer(0)]?.stream ?? "", default: 0] += Int(row.integer(1)) }
        return counts
    }

    private func facts(_ rule: AlertRule, _ now: String, _ before: String) -> [NoticeContent.Fact] {
        [.init("Last \(rule.settings.hours) hours", now), .init("Before, on average", before)]
    }

    private func volume(_ rule: AlertRule) throws -> [Finding] {
        let now = try tally(rule, ago: 0).feedback
        let before = try (1...Self.windows).map { try tally(rule, ago: $0).feedback }
        let usual = Double(before.reduce(0, +)) / Double(before.count)
        guard now >= rule.settings.minimum, Double(now) > usual * rule.settings.factor else { return [] }
        let times =
            usual > 0 ? "\(Readable.decimal(Double(now) / usual)) times as much as usual" : "and there was none before"
        return [
            Finding(
                key: "volume", title: "Much more feedback than usual",
                text: "\(Readable.count(now)) pieces of feedback in \(rule.settings.hours) hours, \(times).",
                facts: facts(rule, Readable.count(now), Readable.decimal(usual)), range: range(rule))
        ]
    }

    private func sentiment(_ rule: AlertRule) throws -> [Finding] {
        let now = try tally(rule, ago: 0)
        guard now.feedback >= rule.settings.minimum, let net = now.netSentiment else { return [] }
        var before = Tally()
        for window in 1...Self.windows { before.add(try tally(rule, ago: window)) }
        guard before.feedback >= rule.settings.minimum, let usual = before.netSentiment,
            net <= usual - rule.settings.drop
        else { return [] }
        return [
            Finding(
                key: "sentiment", title: "People are much less content",
                text: "Net sentiment is \(Readable.signed(net)), after \(Readable.signed(usual)).",
                facts: facts(rule, Readable.signed(net), Readable.signed(usual)), range: range(rule),
                filters: ["sentiment": ["negative"]])
        ]
    }

    private func topics(_ rule: AlertRule) throws -> [Finding] {
        let range = range(rule)
        let parameters = Parameters([
            (name: "from", value: Timestamp(milliseconds: range.lowerBound).description),
            (name: "to", value: Timestamp(milliseconds: range.upperBound).description),
            (name: "interval", value: "year"),
        ])
        let question = try InsightQuestion(parameters, workspace: rule.workspace, now: now, settings: settings)
        let report = try InsightAnswer(question, in: connection, settings: settings).report()
        return report.emerging.filter { $0.people >= rule.settings.minimum }.map { topic in
            Finding(
                key: topic.topic, title: "Many speak of \(topic.topic)",
                text:
                    "\(Readable.count(topic.people)) people speak of \(topic.topic), after \(Readable.count(topic.previousPeople)) in as many hours before.",
                facts: [
                    .init("People", Readable.count(topic.people)),
                    .init("Before", Readable.count(topic.previousPeople)),
                    .init("Standard deviations above", Readable.decimal(topic.deviations)),
                ], range: range, filters: ["topic": [topic.topic]])
        }
    }

    private func silence(_ rule: AlertRule) throws -> [Finding] {
        let now = try byStream(rule, ago: 0)
        var before: [String: Int] = [:]
        for window in 1...Self.windows { before.merge(try byStream(rule, ago: window)) { $0 + $1 } }
        return streams.sorted { $0.key < $1.key }.compactMap { id, name in
            let usual = Double(before[id.rawValue] ?? 0) / Double(Self.windows)
            guard now[id.rawValue] ?? 0 == 0, usual >= Double(rule.settings.minimum) else { return nil }
            return Finding(
                key: id.rawValue, title: "\(name) is silent",
                text: "Nothing came from \(name) in \(rule.settings.hours) hours.",
                facts: facts(rule, "0", Readable.decimal(usual)),
                range: range(rule, ago: 1).lowerBound..<range(rule).upperBound, filters: ["stream": [id.rawValue]])
        }
    }

    private func deadLetters(_ rule: AlertRule) throws -> [Finding] {
        let count = try connection.deadLetters(of: rule.workspace)
        guard let last = rule.letters, count - last >= rule.settings.minimum else { return [] }
        let waiting = Readable.count(count - last)
        return [
            Finding(
                key: Finding.deadLetters, title: "Feedback cannot be read",
                text: "\(waiting) items were set aside and not replayed; `earshot dead-letters list` tells why.",
                facts: [.init("Set aside", waiting), .init("Known before", Readable.count(last))], range: range(rule))
        ]
    }
}
