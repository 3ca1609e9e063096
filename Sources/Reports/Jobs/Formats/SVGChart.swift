/// Charts as SVG, drawn by hand: the same numbers are the same bytes.
enum SVGChart {
    /// A column of stacked parts: class of the colour, value, what it is.
    struct Bar {
        var label: String
        var parts: [(style: String, value: Int, name: String)]
        var total: Int { parts.reduce(0) { $0 + $1.value } }
    }

    static func columns(_ bars: [Bar]) -> String {
        let (width, height, left, bottom) = (720.0, 220.0, 44.0, 24.0)
        let most = max(1, bars.map(\.total).max() ?? 1)
        let step = (width - left) / Double(max(1, bars.count))
        let scale = (height - bottom - 10) / Double(most)
        var svg = open(width, height, "Feedback over time")
        for share in [0, most / 2, most] {
            let y = height - bottom - Double(share) * scale
            svg +=
                "<line class=\"axis\" x1=\"\(number(left))\" x2=\"\(number(width))\" y1=\"\(number(y))\" y2=\"\(number(y))\"/>"
            svg +=
                "<text x=\"\(number(left - 6))\" y=\"\(number(y + 4))\" text-anchor=\"end\">\(Readable.count(share))</text>"
        }
        let every = max(1, (bars.count + 5) / 6)
        for (index, bar) in bars.enumerated() {
            let x = left + Double(index) * step
            var y = height - bottom
            for part in bar.parts where part.value > 0 {
                let tall = Double(part.value) * scale
                y -= tall
                svg +=
                    "<rect class=\"\(part.style)\" x=\"\(number(x + step * 0.1))\" y=\"\(number(y))\" width=\"\(number(step * 0.8))\" height=\"\(number(tall))\"><title>\(bar.label.htmlEscaped): \(part.value) \(part.name)</title></rect>"
            }
            if index % every == 0 {
                svg +=
                    "<text x=\"\(number(x + step / 2))\" y=\"\(number(height - 8))\" text-anchor=\"middle\">\(bar.label.htmlEscaped)</text>"
            }
        }
        return svg + "</svg>"
    }

    static func rows(_ rows: [(label: String, value: Int)]) -> String {
        let (width, left, line) = (720.0, 200.0, 22.0)
        let most = max(1, rows.map(\.value).max() ?? 1)
        var svg = open(width, Double(rows.count) * line + 4, "Topics by feedback")
        for (index, row) in rows.enumerated() {
            let y = Double(index) * line
            let wide = Double(row.value) / Double(most) * (width - left - 60)
            svg +=
                "<text x=\"\(number(left - 8))\" y=\"\(number(y + 15))\" text-anchor=\"end\">\(short(row.label).htmlEscaped)</text>"
            svg +=
                "<rect class=\"bar\" x=\"\(number(left))\" y=\"\(number(y + 4))\" width=\"\(number(wide))\" height=\"14\"/>"
            svg += "<text x=\"\(number(left + wide + 6))\" y=\"\(number(y + 15))\">\(Readable.count(row.value))</text>"
        }
        return svg + "</svg>"
    }

    private static func open(_ width: Double, _ height: Double, _ name: String) -> String {
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 \(number(width)) \(number(height))\" role=\"img\" aria-label=\"\(name)\">"
    }

    private static func short(_ label: String) -> String { label.count > 22 ? label.prefix(21) + "…" : label }

    /// One decimal, without what does not count.
    private static func number(_ value: Double) -> String {
        let tenths = Int((value * 10).rounded())
        return tenths % 10 == 0 ? "\(tenths / 10)" : "\(tenths < 0 ? "-" : "")\(abs(tenths) / 10).\(abs(tenths) % 10)"
    }
}
