/// An insight report as one table: `part` says what a line is about.
enum InsightReportTable {
    static func lines(_ report: InsightReport) -> [[CSVText.Cell]] {
        var lines = [
            [
                "part", "name", "feedback", "negative", "neutral", "positive", "average_score", "net_sentiment",
                "previous",
            ]
            .map { CSVText.Cell.name($0) }
        ]
        let totals = report.totals
        lines.append([
            .name("totals"), .name("\(report.from)/\(report.to)"), number(totals.feedback),
            number(totals.sentiment.negative), number(totals.sentiment.neutral), number(totals.sentiment.positive),
            number(totals.averageScore), number(totals.netSentiment), number(report.previous?.totals.feedback),
        ])
        lines += report.series.map { point in
            [
                .name("series"), .name(point.start), number(point.feedback), number(point.sentiment.negative),
                number(point.sentiment.neutral), number(point.sentiment.positive), number(point.averageScore), none,
                none,
            ]
        }
        lines += report.topics.map { topic in
            [
                .name("topic"), .text(topic.topic), number(topic.feedback), none, none, none, none,
                number(topic.netSentiment), number(topic.previous),
            ]
        }
        for (grouping, shares) in report.breakdowns.sorted(by: { $0.key < $1.key }) {
            lines += shares.map { share in
                [
                    .name(grouping), .text(share.value), number(share.feedback), none, none, none, none,
                    number(share.netSentiment), none,
                ]
            }
        }
        return lines
    }

    private static let none = CSVText.Cell.name("")
    private static func number(_ value: Int?) -> CSVText.Cell { .number(value.map { String($0) } ?? "") }
    private static func number(_ value: Double?) -> CSVText.Cell { .number(value.map { String($0) } ?? "") }
}
