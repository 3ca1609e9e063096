import Common

/// An insight report as a page to read, send and print.
enum InsightReportHTML {
    /// - Parameters:
    ///   - title: nil tells the time.
    ///   - topics: What stands above the topics.
    static func page(_ report: InsightReport, title: String? = nil, topics head: String = "Topics") -> String {
        let title =
            title.map { "\($0), \(period(report.from, report.to))" }
            ?? "What customers said, \(period(report.from, report.to))"
        let parts = [
            self.head(report, title), course(report), topics(report, head), emerging(report), breakdowns(report),
            quotes(report),
        ]
        return HTMLPage.head(title) + parts.joined() + HTMLPage.foot
    }

    /// A range as people say it, its last day included: `1 Jan 2026 to 31 Jan 2026`.
    static func period(_ from: String, _ to: String) -> String {
        let isMidnight = to.dropFirst(10).hasPrefix("T00:00:00")
        let last = isMidnight ? Timestamp(String(to.prefix(10)))?.advanced(bySeconds: -86_400).description ?? to : to
        let (first, end) = (Readable.day(from), Readable.day(last))
        return first == end ? first : "\(first) to \(end)"
    }

    private static func head(_ report: InsightReport, _ title: String) -> String {
        let totals = report.totals
        var facts = [("feedback", Readable.count(totals.feedback)), ("people", Readable.count(totals.authors))]
        if let net = totals.netSentiment { facts.append(("net sentiment", Readable.signed(net))) }
        if let score = totals.averageScore { facts.append(("average score of ±10", Readable.signed(score, digits: 2))) }
        if let rating = totals.averageRating { facts.append(("stars of 5", Readable.decimal(rating, digits: 2))) }
        if totals.merged > 0 { facts.append(("cross-posts merged", Readable.count(totals.merged))) }
        if let previous = report.previous {
            facts.append(("feedback in the period before", Readable.count(previous.totals.feedback)))
        }
        return
            "<h1>\(title.htmlEscaped)</h1>\n<p class=\"soft\">\(report.from) to \(report.to) (exclusive), by the clock of \(report.timezone.htmlEscaped)</p>\n<div class=\"facts\">"
            + facts.map { "<div><b>\($0.1)</b>\($0.0)</div>" }.joined() + "</div>\n"
    }

    static func course(_ report: InsightReport) -> String {
        guard report.totals.feedback > 0 else { return "<p>Nothing was said in this time, or nothing matches.</p>\n" }
        let bars = report.series.map { point in
            SVGChart.Bar(
                label: Readable.day(point.start),
                parts: [
                    ("neg", point.sentiment.negative, "negative"), ("neu", point.sentiment.neutral, "neutral"),
                    ("pos", point.sentiment.positive, "positive"),
                ])
        }
        return
            "<h2>Over time</h2>\n<figure>\(SVGChart.columns(bars))<figcaption>Feedback by \(report.interval.rawValue): "
            + "<span class=\"neg\">negative</span>, neutral, <span class=\"pos\">positive</span></figcaption></figure>\n"
    }

    private static func topics(_ report: InsightReport, _ head: String) -> String {
        guard !report.topics.isEmpty else { return "" }
        let bars = report.topics.prefix(15).map { (label: $0.topic, value: $0.feedback) }
        return "<h2>\(head.htmlEscaped)</h2>\n<figure>\(SVGChart.rows(bars))</figure>\n"
            + table(
                ["topic", "feedback", "people", "net sentiment", "before", "change"],
                report.topics.map { topic in
                    [
                        topic.topic, Readable.count(topic.feedback), Readable.count(topic.authors),
                        topic.netSentiment.map { Readable.signed($0) } ?? "", Readable.count(topic.previous),
                        Readable.change(topic.change),
                    ]
                })
    }

    private static func emerging(_ report: InsightReport) -> String {
        guard !report.emerging.isEmpty else { return "" }
        return "<h2>Emerging</h2>\n"
            + table(
                ["topic", "people", "before", "deviations"],
                report.emerging.map {
                    [
                        $0.topic, Readable.count($0.people), Readable.count($0.previousPeople),
                        Readable.decimal($0.deviations),
                    ]
                })
    }

    private static func breakdowns(_ report: InsightReport) -> String {
        report.breakdowns.sorted { $0.key < $1.key }.map { grouping, shares in
            "<h2>By \(grouping.replacing("_", with: " ").htmlEscaped)</h2>\n"
                + table(
                    ["value", "feedback", "net sentiment"],
                    shares.map {
                        [$0.value, Readable.count($0.feedback), $0.netSentiment.map { Readable.signed($0) } ?? ""]
                    })
        }.joined()
    }

    static func quotes(_ report: InsightReport) -> String {
        guard !report.quotes.isEmpty else { return "" }
        return "<h2>In their words</h2>\n"
            + report.quotes.map { quote in
                // Only addresses of the web become links: others could be scripts.
                let address = quote.url.flatMap { $0.hasPrefix("https://") || $0.hasPrefix("http://") ? $0 : nil }
                let source = quote.source.htmlEscaped
                let link = address.map { "<a href=\"\($0.htmlEscaped)\" rel=\"noreferrer\">\(source)</a>" } ?? source
                return
                    "<blockquote>\(quote.text.htmlEscaped)<footer>\(link), \(Readable.day(quote.timestamp.description)), score \(Readable.signed(quote.sentimentScore))</footer></blockquote>\n"
            }.joined()
    }

    /// The first column is a text, the others are numbers.
    static func table(_ heads: [String], _ rows: [[String]]) -> String {
        func cells(_ tag: String, _ values: [String]) -> String {
            values.enumerated().map { index, value in
                "<\(tag)\(index == 0 ? "" : " class=\"n\"")>\(value.htmlEscaped)</\(tag)>"
            }.joined()
        }
        return "<div class=\"wide\"><table><thead><tr>\(cells("th", heads))</tr></thead><tbody>\n"
            + rows.map { "<tr>\(cells("td", $0))</tr>\n" }.joined() + "</tbody></table></div>\n"
    }
}
