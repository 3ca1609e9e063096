import ByteJSON
import Common
import Notices

/// The feedback behind an alert, as a page to read.
enum AlertHTML {
    static func page(_ alert: Alert, _ documents: [[UInt8]], hasMore: Bool) throws -> String {
        let finding = alert.finding
        let facts = finding.facts.map { "<div><b>\($0.value.htmlEscaped)</b>\($0.name.htmlEscaped)</div>" }
        let quotes = try documents.map { document in
            let feedback = try Feedback(JSONDocument(parsing: document).root)
            let source = "\(feedback.source.name.htmlEscaped), \(Readable.day(feedback.timestamp.description))"
            return
                "<blockquote>\(feedback.text.htmlEscaped)<footer>\(source), score \(Readable.signed(feedback.sentimentScore))</footer></blockquote>\n"
        }
        let rest = hasMore ? "<p class=\"soft\">These are the newest \(documents.count); there are more.</p>" : ""
        return HTMLPage.head(finding.title)
            + "<h1>\(finding.title.htmlEscaped)</h1><p>\(finding.text.htmlEscaped)</p>\n<div class=\"facts\">\(facts.joined())</div>\n"
            + "<h2>What was said</h2>\n" + (quotes.isEmpty ? "<p>Nothing, which is why.</p>" : quotes.joined()) + rest
            + HTMLPage.foot
    }
}
