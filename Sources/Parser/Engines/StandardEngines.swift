extension EnginePipeline {
    /// The built-in engines: language, sentiment, intent, topics, personal data.
    ///
    /// - Throws: An error if the built-in weights do not fit this program.
    public static func standard() throws -> EnginePipeline {
        try EnginePipeline([
            LanguageEngine(), SentimentEngine(), IntentEngine(), TopicEngine(), PersonalDataEngine(),
        ])
    }
}
