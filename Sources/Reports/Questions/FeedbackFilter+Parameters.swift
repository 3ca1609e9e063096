import Common
import ServiceKit

extension FeedbackFilter {
    static let parameterNames = [
        "source", "stream", "language", "sentiment", "intent", "topic", "rating", "product_version", "platform",
        "country", "q",
    ]

    /// Reads the filters among the parameters.
    init(_ parameters: Parameters) throws {
        sources = parameters.list("source")
        streams = parameters.list("stream")
        for stream in streams where StreamID(stream) == nil {
            throw Problem.badParameter("stream", "is no stream's id: \(stream); ids look like st_…")
        }
        languages = parameters.list("language").map { $0.lowercased() }
        sentiments = try Self.choices("sentiment", parameters, of: Sentiment.allCases)
        intents = try Self.choices("intent", parameters, of: Intent.allCases).map(\.rawValue)
        topics = parameters.list("topic")
        ratings = try parameters.list("rating").map { text in
            if text == Self.unknown { return 0 }
            guard let stars = Int(text), (1...5).contains(stars) else {
                throw Problem.badParameter("rating", "is \(text); send 1 to 5, or `\(Self.unknown)`")
            }
            return stars
        }
        versions = parameters.list("product_version")
        platforms = parameters.list("platform")
        countries = parameters.list("country").map { $0.lowercased() }
        text = try parameters.one("q").flatMap { TextSearch($0) }
    }

    private static func choices<Value: RawRepresentable<String>>(
        _ name: String, _ parameters: Parameters, of all: [Value]
    ) throws -> [Value] {
        try parameters.list(name).map { text in
            guard let value = Value(rawValue: text.lowercased()) else {
                let hint = Suggestion.hint(for: text, among: all.map(\.rawValue))
                throw Problem.badParameter(name, "is \(text); \(hint)")
            }
            return value
        }
    }
}
