import Common
import Engines
import Testing

@Suite struct IntentEngineTests {
    private func intent(_ text: String) throws -> Intent {
        var texts = [AnnotatedText(text: Array(text.utf8))]
        try EnginePipeline.standard().annotate(&texts)
        return texts[0].intent
    }

    @Test(arguments: [
        (Intent.bug, "The app crashes every time I open it after the latest update, please fix this bug"),
        (.feature, "Please add an option to sort my playlists, that feature would be nice to have"),
        (.question, "How do I change my card PIN?"),
        (.praise, "Love this app, it is awesome, thank you!"),
        (.feature, "Ich wünsche mir eine Exportfunktion"), (.bug, "La aplicación no funciona, siempre da error"),
        (.question, "Wo finde ich die Einstellungen?"), (.praise, "J'adore, c'est parfait et très utile, merci !"),
        (.complaint, "质量太差了，非常失望，垃圾"), (.bug, "Приложение не работает, постоянно вылетает"), (.other, ""),
    ])
    func sentencesOfOurOwn(expected: Intent, text: String) throws {
        #expect(try intent(text) == expected)
    }
}
