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

    static func line(_ cells: [Cell]) -> [UInt8] {
        var line: [UInt8] = []
        for (index, cell) in cells.enumerated() {
            if index > 0 { line.append(UInt8(ascii: ",")) }
            append(cell, to: &line)
        }
        line += [0x0D, 0x0A]
        return line
    }

    private static func append(_ cell: Cell, to line: inout [UInt8]) {
        guard case .text(let text) = cell else { return line.append(contentsOf: cell.text.utf8) }
        let bytes = text.utf8
        let isFormula = beginsLikeFormula(bytes)
        guard isFormula || bytes.contains(where: { $0 == 0x22 || $0 == 0x2C || $0 == 0x0A || $0 == 0x0D }) else {
            return line.append(contentsOf: bytes)
        }
        line.append(0x22)
        if isFormula { line.append(UInt8(ascii: "'")) }
        for byte in bytes {
            if byte == 0x22 { line.append(0x22) }
            line.append(byte)
        }
        line.append(0x22)
    }

    /// Spreadsheets skip white space before a formula; full-width signs count as well.
    private static func beginsLikeFormula(_ bytes: String.UTF8View) -> Bool {
        guard let first = bytes.first else { return false }
        if first == 0x09 || first == 0x0D || first == 0x0A { return true }
        let rest = bytes.drop { $0 == 0x20 || $0 == 0x09 || $0 == 0x0A || $0 == 0x0D }
        guard let sign = rest.first else { return false }
        if [0x3D, 0x2B, 0x2D, 0x40].contains(sign) { return true }
        // ＝ ＋ － ＠
        return sign == 0xEF
            && [[0xEF, 0xBC, 0x9D], [0xEF, 0xBC, 0x8B], [0xEF, 0xBC, 0x8D], [0xEF, 0xBC, 0xA0]]
                .contains(Array(rest.prefix(3)))
    }
}
