import ByteJSON
import Common
import Crypto

/// Makes feedback for tests; what a test does not name has a plain value.
struct Item: Hashable, Sendable {
    var id = "1"
    var workspace = "ws_a"
    var stream = "st_forum"
    var source = "discourse"
    var text = "The export button does nothing when I press it."
    var title: String?
    var at: Int64 = 1_609_459_200_000
    var revision: Int64 = 1
    var isDeleted = false
    var hash = ""
    var language = "en"
    var sentiment = Sentiment.neutral
    var score = 0.0
    var intent = Intent.other
    var topics: [String] = []
    var rating: Double?
    var scale: Feedback.RatingScale?
    var version: String?
    var platform: String?
    var country: String?
    var author: String?
    var email: String?
    var name: String?
    var personalData: [String] = []
    var engines: [String] = []

    /// The feedback, as if it had come from this raw event.
    func feedback(raw: Feedback.RawReference) -> Feedback {
        let workspaceID = WorkspaceID(workspace)!
        var feedback = Feedback(
            id: FeedbackID.derive(
                workspace: workspaceID, connector: source, instance: "forum.example.org", externalID: id),
            workspace: workspaceID,
            source: .init(
                name: source, instance: "forum.example.org", connection: nil, stream: StreamID(stream)!, externalID: id,
                how: "pull"),
            text: text, connector: "\(source)@1",
            contentHash: Digest128.named(hash.isEmpty ? "h\(revision)" : hash).hexadecimal,
            timestamp: Timestamp(milliseconds: at), collectedAt: Timestamp(milliseconds: at + 60_000),
            revision: revision, raw: raw)
        feedback.title = title
        feedback.language = language
        feedback.sentiment = sentiment
        feedback.sentimentScore = score
        feedback.intent = intent
        feedback.topics = topics
        feedback.rating = rating
        feedback.ratingScale = scale
        feedback.productVersion = version
        feedback.platform = platform
        feedback.author = .init(id: author, name: name, email: email, country: country)
        feedback.personalData = personalData
        feedback.engines = engines
        feedback.deletedAt = isDeleted ? Timestamp(milliseconds: revision) : nil
        return feedback
    }

    var feedbackID: String { feedback(raw: .init(partition: 0, offset: 0, item: 0)).id.rawValue }
}

extension Digest128 {
    /// A digest that stands for a name.
    static func named(_ name: String) -> Digest128 { Digest128(SHA256.hash(data: Array(name.utf8))) }
    static func numbered(_ number: some BinaryInteger) -> Digest128 { Digest128(high: 0, low: UInt64(number)) }
}

/// A random number generator that gives the same numbers for the same seed (SplitMix64).
struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64
    init(seed: Int) { state = UInt64(bitPattern: Int64(seed)) }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}
