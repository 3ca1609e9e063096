import Common
import ServiceKit

/// A period beside the one before it: what is more, what is less, what is better, what is worse.
struct PeriodComparison: InsightReportKind {
    let name = "period_comparison"
    let title = "Period comparison"
    let parameterNames = InsightSummary().parameterNames.filter { $0 != "compare" }
    let summary = InsightSummary(preset: [("compare", "previous_period")])

    func render(_ request: ReportRequest, data: [UInt8], to file: inout FileWriter) throws {
        try summary.render(request, data: data, to: &file) { Self.page($0, request) }
    }

    private static func page(_ report: InsightReport, _ request: ReportRequest) -> String {
        let before = report.previous.map { InsightReportHTML.period($0.from, $0.to) } ?? "before"
        var about = InsightReportHTML.about(report, request)
        about.insert("Compared with \(before).", at: 1)
        var html = HTMLPage.head("More, less, better, worse", about)
        guard report.totals.feedback > 0 || report.previous?.totals.feedback ?? 0 > 0 else {
            return html + HTMLPage.empty("Nothing was said in either time, or nothing matches.") + HTMLPage.foot
        }
        var numbers = HTMLTable([.text(""), .number("now"), .number("before"), .number("change")])
        for line in totals(report) { numbers.add(line) }
        html += numbers.html
        let moved = report.topics.filter { $0.feedback >= 3 || $0.previous >= 3 }
        let more = moved.filter { $0.feedback > $0.previous }.sorted {
            $0.feedback - $0.previous > $1.feedback - $1.previous
        }
        let less = moved.filter { $0.feedback < $0.previous }.sorted {
            $0.previous - $0.feedback > $1.previous - $1.feedback
        }
        for (head, topics) in [("More of", more), ("Less of", less)] where !topics.isEmpty {
            var table = HTMLTable([.text("topic"), .number("now"), .number("before"), .number("change")])
            for topic in topics.prefix(12) {
                table.add([
                    topic.topic, Readable.count(topic.feedback), Readable.count(topic.previous),
                    Readable.change(topic.change),
                ])
            }
            html += "<h2>\(head)</h2>\n" + table.html
        }
        guard report.totals.feedback > 0 else { return html + HTMLPage.foot }
        return html + InsightReportHTML.course(report) + InsightReportHTML.quotes(report)
            + HTMLPage.foot
    }

    private static func totals(_ report: InsightReport) -> [[String]] {
        let now = report.totals
        let before = report.previous?.totals
        func change(_ a: Double?, _ b: Double?, digits: Int) -> [String] {
            [
                a.map { Readable.signed($0, digits: digits) } ?? "–",
                b.map { Readable.signed($0, digits: digits) } ?? "–",
                a.flatMap { a in b.map { Readable.signed(a - $0, digits: digits) } } ?? "–",
            ]
        }
        func counts(_ a: Int, _ b: Int?) -> [String] {
            [
                Readable.count(a), b.map { Readable.count($0) } ?? "–",
                b.map { $0 == 0 ? "new" : Readable.change(Double(a - $0) / Double($0)) } ?? "–",
            ]
        }
        var rows = [
            ["feedback"] + counts(now.feedback, before?.feedback),
            ["people"] + counts(now.authors, before?.authors),
            ["net sentiment, of ±100"] + change(now.netSentiment, before?.netSentiment, digits: 1),
            ["average score, of ±10"] + change(now.averageScore, before?.averageScore, digits: 2),
        ]
        if now.averageRating != nil || before?.averageRating != nil {
            let stars = change(now.averageRating, before?.averageRating, digits: 2)
            let values = [now.averageRating, before?.averageRating].map {
                $0.map { Readable.decimal($0, digits: 2) } ?? "–"
            }
            rows.append(["stars of 5"] + values + stars.suffix(1))
        }
        return rows
    }
}
