import Common
import Testing

@testable import Reports

@Suite struct RenderingTests {
    @Test func aReportIsReadable() async throws {
        let tables = try await Tables()
        var topic = FeedbackTopic()
        let day: Int64 = 86_400_000
        let items = (0..<60).map { number in
            Item(
                id: "\(number)", text: "The export fails on page \(number), and nobody answers my mails about it.",
                at: 1_609_459_200_000 + Int64(number) * day, sentiment: number > 30 ? .negative : .positive,
                score: number > 30 ? -6 : 4, topics: number > 35 ? ["export"] : ["search"], rating: 3,
                author: "person \(number)")
        }
        try await tables.take([topic.batch(items)])
        let report = try await tables.report([
            ("from", "2021-01-31"), ("to", "2021-03-02"), ("group_by", "source,topic"), ("compare", "previous_period"),
        ])
        let text = InsightReportText.render(report, width: 80)
        for expected in [
            "What customers said, 31 Jan 2021 to 2 Mar 2021", "30 feedback", "Over time", "What changed",
            "Feedback went from 30 to 30 (0 %)", "(−193.3)", "Topics", "Emerging", "▲ export: 24 people, nobody before",
            "By source", "In their words", "“The export",
        ] {
            #expect(text.contains(expected), "\(expected) in:\n\(text)")
        }
        #expect(!text.contains("\u{1B}"))
        #expect(text.split(separator: "\n").allSatisfy { $0.count <= 96 }, "\(text)")
        #expect(InsightReportText.render(report, width: 80, colour: true).contains("\u{1B}[31m"))
    }

    @Test func nothingIsSaidAsNothing() async throws {
        let report = try await Tables().report()
        #expect(InsightReportText.render(report).contains("Nothing was said"))
    }

    @Test func numbersAreReadable() {
        #expect(Readable.count(1_234_567) == "1,234,567")
        #expect(Readable.count(-12) == "−12")
        #expect(Readable.decimal(-0.04) == "0.0")
        #expect(Readable.decimal(-3.14159, digits: 2) == "−3.14")
        #expect(Readable.decimal(2.05, digits: 2) == "2.05")
        #expect(Readable.signed(5, digits: 0) == "+5")
        #expect(Readable.change(0.125) == "+13 %")
        #expect(Readable.change(11) == "×12")
        #expect(Readable.change(nil) == "new")
        #expect(Readable.day("2021-02-20T00:00:00+05:30") == "20 Feb 2021")
        #expect(Terminal.bar(1, of: 1000, width: 10) == "▏")
        #expect(Terminal.bar(5, of: 10, width: 10) == "█████")
        #expect(Terminal.sparkline([0, nil, 10], from: 0, to: 10) == "▁ █")
    }
}
