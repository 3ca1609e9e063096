import Common

/// What feedback a question is about. Values of one kind are alternatives, kinds must hold together.
struct FeedbackFilter: Sendable, Hashable {
    var sources: [String] = []
    var streams: [String] = []
    var languages: [String] = []
    var sentiments: [Sentiment] = []
    var intents: [String] = []
    var topics: [String] = []
    /// Stars from 1 to 5; 0 is none.
    var ratings: [Int] = []
    var versions: [String] = []
    var platforms: [String] = []
    var countries: [String] = []
    var text: TextSearch?

    /// The word that stands for "none" in answers and questions.
    static let unknown = "unknown"

    /// Whether summaries of days can answer: they are kept by sentiment.
    var isAnsweredBySummaries: Bool {
        var rest = self
        rest.sentiments = []
        return rest == FeedbackFilter()
    }
}

/// Words and "quoted phrases" that must all be in the title or the text; case does not matter.
struct TextSearch: Sendable, Hashable {
    let terms: [String]

    /// Reads a query; nil if it has no terms.
    init?(_ query: String) {
        var terms: [String] = []
        for (index, part) in query.lowercased().split(separator: "\"", omittingEmptySubsequences: false).enumerated() {
            if index % 2 == 1 {
                if let phrase = Self.folded(part) { terms.append(phrase) }
            } else {
                terms += part.split(whereSeparator: \.isWhitespace).map(String.init)
            }
        }
        guard !terms.isEmpty else { return nil }
        self.terms = terms
    }

    func matches(title: String?, text: String) -> Bool {
        guard let whole = Self.folded("\(title ?? "")\n\(text)".lowercased()[...]) else { return false }
        let bytes = Array(whole.utf8)
        return terms.allSatisfy { Self.contains(bytes, Array($0.utf8)) }
    }

    /// White space folded; nil if nothing is left.
    private static func folded(_ text: Substring) -> String? {
        let words = text.split(whereSeparator: \.isWhitespace)
        return words.isEmpty ? nil : words.joined(separator: " ")
    }

    private static func contains(_ text: [UInt8], _ term: [UInt8]) -> Bool {
        guard term.count <= text.count else { return false }
        return text.withUnsafeBufferPointer { text in
            term.withUnsafeBufferPointer { term in
                for start in 0...(text.count - term.count) where text[start] == term[0] {
                    var length = 1
                    while length < term.count, text[start + length] == term[length] { length += 1 }
                    if length == term.count { return true }
                }
                return false
            }
        }
    }
}
