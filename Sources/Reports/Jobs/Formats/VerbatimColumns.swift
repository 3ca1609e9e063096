import ByteJSON

/// The columns of feedback in a table, and where they are in an item's document.
enum VerbatimColumns {
    /// A member of the document, or what stands at its top.
    enum Group: Int, CaseIterable {
        case top, core, source, review, conversation, user, context
    }

    private struct Column {
        let name: String
        let group: Group
        let key: JSONKey

        init(_ name: String, _ group: Group, _ key: String? = nil) {
            self.name = name
            self.group = group
            self.key = JSONKey(key ?? name)
        }
    }

    private static let all = [
        Column("unique_identifier", .top), Column("timestamp", .context), Column("source", .source),
        Column("stream", .source, "stream_id"), Column("language", .core),
        Column("sentiment", .conversation, "sentiment_type"), Column("sentiment_score", .conversation),
        Column("intent", .conversation), Column("topics", .conversation), Column("rating", .review),
        Column("rating_scale", .review), Column("product_version", .review), Column("platform", .review),
        Column("country", .user), Column("title", .core), Column("text", .core), Column("url", .core),
    ]

    /// What stands above the columns.
    static let names = all.map(\.name)

    /// Hands out the value of each column, in their order; nil where the item has none.
    @inline(__always)
    static func forEach(of root: JSONView, _ body: (JSONView?) -> Void) {
        let core = root[Keys.core]
        let groups = (
            core, core?[Keys.source], root[Keys.review], root[Keys.conversation], root[Keys.user], root[Keys.context]
        )
        for column in all {
            let group =
                switch column.group {
                case .top: Optional(root)
                case .core: groups.0
                case .source: groups.1
                case .review: groups.2
                case .conversation: groups.3
                case .user: groups.4
                case .context: groups.5
                }
            body(group?[column.key])
        }
    }

    private enum Keys {
        static let core = JSONKey("core_attributes")
        static let source = JSONKey("source_info")
        static let review = JSONKey("review_attributes")
        static let conversation = JSONKey("conversation_attributes")
        static let user = JSONKey("user_attributes")
        static let context = JSONKey("context_info")
    }

    /// The cells of an item, for files whose cells are texts.
    static func cells(_ root: JSONView) -> [CSVText.Cell] {
        var cells: [CSVText.Cell] = []
        cells.reserveCapacity(all.count)
        forEach(of: root) { cells.append(cell($0)) }
        return cells
    }

    private static func cell(_ value: JSONView?) -> CSVText.Cell {
        guard let value else { return .text("") }
        switch value.kind {
        case .integer, .double, .true, .false: return .number(String(decoding: value.raw, as: UTF8.self))
        case .array: return .text(value.elements.map(\.decoded).joined(separator: "; "))
        case .string: return .text(value.decoded)
        case .null: return .text("")
        case .object: return .text(String(decoding: value.raw, as: UTF8.self))
        }
    }

    /// Writes an item as a line of comma-separated values.
    static func appendCSV(_ root: JSONView, to line: inout [UInt8]) {
        var isFirst = true
        forEach(of: root) { value in
            if !isFirst { line.append(UInt8(ascii: ",")) }
            isFirst = false
            guard let value else { return }
            switch value.kind {
            case .integer, .double, .true, .false: line.append(contentsOf: value.content)
            case .array:
                var text: [UInt8] = []
                for element in value.elements {
                    if !text.isEmpty { text += [UInt8(ascii: ";"), 0x20] }
                    if element.isEscaped {
                        text += element.decodedBytes
                    } else {
                        text.append(contentsOf: element.content)
                    }
                }
                text.withUnsafeBufferPointer { CSVText.append($0, to: &line) }
            case .string where value.isEscaped:
                value.decodedBytes.withUnsafeBufferPointer { CSVText.append($0, to: &line) }
            case .string, .object: CSVText.append(value.content, to: &line)
            case .null: break
            }
        }
        line.append(contentsOf: CSVText.lineEnd)
    }
}
