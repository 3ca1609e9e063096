import ByteJSON

/// Feedback as lines of a file.
struct VerbatimText {
    private let format: ReportFormat
    let head: [UInt8]
    let foot: [UInt8]

    init(_ format: ReportFormat, title: String) {
        self.format = format
        switch format {
        case .csv: (head, foot) = (CSVText.line(VerbatimColumns.names.map { .name($0) }), [])
        case .xlsx: (head, foot) = ([], [])  // an XLSXBook writes it
        case .jsonl: (head, foot) = ([], [])
        case .json: (head, foot) = (Array("[".utf8), Array("\n]\n".utf8))
        case .html, .pdf:
            let names = VerbatimColumns.names.map { "<th>\($0.htmlEscaped)</th>" }.joined()
            head = Array(
                (HTMLPage.head("What was said, \(title)") + "<h1>What was said</h1><table><thead><tr>" + names
                    + "</tr></thead><tbody>\n").utf8)
            foot = Array(("</tbody></table>" + HTMLPage.foot).utf8)
        }
    }

    /// Writes one item, from its document as it is stored.
    func append(_ root: JSONView, isFirst: Bool, to bytes: inout [UInt8]) {
        switch format {
        case .csv: VerbatimColumns.appendCSV(root, to: &bytes)
        case .xlsx: break
        case .jsonl:
            let document = root.raw
            // One line: a line feed can only be white space between its tokens.
            if document.contains(where: { $0 == 0x0A || $0 == 0x0D }) {
                bytes.append(contentsOf: document.filter { $0 != 0x0A && $0 != 0x0D })
            } else {
                bytes.append(contentsOf: document)
            }
            bytes.append(0x0A)
        case .json:
            bytes.append(contentsOf: (isFirst ? "\n" : ",\n").utf8)
            bytes.append(contentsOf: root.raw)
        case .html, .pdf:
            let cells = VerbatimColumns.cells(root).map { "<td>\($0.text.htmlEscaped)</td>" }.joined()
            bytes.append(contentsOf: "<tr>\(cells)</tr>\n".utf8)
        }
    }
}
