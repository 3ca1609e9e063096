import ByteJSON

/// Feedback as lines of a file.
struct VerbatimText {
    private let format: ReportFormat
    let head: [UInt8]
    let foot: [UInt8]

    init(_ format: ReportFormat, title: String) {
        self.format = format
        switch format {
        case .csv: (head, foot) = (CSVText.line(Self.columns.map { .name($0.name) }), [])
        case .xlsx: (head, foot) = ([], [])  // an XLSXBook writes it
        case .jsonl: (head, foot) = ([], [])
        case .json: (head, foot) = (Array("[".utf8), Array("\n]\n".utf8))
        case .html:
            let names = Self.columns.map { "<th>\($0.name.htmlEscaped)</th>" }.joined()
            head = Array(
                (HTMLPage.head("What was said, \(title)") + "<h1>What was said</h1><table><thead><tr>" + names
                    + "</tr></thead><tbody>\n").utf8)
            foot = Array(("</tbody></table>" + HTMLPage.foot).utf8)
        }
    }

    /// One item, from its document as it is stored.
    func row(_ document: [UInt8], _ root: JSONValue, isFirst: Bool) -> [UInt8] {
        switch format {
        case .csv: return CSVText.line(Self.cells(root))
        case .xlsx: return []
        // One line: a line feed can only be white space between its tokens.
        case .jsonl: return document.filter { $0 != 0x0A && $0 != 0x0D } + [0x0A]
        case .json: return Array((isFirst ? "\n" : ",\n").utf8) + document
        case .html:
            let cells = Self.cells(root).map { "<td>\($0.text.htmlEscaped)</td>" }.joined()
            return Array("<tr>\(cells)</tr>\n".utf8)
        }
    }

    /// What stands above the cells.
    static var heads: [String] { columns.map(\.name) }

    static func cells(_ root: JSONValue) -> [CSVText.Cell] {
        root.withView { root in columns.map { $0.cell(root) } }
    }

    private struct Column {
        let name: String
        let path: [JSONKey]

        init(_ name: String, _ path: String...) {
            self.name = name
            self.path = path.map(JSONKey.init)
        }

        func cell(_ root: JSONView) -> CSVText.Cell {
            var value: JSONView? = root
            for step in path { value = value?[step] }
            guard let value else { return .text("") }
            switch value.kind {
            case .integer, .double, .true, .false: return .number(String(decoding: value.raw, as: UTF8.self))
            case .array:
                return .text(
                    value.elements.map { $0.string ?? String(decoding: $0.raw, as: UTF8.self) }.joined(separator: "; "))
            case .string: return .text(value.string ?? "")
            case .null: return .text("")
            case .object: return .text(String(decoding: value.raw, as: UTF8.self))
            }
        }
    }

    private static let columns = [
        Column("unique_identifier", "unique_identifier"), Column("timestamp", "context_info", "timestamp"),
        Column("source", "core_attributes", "source_info", "source"),
        Column("stream", "core_attributes", "source_info", "stream_id"),
        Column("language", "core_attributes", "language"),
        Column("sentiment", "conversation_attributes", "sentiment_type"),
        Column("sentiment_score", "conversation_attributes", "sentiment_score"),
        Column("intent", "conversation_attributes", "intent"), Column("topics", "conversation_attributes", "topics"),
        Column("rating", "review_attributes", "rating"), Column("rating_scale", "review_attributes", "rating_scale"),
        Column("product_version", "review_attributes", "product_version"),
        Column("platform", "review_attributes", "platform"), Column("country", "user_attributes", "country"),
        Column("title", "core_attributes", "title"), Column("text", "core_attributes", "text"),
        Column("url", "core_attributes", "url"),
    ]
}
