import Common
import Engines
import Testing

@Suite struct SentimentEngineTests {
    private func annotate(_ text: String, rating: Double? = nil) throws -> AnnotatedText {
        var texts = [AnnotatedText(text: Array(text.utf8), rating: rating)]
        try SentimentEngine().annotate(&texts)
        return texts[0]
    }

    @Test(arguments: [
        "I love this app, it is fantastic and works perfectly!", "Great product, highly recommend it.",
        "Super App, bin sehr zufrieden und kann sie nur empfehlen!", "J'adore, c'est parfait et très utile, merci !",
        "非常好，很满意，推荐购买", "Sangat bagus dan membantu, terima kasih", "Me encanta, es genial 😍",
    ])
    func praiseIsPositive(text: String) throws {
        let annotated = try annotate(text)
        #expect(annotated.sentiment == .positive)
        #expect(annotated.sentimentScore > 2)
    }

    @Test(arguments: [
        "Terrible app, it crashes constantly and lost all my data. Waste of money!",
        "Worst customer service ever, very disappointed.",
        "This update is awful. I hate it.", "Nul, ça ne marche pas du tout, très déçu.", "质量太差了，非常失望，垃圾",
        "Aplikasi jelek, mengecewakan, sering error", "Furchtbar schlecht, funktioniert nicht, totale Enttäuschung",
    ])
    func complaintsAreNegative(text: String) throws {
        let annotated = try annotate(text)
        #expect(annotated.sentiment == .negative)
        #expect(annotated.sentimentScore < -2)
    }

    @Test func negationTurnsAWord() throws {
        #expect(try annotate("This is not good at all").sentiment == .negative)
        #expect(try annotate("This is very good").sentiment == .positive)
    }

    @Test func aRatingIsASecondWitness() throws {
        #expect(try annotate("ok", rating: 1).sentiment == .positive)
        #expect(try annotate("ok", rating: 0).sentiment == .negative)
        #expect(try annotate("", rating: 1).sentiment == .positive)
        #expect(try annotate("").sentiment == .neutral)
        let middling = "Terrible app, it crashes constantly and lost all my data. Waste of money!"
        #expect(try annotate(middling, rating: 0.5).sentiment == .negative)
    }

    @Test func abetterRatingNeverLowersTheScore() throws {
        for text in Samples.texts {
            var last = -11.0
            for step in 0...10 {
                let score = try annotate(text, rating: Double(step) / 10).sentimentScore
                #expect(score >= last)
                last = score
            }
        }
    }
}
