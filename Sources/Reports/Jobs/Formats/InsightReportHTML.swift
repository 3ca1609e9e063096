import Common

/// An insight report as a page to read, send and print.
enum InsightReportHTML {
    /// - Parameter head: What stands above the topics.
    static func page(
        _ report: InsightReport, _ request: ReportRequest, title: String = "What customers said",
        topics head: String = "Topics"
    ) -> String {
        let start = HTMLPage.head(title, about(report, request)) + facts(report)
        guard report.totals.feedback > 0 else { return start + nothing + HTMLPage.foot }
        return start + course(report) + topics(report, head) + emerging(report) + breakdowns(report) + quotes(report)
            + HTMLPage.foot
    }

    static let nothing = HTMLPage.empty("Nothing was said in this time, or nothing matches.")

    /// What a report is about: whose feedback, of what time, and which of it.
    static func about(_ report: InsightReport, _ request: ReportRequest) -> [String] {
        [
            request.heading(period(report.from, report.to)),
            "\(clock(report.from, report.to))By the clock of \(report.timezone).", request.scope,
        ]
    }

    /// A range as people say it, its last day included: `1 Dec 2025 to 31 Jan 2026`, `1 to 31 Jan 2026`.
    static func period(_ from: String, _ to: String) -> String {
        let isMidnight = to.dropFirst(10).hasPrefix("T00:00:00")
        let last = isMidnight ? Timestamp(String(to.prefix(10)))?.advanced(bySeconds: -86_400).description ?? to : to
        let (first, end) = (Readable.day(from), Readable.day(last))
        if first == end { return first }
        // What both say is said once.
        let (a, b) = (first.split(separator: " "), end.split(separator: " "))
        guard a.count == 3, b.count == 3, a[2] == b[2] else { return "\(first) to \(end)" }
        return a[1] == b[1] ? "\(a[0]) to \(end)" : "\(a[0]) \(a[1]) to \(end)"
    }

    /// The times of day between which a range lies, if it is none of whole days.
    private static func clock(_ from: String, _ to: String) -> String {
        let times = [from, to].map { String($0.dropFirst(11).prefix(5)) }
        return times == ["00:00", "00:00"] ? "" : "From \(times[0]) of the first day to \(times[1]) of the last. "
    }

    private static func facts(_ report: InsightReport) -> String {
        let totals = report.totals
        var facts = [("pieces of feedback", Readable.count(totals.feedback))]
        if let before = report.previous?.totals.feedback {
            let change = before == 0 ? nil : Double(totals.feedback - before) / Double(before)
            let more = change.map { " (\(Readable.change($0)))" } ?? ""
            facts.append(("in the period before\(more)", Readable.count(before)))
        }
        facts.append(("people", Readable.count(totals.authors)))
        if let net = totals.netSentiment { facts.append(("net sentiment, of ±100", Readable.signed(net))) }
        if let score = totals.averageScore {
            facts.append(("average score, of ±10", Readable.signed(score, digits: 2)))
        }
        if let rating = totals.averageRating { facts.append(("stars of 5", Readable.decimal(rating, digits: 2))) }
        if totals.merged > 0 { facts.append(("cross-posts, not counted", Readable.count(totals.merged))) }
        return "<div class=\"facts\">" + facts.map { "<div><b>\($0.1)</b>\($0.0)</div>" }.joined() + "</div>\n"
    }

    static func course(_ report: InsightReport) -> String {
        let years = Set(report.series.map { $0.start.prefix(4) })
        let bars = report.series.map { point in
            SVGChart.Bar(label: label(point.start, report.interval, isOneYear: years.count == 1), point.sentiment)
        }
        return "<h2>Over time</h2>\n"
            + figure(bars, "Feedback by \(report.interval.rawValue)\(years.count == 1 ? ", \(years.first ?? "")" : "")")
    }

    /// Columns of what was said, by mood, with what their colours mean.
    ///
    /// - Parameter caption: What a column is.
    static func figure(_ bars: [SVGChart.Bar], _ caption: String) -> String {
        "<figure>\(SVGChart.columns(bars, name: caption))<figcaption>\(caption.htmlEscaped):"
            + ["neg": "negative", "neu": "neutral", "pos": "positive"].sorted { $0.key < $1.key }.map {
                "<span><b class=\"\($0)\">■</b> \($1)</span>"
            }.joined() + "</figcaption></figure>\n"
    }

