import ByteJSON
import Common
import Compression
import Engines
import TestKit
import Testing

/// Measures the engines on held-out, labelled texts, prints the figures of docs/engines.md, and holds a floor.
@Suite(.enabled(if: Fixtures.data.isPresent)) struct EngineQualityTests {
    private struct Row {
        var label: String
        var text: [UInt8]
        var domain: String
        var language: String
    }

    private func rows(_ path: String) throws -> [Row] {
        let bytes = try Inflater.inflate(
            try Fixtures.data.bytes(path), as: .gzip, limits: InflateLimits(maximumBytes: 200_000_000))
        return try bytes.split(separator: 0x0A).compactMap { line in
            let row = JSON(try JSONDocument(parsing: Array(line)).root)
            // Not for commercial use: neither trained on nor measured with
            guard row["source"]?.string != "norec-sentence" else { return nil }
            return Row(
                label: row["label"]?.string ?? "", text: Array((row["text"]?.string ?? "").utf8),
                domain: row["domain"]?.string ?? "", language: row["lang"]?.string ?? "")
        }
    }

    /// What was expected and said, of one group of texts.
    private struct Score {
        var pairs: [(expected: String, said: String)] = []

        var accuracy: Double { Double(pairs.count { $0.expected == $0.said }) / Double(max(1, pairs.count)) }

        /// The mean over the labels that occur of the harmonic mean of precision and recall.
        var macroF1: Double {
            let values = Set(pairs.map(\.expected)).map { label in
                let right = pairs.count { $0.expected == label && $0.said == label }
                let all = pairs.count { $0.expected == label } + pairs.count { $0.said == label }
                return 2 * Double(right) / Double(all)
            }
            return values.reduce(0, +) / Double(max(1, values.count))
        }
    }

    private func report(_ title: String, _ groups: [String: Score], atLeast: Int = 50) {
        for (group, score) in groups.sorted(by: { ($1.value.pairs.count, $0.key) < ($0.value.pairs.count, $1.key) })
        where score.pairs.count >= atLeast {
            let figures = [score.accuracy, score.macroF1].map { String(Double(Int($0 * 1000 + 0.5)) / 1000) }
            print("engines: \(title) | \(group) | \(score.pairs.count) | \(figures[0]) | \(figures[1])")
        }
    }

    @Test func language() throws {
        let rows = try rows("language/dev.jsonl.gz")
        var texts = rows.map { AnnotatedText(text: $0.text) }
        try LanguageEngine().annotate(&texts)
        var told = Score()
        var byDomain: [String: Score] = [:]
        var untold = Score()
        for (row, text) in zip(rows, texts) {
            let expected = ["nb", "nn"].contains(row.label) ? "no" : row.label
            guard LanguageEngine.languages.contains(expected) else {
                untold.pairs.append(("und", text.language))
                continue
            }
            told.pairs.append((expected, text.language))
            byDomain[row.domain, default: Score()].pairs.append((expected, text.language))
        }
        report("language", byDomain.merging(["all": told, "languages not told": untold]) { $1 })
        #expect(told.accuracy > 0.95)
        #expect(told.macroF1 > 0.95)
        #expect(untold.accuracy > 0.75)
    }

    @Test func sentiment() throws {
        let rows = try rows("sentiment/dev.jsonl.gz")
        var texts = rows.map { AnnotatedText(text: $0.text) }
        try SentimentEngine().annotate(&texts)
        var byDomain: [String: Score] = [:]
        var byLanguage: [String: Score] = [:]
        for (row, text) in zip(rows, texts) {
            for group in [row.domain, "all"] {
                byDomain[group, default: Score()].pairs.append((row.label, text.sentiment.rawValue))
            }
            byLanguage[row.language, default: Score()].pairs.append((row.label, text.sentiment.rawValue))
        }
        report("sentiment by domain", byDomain)
        report("sentiment by language", byLanguage, atLeast: 100)
        let all = try #require(byDomain["all"])
        #expect(all.accuracy > 0.67)
        #expect(all.macroF1 > 0.66)
        #expect(try #require(byDomain["app-review"]).accuracy > 0.72)
        #expect(try #require(byDomain["product-review"]).accuracy > 0.85)
    }

    @Test func intent() throws {
        let rows = try rows("intent/dev.jsonl.gz")
        var texts = rows.map { AnnotatedText(text: $0.text) }
        try EnginePipeline.standard().annotate(&texts)
        var byDomain: [String: Score] = [:]
        for (row, text) in zip(rows, texts) {
            for group in [row.domain, "all"] {
                byDomain[group, default: Score()].pairs.append((row.label, text.intent.rawValue))
            }
        }
        report("intent", byDomain, atLeast: 20)
        let all = try #require(byDomain["all"])
        #expect(all.accuracy > 0.73)
        #expect(all.macroF1 > 0.65)
    }
}
