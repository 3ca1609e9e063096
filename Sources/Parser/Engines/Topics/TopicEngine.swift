public import Common

/// What a text is about, out of a fixed taxonomy of product feedback, by word lists in the main European languages
/// and a few words of Chinese, Japanese and Korean.
public struct TopicEngine: Engine {
    public let name = "topics-phrases"
    public let version = 1
    public let requires: Set<AnnotationKind> = []
    public let produces = AnnotationKind.topics

    /// All topics there are, in the order in which a text's topics are listed.
    public static var taxonomy: [String] { TopicPhrases.all.map(\.topic) }

    private static let topics = taxonomy
    private static let matcher = PhraseMatcher(TopicPhrases.all.map(\.phrases))

    public init() { _ = Self.matcher }

    public func annotate(_ texts: inout [AnnotatedText]) {
        withUnsafeTemporaryAllocation(of: UInt8.self, capacity: FoldedText.limit) { folded in
            var tally = PhraseTally()
            for index in texts.indices {
                let count = texts[index].text.withUnsafeBufferPointer { FoldedText.fold($0, into: folded) }
                tally.reset()
                Self.matcher.forEachVote(in: UnsafeBufferPointer(rebasing: folded[..<count])) { tally.add($0) }
                texts[index].topics = tally.isEmpty ? [] : Self.topics.indices.filter(tally.has).map { Self.topics[$0] }
            }
        }
    }
}

/// Votes for up to 64 subjects: a phrase is enough, of hints it takes two that differ.
struct PhraseTally {
    private var decided: UInt64 = 0
    private var hinted: UInt64 = 0
    private var hints: InlineArray<64, UInt16> = .init(repeating: 0)

    var isEmpty: Bool { decided == 0 }

    mutating func reset() {
        decided = 0
        hinted = 0
    }

    func has(_ subject: Int) -> Bool { decided & 1 << UInt64(subject) != 0 }

    @inline(__always)
    mutating func add(_ vote: PhraseMatcher.Vote) {
        let bit: UInt64 = 1 << UInt64(vote.subject & 63)
        if vote.weight >= PhraseMatcher.needed {
            decided |= bit
        } else if hinted & bit == 0 {
            hinted |= bit
            hints[Int(vote.subject & 63)] = vote.phrase
        } else if hints[Int(vote.subject & 63)] != vote.phrase {
            decided |= bit
        }
    }
}
