import Common
import ServiceKit

/// What to know of a week in two minutes: the numbers in words, what is new, and voices.
struct VoiceOfCustomerDigest: InsightReportKind {
    let name = "voc_digest"
    let title = "Voice of the customer"
    let parameterNames = InsightSummary().parameterNames.filter {
        $0 != "group_by" && $0 != "compare"
    }
    let summary = InsightSummary(
        preset: [("compare", "previous_period"), ("group_by", "source")], quotes: 8)

    func render(_ request: ReportRequest, data: [UInt8], to file: inout FileWriter) throws {
        try summary.render(request, data: data, to: &file) { Self.page($0, request) }
    }

    private static func page(_ report: InsightReport, _ request: ReportRequest) -> String {
        var html = HTMLPage.head("The voice of your customers", InsightReportHTML.about(report, request))
        guard report.totals.feedback > 0 else { return html + InsightReportHTML.nothing + HTMLPage.foot }
        html += "<p class=\"lead\">\(headline(report).htmlEscaped)</p>\n"
        if !report.emerging.isEmpty {
            let items = report.emerging.prefix(5).map { topic in
                let before =
                    topic.isNew ? "nobody did before" : "\(Readable.count(topic.previousPeople)) did before"
                let people = "\(Readable.count(topic.people)) people, \(before)"
                return "<li><b>\(topic.topic.htmlEscaped)</b>: \(people)</li>\n"
            }
            html += "<h2>Many more people than before speak of</h2>\n<ul>\(items.joined())</ul>\n"
        }
        if let most = report.topics.map(\.feedback).max() {
            var table = HTMLTable([.text("topic"), .number("feedback"), .number("change"), .number("net sentiment")])
            for topic in report.topics.prefix(7) {
                table.add(
                    [
                        topic.topic, Readable.count(topic.feedback), Readable.change(topic.change),
                        topic.netSentiment.map { Readable.signed($0) } ?? "–",
                    ], share: Double(topic.feedback) / Double(most))
            }
            html +=
                "<h2>What they speak of</h2>\n" + table.html
                + "<p class=\"soft\">Change is on the time before; net sentiment is from −100 to +100.</p>\n"
        }
        return html + InsightReportHTML.course(report) + InsightReportHTML.quotes(report)
            + HTMLPage.foot
    }

    /// The numbers as a person would say them.
    private static func headline(_ report: InsightReport) -> String {
        let totals = report.totals
        var text =
            "\(Readable.count(totals.authors)) people said \(Readable.count(totals.feedback)) things"
        if let before = report.previous?.totals, before.feedback > 0 {
            let change = Double(totals.feedback - before.feedback) / Double(before.feedback)
            text +=
                abs(change) < 0.05
                ? ", about as many as before" : ", \(Readable.change(change)) on the time before"
        }
        text += "."
        if let net = totals.netSentiment {
            let good = Readable.percent(totals.sentiment.positive, of: totals.feedback)
            let bad = Readable.percent(totals.sentiment.negative, of: totals.feedback)
            text += " \(good) were positive, \(bad) negative"
            if let before = report.previous?.totals.netSentiment {
                let moved = net - before
                text +=
                    abs(moved) < 3
                    ? ", much as before" : moved > 0 ? ", better than before" : ", worse than before"
            }
            text += "."
        }
        return text
    }
}
