public import Common

/// Negative, neutral or positive, by a linear model over words, pairs of words and runs of letters.
///
/// A rating is a second witness: it shifts the scores, so that five stars make a bare "ok" positive, while clear words
/// still win against a middling rating.
public struct SentimentEngine: Engine {
    public let name = "sentiment-linear"
    public let version = 1
    public let requires: Set<AnnotationKind> = []
    public let produces = AnnotationKind.sentiment

    private let model: LinearModel

    /// How far the best or worst rating shifts the scores.
    private static let ratingWeight: Float = 2.5

    /// - Throws: An error if the built-in weights do not fit this program.
    public init() throws { model = try LinearModel(.sentiment, kind: "words") }

    public func annotate(_ texts: inout [AnnotatedText]) {
        ScoringSpace.with(model) { space in
            for index in texts.indices { annotate(&texts[index], space) }
        }
    }

    private func annotate(_ text: inout AnnotatedText, _ space: ScoringSpace) {
        let count = space.score(words: text.text, model)
        // The lanes: neutral, negative, positive
        if count == 0 {
            // Without a word the bias says nothing about this text
            space.scores[0] = 1
            space.scores[1] = 0
            space.scores[2] = 0
        }
        if let rating = text.rating, rating.isFinite {
            let shift = Float(min(1, max(0, rating)) * 2 - 1) * Self.ratingWeight
            space.scores[1] -= shift
            space.scores[2] += shift
        }
        space.softmax()
        let (neutral, negative, positive) = (space.scores[0], space.scores[1], space.scores[2])
        // Tenths, at least one: the sign must agree
        let score = max(0.1, (Double(abs(positive - negative)) * 100).rounded() / 10)
        if positive > neutral, positive > negative {
            text.sentiment = .positive
            text.sentimentScore = score
            text.sentimentConfidence = positive
        } else if negative > neutral, negative > positive {
            text.sentiment = .negative
            text.sentimentScore = -score
            text.sentimentConfidence = negative
        } else {
            text.sentiment = .neutral
            text.sentimentScore = 0
            text.sentimentConfidence = neutral
        }
    }
}
