import Common

/// An insight report for a person at a terminal.
public enum InsightReportText {
    /// Renders a report, without a line feed at the end.
    ///
    /// - Parameters:
    ///   - width: Columns of the terminal; less than 60 is taken as 60.
    ///   - colour: Whether to write ANSI colours.
    public static func render(_ report: InsightReport, width: Int = 88, colour: Bool = false) -> String {
        let terminal = Terminal(width: max(60, width), hasColour: colour)
        let sections = [
            head(report, terminal), course(report, terminal), changes(report, terminal), topics(report, terminal),
            emerging(report, terminal), breakdowns(report, terminal), quotes(report, terminal),
            coverage(report, terminal),
        ]
        return sections.filter { !$0.isEmpty }.map { $0.joined(separator: "\n") }.joined(separator: "\n\n")
    }

    private static func head(_ report: InsightReport, _ terminal: Terminal) -> [String] {
        let totals = report.totals
        let title = "What customers said, \(Readable.day(report.from)) to \(Readable.day(report.to))"
        var lines = [
            terminal.styled(title, .bold, .cyan) + terminal.styled("  \(report.timezone)", .dim),
            terminal.styled(String(repeating: "─", count: terminal.width), .dim),
        ]
        var facts = ["\(terminal.heading(Readable.count(totals.feedback))) feedback"]
        facts.append("\(terminal.heading(Readable.count(totals.authors))) people")
        if totals.merged > 0 { facts.append("\(Readable.count(totals.merged)) cross-posts merged") }
        if let rating = totals.averageRating {
            facts.append("★ \(terminal.heading(Readable.decimal(rating, digits: 2)))")
        }
        if let score = totals.averageScore { facts.append("score \(Readable.signed(score, digits: 2)) of ±10") }
        lines.append("  " + facts.joined(separator: "   "))
        guard totals.feedback > 0 else {
            return lines + ["  Nothing was said in this time, or nothing matches the filters."]
        }
        lines.append(sentimentBar(totals, terminal))
        return lines
    }

    private static func sentimentBar(_ totals: InsightReport.Totals, _ terminal: Terminal) -> String {
        let width = 30
        let all = Double(totals.feedback)
        let negative = Int((Double(totals.sentiment.negative) / all * Double(width)).rounded())
        let positive = min(width - negative, Int((Double(totals.sentiment.positive) / all * Double(width)).rounded()))
        let bar =
            terminal.styled(String(repeating: "█", count: negative), .red)
            + terminal.styled(String(repeating: "░", count: width - negative - positive), .dim)
            + terminal.styled(String(repeating: "█", count: positive), .green)
        let negativeShare = Readable.percent(totals.sentiment.negative, of: totals.feedback)
        let positiveShare = Readable.percent(totals.sentiment.positive, of: totals.feedback)
        let net = totals.netSentiment ?? 0
        return "  \(negativeShare) negative \(bar) \(positiveShare) positive   net "
            + terminal.styled(Readable.signed(net), .bold, net < 0 ? .red : .green)
    }

    /// Volume and mood over time.
    private static func course(_ report: InsightReport, _ terminal: Terminal) -> [String] {
        guard report.series.count > 1, report.totals.feedback > 0 else { return [] }
        let room = terminal.width - 12
        let size = (report.series.count + room - 1) / room
        let points = stride(from: 0, to: report.series.count, by: size).map { start in
            Array(report.series[start..<min(start + size, report.series.count)])
        }
        let volumes = points.map { Double($0.reduce(0) { $0 + $1.feedback }) }
        let moods = points.map { group -> Double? in
            let all = group.reduce(0) { $0 + $1.feedback }
            guard all > 0 else { return nil }
            return group.reduce(0) { $0 + ($1.averageScore ?? 0) * Double($1.feedback) } / Double(all)
        }
        let known = moods.compactMap { $0 }
        let each = size == 1 ? report.interval.rawValue : "\(size) \(report.interval.rawValue)s"
        var lines = [terminal.heading("Over time") + terminal.styled("  each column is one \(each)", .dim)]
        if size > 1 { lines[0] = terminal.heading("Over time") + terminal.styled("  each column is \(each)", .dim) }
        lines.append(
            "  feedback  " + terminal.styled(Terminal.sparkline(volumes, from: 0, to: volumes.max() ?? 0), .cyan))
        lines.append(
            "  mood      "
                + terminal.styled(Terminal.sparkline(moods, from: known.min() ?? 0, to: known.max() ?? 0), .yellow))
        if let peak = report.series.max(by: { $0.feedback < $1.feedback }) {
            lines.append(
                terminal.styled(
                    "  most in the \(report.interval.rawValue) of \(Readable.day(peak.start)): "
                        + "\(Readable.count(peak.feedback))", .dim))
        }
        return lines
    }

