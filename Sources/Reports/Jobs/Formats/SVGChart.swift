/// Charts as SVG, drawn by hand: the same numbers are the same bytes.
///
/// Shapes are stretched to the width that there is; words stand beside them as text, so that they can be read on a phone.
enum SVGChart {
    /// A column of stacked parts: class of the colour, value, what it is.
    struct Bar {
        var label: String
        var parts: [(style: String, value: Int, name: String)]
        var total: Int { parts.reduce(0) { $0 + $1.value } }
    }

    /// Labels under the columns, at the most.
    private static let labels = 6

    /// - Parameter name: What it shows, for who cannot see it.
    static func columns(_ bars: [Bar], name: String) -> String {
        let top = 2 * half(of: bars.map(\.total).max() ?? 1)
        let step = 1000 / Double(max(1, bars.count))
        var svg =
            "<svg viewBox=\"0 0 1000 1000\" preserveAspectRatio=\"none\" role=\"img\" aria-label=\"\(name.htmlEscaped)\">"
        for y in ["0", "500", "1000"] {
            svg += "<line class=\"axis\" x1=\"0\" x2=\"1000\" y1=\"\(y)\" y2=\"\(y)\"/>"
        }
        for (index, bar) in bars.enumerated() {
            let x = (Double(index) + 0.1) * step
            var y = 1000.0
            for part in bar.parts where part.value > 0 {
                let tall = Double(part.value) / Double(top) * 1000
                y -= tall
                svg += """
                    <rect class="\(part.style)" x="\(number(x))" y="\(number(y))" width="\(number(step * 0.8))" \
                    height="\(number(tall))"><title>\(bar.label.htmlEscaped): \(part.value) \(part.name)</title></rect>
                    """
            }
        }
        let scale = [(0, 0), (50, top / 2), (100, top)].map { percent, value in
            "<span style=\"bottom:\(percent)%\">\(Readable.count(value))</span>"
        }
        return "<div class=\"chart\"><div class=\"plot\">\(svg)</svg><div class=\"y\">\(scale.joined())</div></div>"
            + "<div class=\"x\">\(names(bars, step))</div></div>"
    }

    private static func names(_ bars: [Bar], _ step: Double) -> String {
        let every = max(1, (bars.count + labels - 1) / labels)
        let shown = bars.indices.filter { $0.isMultiple(of: every) }
        // Where they are long, a narrow page has every other one.
        let isLong = shown.reduce(0) { $0 + bars[$1].label.count } > 30
        return shown.enumerated().map { position, index in
            let left = number((Double(index) + 0.5) * step / 10)
            let narrow = isLong && !position.isMultiple(of: 2) ? " class=\"wide\"" : ""
            return "<span\(narrow) style=\"left:\(left)%\">\(bars[index].label.htmlEscaped)</span>"
        }.joined()
    }

    /// A bar as long as a share of its place, from 0 to 1.
    static func share(_ share: Double) -> String {
        "<svg class=\"share\" viewBox=\"0 0 1000 10\" preserveAspectRatio=\"none\" aria-hidden=\"true\">"
            + "<rect class=\"bar\" width=\"\(number(max(4, share * 1000)))\" height=\"10\"/></svg>"
    }

    /// Half of what a scale ends with: a round number, and twice it is not less than the most.
    static func half(of most: Int) -> Int {
        var power = 1
        while true {
            for step in [1, 2, 3, 4, 5, 6, 8] where 2 * step * power >= most { return step * power }
            power *= 10
        }
    }

    /// One decimal, without what does not count.
    private static func number(_ value: Double) -> String {
        let tenths = Int((value * 10).rounded())
        return tenths % 10 == 0 ? "\(tenths / 10)" : "\(tenths < 0 ? "-" : "")\(abs(tenths) / 10).\(abs(tenths) % 10)"
    }
}
