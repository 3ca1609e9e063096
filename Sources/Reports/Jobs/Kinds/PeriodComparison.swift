import Common
import ServiceKit

/// A period beside the one before it: what is more, what is less, what is better, what is worse.
struct PeriodComparison: InsightReportKind {
    let name = "period_comparison"
    let title = "Period comparison"
    let parameterNames = InsightSummary().parameterNames.filter { $0 != "compare" }
    let summary = InsightSummary(preset: [("compare", "previous_period")])

    func render(_ request: ReportRequest, data: [UInt8], to file: inout FileWriter) throws {
        try summary.render(request, data: data, to: &file) { Self.page($0) }
    }

    private static func page(_ report: InsightReport) -> String {
        let title = "\(InsightReportHTML.period(report.from, report.to)), compared"
        let before = report.previous.map { InsightReportHTML.period($0.from, $0.to) } ?? "before"
        var html = HTMLPage.head(title) + "<h1>\(title.htmlEscaped)</h1>\n"
        html += "<p class=\"soft\">With \(before), by the clock of \(report.timezone)</p>\n"
        html += InsightReportHTML.table(["", "now", "before", "change"], totals(report))
        let moved = report.topics.filter { $0.feedback >= 3 || $0.previous >= 3 }
        let more = moved.filter { $0.feedback > $0.previous }.sorted {
            $0.feedback - $0.previous > $1.feedback - $1.previous
        }
        let less = moved.filter { $0.feedback < $0.previous }.sorted {
            $0.previous - $0.feedback > $1.previous - $1.feedback
        }
        for (head, topics) in [("More of", more), ("Less of", less)] where !topics.isEmpty {
            html +=
                "<h2>\(head)</h2>\n"
                + InsightReportHTML.table(
                    ["topic", "now", "before", "change"],
                    topics.prefix(12).map {
                        [
                            $0.topic, Readable.count($0.feedback), Readable.count($0.previous),
                            Readable.change($0.change),
                        ]
                    })
        }
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
            ["net sentiment"] + change(now.netSentiment, before?.netSentiment, digits: 1),
            ["average score of ±10"] + change(now.averageScore, before?.averageScore, digits: 2),
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
