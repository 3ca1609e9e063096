import ByteJSON

/// Feedback as lines of a file.
struct VerbatimText {
    private let format: ReportFormat
    let head: [UInt8]

    init(_ request: ReportRequest) {
        format = request.format
        switch format {
        case .csv: head = CSVText.line(VerbatimColumns.names.map { .name($0) })
        case .xlsx, .jsonl: head = []  // an XLSXBook writes itself
        case .json: head = Array("[".utf8)
        case .html, .pdf: head = VerbatimHTML.head(request)
        }
    }

    /// What comes after the last one.
    func foot(isEmpty: Bool) -> [UInt8] {
        switch format {
        case .csv, .xlsx, .jsonl: []
        case .json: Array("\n]\n".utf8)
        case .html, .pdf: VerbatimHTML.foot(isEmpty: isEmpty)
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
        case .html, .pdf: VerbatimHTML.append(root, to: &bytes)
        }
    }
}
