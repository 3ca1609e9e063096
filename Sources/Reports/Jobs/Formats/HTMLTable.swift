/// A table of a page. Numbers stand under one another; on a narrow page less important columns are not there.
struct HTMLTable {
    struct Column {
        var name: String
        var isText = false
        var isLess = false

        static func text(_ name: String, isLess: Bool = false) -> Column {
            Column(name: name, isText: true, isLess: isLess)
        }
        static func number(_ name: String, isLess: Bool = false) -> Column { Column(name: name, isLess: isLess) }

        fileprivate var attribute: String {
            let classes = (isText ? [] : ["n"]) + (isLess ? ["less"] : [])
            return classes.isEmpty ? "" : " class=\"\(classes.joined(separator: " "))\""
        }
    }

    var columns: [Column]
    private var rows = ""

    init(_ columns: [Column]) { self.columns = columns }

    /// - Parameter share: How long the bar under the first cell is, from 0 to 1; nil is no bar.
    mutating func add(_ cells: [String], share: Double? = nil) {
        rows += "<tr>"
        for (index, (column, cell)) in zip(columns, cells).enumerated() {
            let bar = index == 0 ? share.map { SVGChart.share($0) } ?? "" : ""
            rows += "<td\(column.attribute)>\(cell.htmlEscaped)\(bar)</td>"
        }
        rows += "</tr>\n"
    }

    var html: String {
        let heads = columns.map { "<th\($0.attribute)>\($0.name.htmlEscaped)</th>" }.joined()
        return "<div class=\"scroll\"><table><thead><tr>\(heads)</tr></thead><tbody>\n\(rows)</tbody></table></div>\n"
    }
}
