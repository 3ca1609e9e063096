import ByteJSON
import Common

/// Feedback as pages to read: one piece below the other, not a table that no page is wide enough for.
enum VerbatimHTML {
    static func head(_ request: ReportRequest) -> [UInt8] {
        Array(HTMLPage.head("What was said", [request.heading(request.period), request.scope]).utf8)
    }

    static func foot(isEmpty: Bool) -> [UInt8] {
        Array(((isEmpty ? InsightReportHTML.nothing : "") + HTMLPage.foot).utf8)
    }

    static func append(_ root: JSONView, to bytes: inout [UInt8]) {
        func text(_ group: JSONView?, _ key: JSONKey) -> String? { group?[key]?.decoded.nonEmpty }
        let core = root[Keys.core]
        let said = root[Keys.conversation]
        let review = root[Keys.review]
        let score = said?[Keys.score]?.double ?? 0
        var html = "<article class=\"\(InsightReportHTML.mood(score))\">"
        let body = text(core, Keys.text) ?? ""
        // A title is often how the text begins.
        if let title = text(core, Keys.title), !body.hasPrefix(title) { html += "<h3>\(title.htmlEscaped)</h3>" }
        html += "<p>\(body.htmlEscaped)</p><footer>"
        let time = text(root[Keys.context], Keys.timestamp) ?? ""
        var facts = [
            InsightReportHTML.link(text(core?[Keys.source], Keys.name) ?? "", to: text(core, Keys.url)),
            "\(Readable.day(time)), \(time.dropFirst(11).prefix(5)) UTC", "score \(Readable.signed(score)) of ±10",
        ]
        if let rating = review?[Keys.rating], let scale = review?[Keys.scale], let most = scale[1] {
            facts.append("rated \(rating.decoded) of \(most.decoded)")
        }
        for (name, value) in [
            ("version", text(review, Keys.version)), ("", text(review, Keys.platform)),
            ("", text(core, Keys.language)), ("", text(said, Keys.intent)),
        ] {
            if let value { facts.append((name.isEmpty ? value : "\(name) \(value)").htmlEscaped) }
        }
        let topics = said?[Keys.topics].map { $0.elements.map(\.decoded).joined(separator: ", ") } ?? ""
        if !topics.isEmpty { facts.append(topics.htmlEscaped) }
        html += facts.joined(separator: " · ") + "</footer></article>\n"
        bytes.append(contentsOf: html.utf8)
    }

    private enum Keys {
        static let core = JSONKey("core_attributes")
        static let conversation = JSONKey("conversation_attributes")
        static let review = JSONKey("review_attributes")
        static let context = JSONKey("context_info")
        static let source = JSONKey("source_info")
        static let name = JSONKey("source")
        static let title = JSONKey("title")
        static let text = JSONKey("text")
        static let url = JSONKey("url")
        static let language = JSONKey("language")
        static let timestamp = JSONKey("timestamp")
        static let score = JSONKey("sentiment_score")
        static let intent = JSONKey("intent")
        static let topics = JSONKey("topics")
        static let rating = JSONKey("rating")
        static let scale = JSONKey("rating_scale")
        static let version = JSONKey("product_version")
        static let platform = JSONKey("platform")
    }
}

extension String {
    fileprivate var nonEmpty: String? { isEmpty ? nil : self }
}