    /// What is different from the period before, and which topics made it so.
    private static func changes(_ report: InsightReport, _ terminal: Terminal) -> [String] {
        guard let previous = report.previous else { return [] }
        let now = report.totals
        var lines = [
            terminal.heading("What changed")
                + terminal.styled("  against \(Readable.day(previous.from)) to \(Readable.day(previous.to))", .dim)
        ]
        guard previous.totals.feedback > 0 else { return lines + ["  Nothing was said in the time before."] }
        let growth = Double(now.feedback - previous.totals.feedback) / Double(previous.totals.feedback)
        lines.append(
            "  Feedback went from \(Readable.count(previous.totals.feedback)) to \(Readable.count(now.feedback)) "
                + "(\(Readable.change(growth))), people from \(Readable.count(previous.totals.authors)) to "
                + "\(Readable.count(now.authors)).")
        if let net = now.netSentiment, let before = previous.totals.netSentiment {
            lines.append(
                "  Net sentiment went from \(Readable.signed(before)) to \(Readable.signed(net)) ("
                    + terminal.styled(Readable.signed(net - before), net < before ? .red : .green) + ").")
        }
        let moved = report.topics.map { ($0, $0.feedback - $0.previous) }
            .filter { abs($0.1) > 1 }.sorted { (abs($1.1), $0.0.topic) < (abs($0.1), $1.0.topic) }.prefix(4)
        if !moved.isEmpty {
            lines.append(
                "  Why: "
                    + moved.map { topic, difference in
                        let mood = topic.netSentiment.map { ", net \(Readable.signed($0, digits: 0))" } ?? ""
                        return
                            "\(topic.topic) \(Readable.signed(Double(difference), digits: 0)) (\(Readable.change(topic.change))\(mood))"
                    }.joined(separator: "; ") + ".")
        }
        return lines.flatMap { line in
            line.count <= terminal.width || line.contains("\u{1B}")
                ? [line]
                : Terminal.wrap(line, width: terminal.width - 4).enumerated().map { ($0 == 0 ? "  " : "    ") + $1 }
        }
    }

    private static func topics(_ report: InsightReport, _ terminal: Terminal) -> [String] {
        guard !report.topics.isEmpty else { return [] }
        let shown = report.topics.prefix(10)
        var table = TextTable(columns: [
            ("topic", .left), ("feedback", .right), ("people", .right), ("net", .right), ("change", .right),
            ("", .left),
        ])
        let most = Double(shown.map(\.feedback).max() ?? 0)
        for topic in shown {
            let change: TextTable.Cell =
                topic.change == nil
                ? .init(text: "new", styles: [.yellow]) : .init(text: Readable.change(topic.change))
            table.rows.append([
                .init(text: Terminal.cut(topic.topic, to: 28)), .init(text: Readable.count(topic.feedback)),
                .init(text: Readable.count(topic.authors)), net(topic.netSentiment), change,
                .init(text: Terminal.bar(Double(topic.feedback), of: most, width: 16), styles: [.cyan]),
            ])
        }
        let rest = report.topics.count - shown.count
        return [terminal.heading("Topics") + (rest > 0 ? terminal.styled("  and \(rest) more", .dim) : "")]
            + table.lines(terminal)
    }

    private static func net(_ value: Double?) -> TextTable.Cell {
        guard let value else { return .init(text: "–", styles: [.dim]) }
        return .init(
            text: Readable.signed(value, digits: 0), styles: value <= -20 ? [.red] : value >= 20 ? [.green] : [])
    }

