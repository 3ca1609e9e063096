/// Comma-separated values by RFC 4180, in UTF-8.
enum CSVText {
    enum Cell: Sendable {
        /// A text from outside. A spreadsheet would take one that begins like a formula for one: an apostrophe before it
        /// keeps it a text.
        case text(String)
        case number(String)
        /// A text of ours.
        case name(String)

        var text: String {
            switch self {
            case .text(let text), .number(let text), .name(let text): text
            }
        }
    }

    static let lineEnd: [UInt8] = [0x0D, 0x0A]

    static func line(_ cells: [Cell]) -> [UInt8] {
        var line: [UInt8] = []
        for (index, cell) in cells.enumerated() {
            if index > 0 { line.append(UInt8(ascii: ",")) }
            switch cell {
            case .text(var text): text.withUTF8 { append($0, to: &line) }
            case .number(let text), .name(let text): line.append(contentsOf: text.utf8)
            }
        }
        line += lineEnd
        return line
    }

    /// Writes a text from outside as a cell.
    static func append(_ text: UnsafeBufferPointer<UInt8>, to line: inout [UInt8]) {
        let isFormula = beginsLikeFormula(text)
        guard isFormula || text.contains(where: isSpecial) else { return line.append(contentsOf: text) }
        line.append(0x22)
        if isFormula { line.append(UInt8(ascii: "'")) }
        var rest = text[...]
        while let mark = rest.firstIndex(of: 0x22) {
            line.append(contentsOf: rest[...mark])
            line.append(0x22)
            rest = rest[(mark + 1)...]
        }
        line.append(contentsOf: rest)
        line.append(0x22)
    }

    /// Whether a cell must be quoted for it.
    @inline(__always)
    private static func isSpecial(_ byte: UInt8) -> Bool {
        byte == 0x22 || byte == 0x2C || byte == 0x0A || byte == 0x0D
    }

    /// Spreadsheets skip white space before a formula; full-width signs count as well.
    private static func beginsLikeFormula(_ text: UnsafeBufferPointer<UInt8>) -> Bool {
        guard let first = text.first else { return false }
        if first == 0x09 || first == 0x0D || first == 0x0A { return true }
        let rest = text.drop { $0 == 0x20 || $0 == 0x09 || $0 == 0x0A || $0 == 0x0D }
        switch rest.first {
        case 0x3D, 0x2B, 0x2D, 0x40: return true
        // ＝ ＋ － ＠
        case 0xEF:
            return [[0xEF, 0xBC, 0x9D], [0xEF, 0xBC, 0x8B], [0xEF, 0xBC, 0x8D], [0xEF, 0xBC, 0xA0]]
                .contains(Array(rest.prefix(3)))
        default: return false
        }
    }
}
