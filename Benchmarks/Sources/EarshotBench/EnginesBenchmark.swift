import ArgumentParser
import ByteJSON
import Engines

/// Each engine alone and all together, beside a bare sum of the same bytes.
struct EnginesBenchmark: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "engines", abstract: "Texts a second of each engine and of all, one thread.")

    @Option(help: "How many texts.")
    var count = 20_000
    @Option(help: "Bytes of a text.")
    var bytes = 400
    @Option(help: "How often each is measured; the middle counts.")
    var rounds = 5

    func run() throws {
        let texts = try reviews()
        let pipeline = try EnginePipeline.standard()
        var table = Table("what", "texts/s", "µs a text", "× byte sum")
        let limit = measure { texts.reduce(into: UInt64(0)) { sum, text in for byte in text { sum &+= UInt64(byte) } } }
        func add(_ name: String, _ seconds: Double) {
            table.add(
                name, grouped(Double(texts.count) / seconds), fixed(seconds * 1e6 / Double(texts.count), 2),
                fixed(seconds / limit, 0))
        }
        add("byte sum", limit)
        for engine in pipeline.engines {
            var annotated = texts.map { AnnotatedText(text: $0) }
            add(engine.identity, measure { engine.annotate(&annotated) })
        }
        var annotated = texts.map { AnnotatedText(text: $0) }
        add("all engines", measure { pipeline.annotate(&annotated) })
        add("cleaning HTML", measure { texts.reduce(0) { $0 + TextCleaner.clean($1, format: .html).text.count } })
        table.show()
    }

    /// Reviews strung together and cut to one length.
    private func reviews() throws -> [[UInt8]] {
        let reviews = try Reviews(count: 20_000)
        let field = reviews.isRecorded ? "review" : "text"
        var texts: [[UInt8]] = []
        var text: [UInt8] = []
        while texts.count < count {
            for line in reviews.lines where texts.count < count {
                text += Array((try JSONDocument(parsing: line).root[field]?.string ?? "").utf8) + [0x20]
                guard text.count >= bytes else { continue }
                texts.append(Array(text.prefix(bytes)))
                text = []
            }
        }
        return texts
    }

    private func measure<Value>(_ body: () -> Value) -> Double {
        median(
            (0..<max(1, rounds)).map { _ in
                var value: Value?
                let time = ContinuousClock().measure { value = body() }
                withExtendedLifetime(value) {}
                return Double(time.components.seconds) + Double(time.components.attoseconds) / 1e18
            })
    }
}