    private static func emerging(_ report: InsightReport, _ terminal: Terminal) -> [String] {
        guard !report.emerging.isEmpty else { return [] }
        return [terminal.heading("Emerging") + terminal.styled("  more people than was to be expected", .dim)]
            + report.emerging.prefix(5).map { topic in
                let before = topic.isNew ? "nobody before" : "\(Readable.count(topic.previousPeople)) before"
                return "  \(terminal.styled("▲", .yellow)) \(terminal.heading(topic.topic)): "
                    + "\(Readable.count(topic.people)) people, \(before)"
                    + (topic.netSentiment.map { ", net \(Readable.signed($0, digits: 0))" } ?? "")
            }
    }

    private static func breakdowns(_ report: InsightReport, _ terminal: Terminal) -> [String] {
        report.breakdowns.sorted { $0.key < $1.key }.filter { $0.key != "topic" && !$0.value.isEmpty }
            .enumerated().flatMap { index, breakdown -> [String] in
                var table = TextTable(columns: [
                    (breakdown.key.replacing("_", with: " "), .left), ("feedback", .right), ("net", .right),
                    ("", .left),
                ])
                let shown = breakdown.value.prefix(8)
                let most = Double(shown.map(\.feedback).max() ?? 0)
                for share in shown {
                    table.rows.append([
                        .init(text: Terminal.cut(share.value, to: 32)), .init(text: Readable.count(share.feedback)),
                        net(share.netSentiment),
                        .init(text: Terminal.bar(Double(share.feedback), of: most, width: 16), styles: [.cyan]),
                    ])
                }
                return (index == 0 ? [] : [""]) + [terminal.heading("By \(breakdown.key.replacing("_", with: " "))")]
                    + table.lines(terminal)
            }
    }

    private static func quotes(_ report: InsightReport, _ terminal: Terminal) -> [String] {
        guard !report.quotes.isEmpty else { return [] }
        return [terminal.heading("In their words")]
            + report.quotes.enumerated().flatMap { index, quote -> [String] in
                let text = Terminal.wrap(Terminal.cut(quote.text, to: 280), width: terminal.width - 6)
                let mark: Terminal.Style = quote.sentimentScore < 0 ? .red : quote.sentimentScore > 0 ? .green : .dim
                let quoted = text.enumerated().map { line, words in
                    "  \(terminal.styled("▌", mark)) \(line == 0 ? "“" : " ")\(words)\(line == text.count - 1 ? "”" : "")"
                }
                let about = [
                    quote.source, Readable.day(quote.timestamp.description), Readable.signed(quote.sentimentScore),
                    quote.topics.prefix(3).joined(separator: ", "), quote.url ?? quote.id.rawValue,
                ]
                let line = about.filter { !$0.isEmpty }.joined(separator: " · ")
                return (index == 0 ? [] : [""]) + quoted + [terminal.styled("     \(line)", .dim)]
            }
    }

    private static func coverage(_ report: InsightReport, _ terminal: Terminal) -> [String] {
        let coverage = report.coverage
        guard !coverage.streams.isEmpty || coverage.inFlight > 0 || coverage.deadLetters > 0 else { return [] }
        var lines = [
            terminal.heading("How complete this is")
                + terminal.styled(
                    "  \(coverage.isMinimum ? "more than " : "")\(Readable.count(coverage.inFlight)) events on their way, "
                        + "\(Readable.count(coverage.deadLetters)) set aside", .dim)
        ]
        for stream in coverage.streams.prefix(12) {
            let isWell = ["current", "listening"].contains(stream.status)
            let until = stream.caughtUpTo.map { ", read up to \(Readable.day($0.description))" } ?? ""
            let reason = stream.reason.map { ": \($0)" } ?? ""
            lines.append(
                "  \(terminal.styled(isWell ? "●" : "○", isWell ? .green : .yellow)) \(stream.name) "
                    + terminal.styled("(\(stream.connector))", .dim)
                    + " \(stream.status.replacing("_", with: " "))\(until)\(reason)")
        }
        if coverage.streams.count > 12 { lines.append("  and \(coverage.streams.count - 12) more streams") }
        return lines
    }
}