    private static func label(_ start: String, _ interval: CalendarInterval, isOneYear: Bool) -> String {
        let day = Readable.day(start)
        let words = day.split(separator: " ")
        guard words.count == 3 else { return day }
        return switch interval {
        case .hour: "\(words[0]) \(words[1]), \(start.dropFirst(11).prefix(5))"
        case .day, .week: isOneYear ? "\(words[0]) \(words[1])" : day
        case .month, .quarter: "\(words[1]) \(words[2])"
        case .year: String(words[2])
        }
    }

    private static func topics(_ report: InsightReport, _ head: String) -> String {
        guard let most = report.topics.map(\.feedback).max() else { return "" }
        var table = HTMLTable([
            .text("topic"), .number("feedback"), .number("people", isLess: true), .number("net sentiment"),
            .number("before", isLess: true), .number("change"),
        ])
        for topic in report.topics {
            table.add(
                [
                    topic.topic, Readable.count(topic.feedback), Readable.count(topic.authors),
                    topic.netSentiment.map { Readable.signed($0) } ?? "–", Readable.count(topic.previous),
                    Readable.change(topic.change),
                ], share: Double(topic.feedback) / Double(most))
        }
        return "<h2>\(head.htmlEscaped)</h2>\n" + table.html
            + "<p class=\"soft\">One piece of feedback may have several topics. Net sentiment is the share of positive "
            + "less that of negative feedback, from −100 to +100; change is on the period before.</p>\n"
    }

    private static func emerging(_ report: InsightReport) -> String {
        guard !report.emerging.isEmpty else { return "" }
        var table = HTMLTable([
            .text("topic"), .number("people"), .number("people before"), .number("deviations above the expected"),
        ])
        for topic in report.emerging {
            table.add([
                topic.topic, Readable.count(topic.people), Readable.count(topic.previousPeople),
                Readable.decimal(topic.deviations),
            ])
        }
        return "<h2>Many more people than before speak of</h2>\n" + table.html
    }

    private static func breakdowns(_ report: InsightReport) -> String {
        report.breakdowns.sorted { $0.key < $1.key }.map { grouping, shares in
            let name = grouping.replacing("_", with: " ")
            let most = max(1, shares.map(\.feedback).max() ?? 1)
            var table = HTMLTable([.text(name), .number("feedback"), .number("net sentiment")])
            for share in shares {
                table.add(
                    [
                        share.value, Readable.count(share.feedback),
                        share.netSentiment.map { Readable.signed($0) } ?? "–",
                    ], share: Double(share.feedback) / Double(most))
            }
            return "<h2>By \(name.htmlEscaped)</h2>\n" + (shares.isEmpty ? HTMLPage.empty("Nothing.") : table.html)
        }.joined()
    }

    static func quotes(_ report: InsightReport) -> String {
        guard !report.quotes.isEmpty else { return "" }
        return "<h2>In their words</h2>\n"
            + report.quotes.map { quote in
                let source = link(quote.source, to: quote.url)
                return
                    "<blockquote class=\"\(mood(quote.sentimentScore))\">\(quote.text.htmlEscaped)<footer>\(source), \(Readable.day(quote.timestamp.description)), score \(Readable.signed(quote.sentimentScore)) of ±10</footer></blockquote>\n"
            }.joined()
    }

    /// Only addresses of the web become links: others could be scripts.
    static func link(_ text: String, to url: String?) -> String {
        guard let url, url.hasPrefix("https://") || url.hasPrefix("http://") else { return text.htmlEscaped }
        return "<a href=\"\(url.htmlEscaped)\" rel=\"noreferrer\">\(text.htmlEscaped)</a>"
    }

    /// The colour of a score.
    static func mood(_ score: Double) -> String { score < 0 ? "neg" : score > 0 ? "pos" : "neu" }
}

extension SVGChart.Bar {
    init(label: String, _ sentiments: InsightReport.Sentiments) {
        self.init(
            label: label,
            parts: [
                ("neg", sentiments.negative, "negative"), ("neu", sentiments.neutral, "neutral"),
                ("pos", sentiments.positive, "positive"),
            ])
    }
}
