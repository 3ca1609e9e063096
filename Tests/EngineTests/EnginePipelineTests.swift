import Common
import Engines
import TestKit
import Testing

@Suite struct EnginePipelineTests {
    private struct Step: Engine {
        var name: String
        var requires: Set<AnnotationKind>
        var produces: AnnotationKind
        let version = 1
        func annotate(_ texts: inout [AnnotatedText]) {}
    }

    @Test func requirementsDecideTheOrder() throws {
        let intent = Step(name: "intent", requires: [.sentiment, .language], produces: .intent)
        let sentiment = Step(name: "sentiment", requires: [.language], produces: .sentiment)
        let language = Step(name: "language", requires: [], produces: .language)
        #expect(
            try EnginePipeline([intent, sentiment, language]).identities == ["language@1", "sentiment@1", "intent@1"])
    }

    @Test func whatCannotBeOrderedIsRefused() {
        let first = Step(name: "first", requires: [.intent], produces: .sentiment)
        let second = Step(name: "second", requires: [.sentiment], produces: .intent)
        #expect(throws: EngineOrderError.cycle(["first@1", "second@1"])) { try EnginePipeline([first, second]) }
        #expect(throws: EngineOrderError.missing(.intent, "first@1")) { try EnginePipeline([first]) }
        #expect(throws: EngineOrderError.producedTwice(.sentiment, "first@1", "first@1")) {
            try EnginePipeline([first, first])
        }
    }

    @Test func theStandardEnginesProduceEverything() throws {
        let engines = try EnginePipeline.standard().engines
        #expect(Set(engines.map(\.produces)) == Set(AnnotationKind.allCases))
    }

    @Test func aBatchIsAnnotatedAsItsTextsAlone() throws {
        let pipeline = try EnginePipeline.standard()
        var batch = Samples.texts.map { AnnotatedText(text: Array($0.utf8)) }
        pipeline.annotate(&batch)
        for (text, annotated) in zip(Samples.texts, batch) {
            var alone = [AnnotatedText(text: Array(text.utf8))]
            pipeline.annotate(&alone)
            #expect(alone[0].language == annotated.language)
            #expect(alone[0].sentimentScore == annotated.sentimentScore)
            #expect(alone[0].intent == annotated.intent)
            #expect(alone[0].topics == annotated.topics)
            #expect(alone[0].personalData == annotated.personalData)
        }
    }

    @Test func anyBytesAreAnnotatedWithinTheRules() throws {
        let pipeline = try EnginePipeline.standard()
        var random = RandomSource(seed: 11)
        var texts: [AnnotatedText] = []
        for round in 0..<400 {
            var bytes: [UInt8] = []
            for _ in 0..<Int.random(in: 0..<200, using: &random) {
                switch round % 3 {
                case 0: bytes.append(UInt8.random(in: 0...255, using: &random))
                case 1: bytes.append(Samples.pieces.randomElement(using: &random)!.utf8.randomElement(using: &random)!)
                default: bytes.append(contentsOf: Samples.pieces.randomElement(using: &random)!.utf8)
                }
            }
            let rating = Bool.random(using: &random) ? Double.random(in: -1...2, using: &random) : nil
            texts.append(AnnotatedText(text: bytes, rating: rating, declaredLanguage: round % 5 == 0 ? "xx-YY" : nil))
        }
        texts.append(AnnotatedText(text: [], rating: .nan))
        pipeline.annotate(&texts)
        for text in texts {
            #expect(abs(text.sentimentScore) <= 10)
            switch text.sentiment {
            case .negative: #expect(text.sentimentScore < 0)
            case .neutral: #expect(text.sentimentScore == 0)
            case .positive: #expect(text.sentimentScore > 0)
            }
            #expect((0...1.0001).contains(text.sentimentConfidence))
            #expect((0...1.0001).contains(text.languageConfidence))
            #expect((0...1.0001).contains(text.intentConfidence))
            #expect(Set(text.topics).isSubset(of: TopicEngine.taxonomy))
            #expect(Set(text.topics).count == text.topics.count)
            var end = 0
            for span in text.personalData {
                #expect(span.range.lowerBound >= end && span.range.upperBound <= text.text.count)
                end = span.range.upperBound
            }
        }
    }

    @Test func hugeTextsAreBounded() throws {
        let pipeline = try EnginePipeline.standard()
        var texts = ["a", "@", "1", "+", ":", "a@b", "界", "ก", "DE12 ", "0123 "].map {
            AnnotatedText(text: Array(String(repeating: $0, count: 200_000).utf8))
        }
        pipeline.annotate(&texts)
        #expect(texts.allSatisfy { $0.personalData.count <= 256 })
    }
}

/// Sentences of our own.
enum Samples {
    static let texts = [
        "The app crashes every time I open my photos.", "Please add a dark mode.", "How do I export my data?",
        "I love this, thank you!", "", "   ", "😀", "Die App stürzt ständig ab!", "¡Me encanta!", "とても便利です。",
        "应用总是闪退", "Write to anna@example.org or +49 30 1234567", "12345", "?!", "Очень медленно работает",
    ]
    static let pieces = [
        "the app ", "crashes", "!", "?", " ", "\n", "@", "a@b.co", "+1 415 555 2671", "10.20.30.40",
        "4111 1111 1111 1111",
        "DE89370400440532013000", "ü", "界", "ก", "한", "😀", "http://x.y", "1.2.3", "'", "’", ":", "::1", "<", "ab:cd:",
    ]
}
