import Common
import Engines
import Testing

@Suite struct TopicEngineTests {
    private func topics(_ text: String) -> [String] {
        var texts = [AnnotatedText(text: Array(text.utf8))]
        TopicEngine().annotate(&texts)
        return texts[0].topics
    }

    @Test(arguments: [
        (["crashes"], "It crashes on start"), (["login"], "I forgot my PASSWORD!"),
        (["billing"], "I want a refund"), (["ads"], "too many ads"),
        (["crashes"], "Die App stürzt ständig ab"), (["crashes"], "应用闪退"), (["pricing"], "É muito caro"),
        (["notifications"], "Не приходят уведомления"), (["sync"], "it doesn't sync between phones"),
        (["login", "notifications"], "No notification after login"), ([], "Nice weather today"), ([], ""),
    ])
    func sentencesOfOurOwn(expected: [String], text: String) {
        #expect(topics(text) == expected)
    }

    @Test func aWordIsNotFoundWithinAnother() {
        #expect(topics("add a badge") == [])
        #expect(topics("the flag of Glagow") == [])
        #expect(topics("a laggard's lag") == ["performance"])
    }

    @Test func ofHintsItTakesTwo() {
        #expect(topics("my order") == [])
        #expect(topics("order order order") == [])
        #expect(topics("my order arrived") == ["delivery"])
    }

    @Test func theTaxonomyHasEachTopicOnce() {
        #expect(Set(TopicEngine.taxonomy).count == TopicEngine.taxonomy.count)
        #expect(TopicEngine.taxonomy.count > 20)
    }
}
