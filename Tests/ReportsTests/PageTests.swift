import Common
import Testing

@testable import Reports

@Suite("Reports as pages")
struct PageTests {
    @Test(
        "a scale ends with a round number, not far above the most",
        arguments: [(0, 2), (1, 2), (3, 4), (19, 20), (115, 120), (642, 800), (1001, 1200), (99_999, 100_000)])
    func scale(most: Int, top: Int) { #expect(2 * SVGChart.half(of: most) == top) }

    @Test(
        "a range is told by its days, and what both ends share is told once",
        arguments: [
            ("2025-09-22T00:00:00+00:00", "2025-09-29T00:00:00+00:00", "22 to 28 Sep 2025"),
            ("2025-07-01T00:00:00+00:00", "2025-10-01T00:00:00+00:00", "1 Jul to 30 Sep 2025"),
            ("2025-12-01T00:00:00+00:00", "2026-02-01T00:00:00+00:00", "1 Dec 2025 to 31 Jan 2026"),
            ("2025-09-22T00:00:00+00:00", "2025-09-23T00:00:00+00:00", "22 Sep 2025"),
        ])
    func period(from: String, to: String, text: String) { #expect(InsightReportHTML.period(from, to) == text) }

    @Test("a page says whose feedback it is of, of what time, and which of it; markup in that is text")
    func about() {
        var request = ReportRequest(
            kind: "verbatims_export", workspace: WorkspaceID("ws_a")!, format: .html,
            parameters: Parameters([
                (name: "from", value: "2025-09-22"), (name: "to", value: "2025-09-29"),
                (name: "timezone", value: "UTC"), (name: "source", value: "app_store,<b>"), (name: "q", value: "a, b"),
            ]))
        request.workspaceName = "Lantern & fish"
        let text = VerbatimText(request)
        let page = String(decoding: text.head + text.foot(isEmpty: true), as: UTF8.self)
        #expect(page.contains("<p>Lantern &amp; fish, 22 to 28 Sep 2025</p>"))
        #expect(page.contains("<p>Only feedback of source app_store, &lt;b&gt;; with “a, b”.</p>"))
        #expect(page.contains("Nothing was said in this time"))
    }

    @Test("of a column of nothing no part is drawn, and names are told at narrow widths as well")
    func columns() {
        let bars = (0..<12).map { SVGChart.Bar(label: "1 May 2\($0)", .init(negative: $0, neutral: 0, positive: 1)) }
        let svg = SVGChart.columns(bars, name: "Feedback by day")
        #expect(svg.split(separator: "<rect").count - 1 == 11 + 12)
        #expect(svg.split(separator: "<span").count - 1 == 3 + 6)
        #expect(svg.split(separator: "class=\"wide\"").count - 1 == 3)
        #expect(!svg.contains("nan") && !SVGChart.columns([], name: "").contains("nan"))
    }
}
