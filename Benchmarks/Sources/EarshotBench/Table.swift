/// Figures in aligned columns.
struct Table {
    private var rows: [[String]] = []

    init(_ headings: String...) { rows = [headings] }

    mutating func add(_ cells: String...) { rows.append(cells) }

    func show() {
        let columns = rows.map(\.count).max() ?? 0
        let widths = (0..<columns).map { column in rows.map { $0.count > column ? $0[column].count : 0 }.max() ?? 0 }
        for row in rows {
            print(
                row.enumerated().map { index, cell in
                    let space = String(repeating: " ", count: widths[index] - cell.count)
                    return index == 0 ? cell + space : space + cell
                }.joined(separator: "  "))
        }
    }
}

/// The middle of several measurements.
func median(_ values: [Double]) -> Double {
    let sorted = values.sorted()
    return sorted.isEmpty ? 0 : sorted[sorted.count / 2]
}

/// A number with thousands apart.
func grouped(_ value: Double) -> String {
    var text = String(Int(value.rounded()))
    var at = text.count - 3
    while at > 0 {
        text.insert(",", at: text.index(text.startIndex, offsetBy: at))
        at -= 3
    }
    return text
}

func fixed(_ value: Double, _ digits: Int) -> String {
    var scale = 1.0
    for _ in 0..<digits { scale *= 10 }
    let scaled = Int((value * scale).rounded())
    guard digits > 0 else { return String(scaled) }
    let fraction = String(abs(scaled) % Int(scale))
    return "\(value < 0 ? "-" : "")\(abs(scaled) / Int(scale))."
        + String(repeating: "0", count: digits - fraction.count) + fraction
}
