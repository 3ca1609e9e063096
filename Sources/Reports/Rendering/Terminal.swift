/// Text for a terminal: colours where they are wanted, widths in characters.
struct Terminal {
    enum Style: String {
        case bold = "1"
        case dim = "2"
        case red = "31"
        case green = "32"
        case yellow = "33"
        case cyan = "36"
    }

    let width: Int
    let hasColour: Bool

    func styled(_ text: String, _ styles: Style...) -> String {
        guard hasColour, !text.isEmpty else { return text }
        return "\u{1B}[\(styles.map(\.rawValue).joined(separator: ";"))m\(text)\u{1B}[0m"
    }

    func heading(_ text: String) -> String { styled(text, .bold) }

    /// A bar of eighths of a character, at least a sliver for what is not nothing.
    static func bar(_ value: Double, of maximum: Double, width: Int) -> String {
        guard value > 0, maximum > 0 else { return "" }
        let eighths = max(1, Int((value / maximum * Double(width * 8)).rounded()))
        let partial = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"]
        return String(repeating: "█", count: eighths / 8) + partial[eighths % 8]
    }

    /// A line of little columns; nil is a gap.
    static func sparkline(_ values: [Double?], from low: Double, to high: Double) -> String {
        let columns = ["▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"]
        return values.map { value in
            guard let value else { return " " }
            guard high > low else { return columns[0] }
            let position = Int(((value - low) / (high - low) * Double(columns.count - 1)).rounded())
            return columns[max(0, min(columns.count - 1, position))]
        }.joined()
    }

    /// Words in lines of at most `width` characters.
    static func wrap(_ text: String, width: Int) -> [String] {
        var lines: [String] = []
        var line = ""
        for word in text.split(whereSeparator: \.isWhitespace) {
            if !line.isEmpty, line.count + 1 + word.count > width {
                lines.append(line)
                line = ""
            }
            line += line.isEmpty ? String(word) : " " + word
            while line.count > width {
                lines.append(String(line.prefix(width)))
                line = String(line.dropFirst(width))
            }
        }
        return line.isEmpty ? lines : lines + [line]
    }

    /// At most `length` characters; what was cut off shows as an ellipsis.
    static func cut(_ text: String, to length: Int) -> String {
        text.count <= length ? text : text.prefix(max(0, length - 1)) + "…"
    }
}

/// A table whose columns are as wide as they need.
struct TextTable {
    enum Alignment { case left, right }
    struct Cell {
        var text: String
        var styles: [Terminal.Style] = []
    }

    let columns: [(title: String, alignment: Alignment)]
    var rows: [[Cell]] = []

    func lines(_ terminal: Terminal) -> [String] {
        let widths = columns.indices.map { column in
            max(columns[column].title.count, rows.map { $0[column].text.count }.max() ?? 0)
        }
        func line(_ cells: [Cell]) -> String {
            let padded = cells.indices.map { column -> String in
                let cell = cells[column]
                let blanks = String(repeating: " ", count: max(0, widths[column] - cell.text.count))
                let styled = cell.styles.reduce(cell.text) { terminal.styled($0, $1) }
                return columns[column].alignment == .right ? blanks + styled : styled + blanks
            }.joined(separator: "  ")
            var text = "  " + padded
            while text.last == " " { text.removeLast() }
            return text
        }
        return [line(columns.map { Cell(text: $0.title, styles: [.dim]) })] + rows.map(line)
    }
}

/// Numbers as people read them.
enum Readable {
    /// `12,345`.
    static func count(_ number: Int) -> String {
        var digits = String(number.magnitude)
        var groups: [String] = []
        while digits.count > 3 {
            groups.insert(String(digits.suffix(3)), at: 0)
            digits = String(digits.dropLast(3))
        }
        return (number < 0 ? "−" : "") + ([digits] + groups).joined(separator: ",")
    }

    /// `12 bytes`, `3.4 MB`.
    static func bytes(_ number: Int) -> String {
        switch number {
        case ..<1000: "\(number) bytes"
        case ..<1_000_000: "\(decimal(Double(number) / 1000)) kB"
        default: "\(decimal(Double(number) / 1_000_000)) MB"
        }
    }

    /// `+12 %`; a multiple from tenfold on; nothing to compare with is `new`.
    static func change(_ change: Double?) -> String {
        guard let change else { return "new" }
        if change >= 9 { return "×\(Int((change + 1).rounded()))" }
        return signed((change * 100).rounded(), digits: 0) + " %"
    }

    /// `+3.5` or `−3.5`.
    static func signed(_ number: Double, digits: Int = 1) -> String {
        (number > 0 ? "+" : "") + decimal(number, digits: digits)
    }

    static func decimal(_ number: Double, digits: Int = 1) -> String {
        var factor = 1
        for _ in 0..<digits { factor *= 10 }
        let scaled = Int((number.magnitude * Double(factor)).rounded())
        let sign = number < 0 && scaled > 0 ? "−" : ""
        guard digits > 0 else { return sign + count(scaled) }
        let fraction = String(scaled % factor)
        return "\(sign)\(count(scaled / factor)).\(String(repeating: "0", count: digits - fraction.count))\(fraction)"
    }

    static func percent(_ part: Int, of whole: Int) -> String {
        whole == 0 ? "0 %" : "\(Int((Double(part) / Double(whole) * 100).rounded())) %"
    }

    /// The day of a time such as `2021-02-20T00:00:00+05:30`: `20 Feb 2021`.
    static func day(_ text: String) -> String {
        let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
        let parts = text.prefix(10).split(separator: "-").compactMap { Int($0) }
        guard parts.count == 3, (1...12).contains(parts[1]) else { return text }
        return "\(parts[2]) \(months[parts[1] - 1]) \(parts[0])"
    }
}
