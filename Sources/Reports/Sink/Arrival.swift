import ByteJSON
import Common
import Crypto

/// Feedback that has arrived: what the tables need of it, and its JSON as it came.
///
/// A class, because it goes through several hands and is never changed.
final class Arrival: Sendable {
    let id: Digest128
    let workspace: WorkspaceID
    /// Its JSON as it came.
    let document: [UInt8]
    let revision: Revision
    /// The raw event that it was read from.
    let raw: Feedback.RawReference
    /// In milliseconds since 1970.
    let timestamp: Int64
    /// The word for its source and stream.
    let origin: String
    let language: String
    let sentiment: Sentiment
    /// Thousandths of the score.
    let score: Int64
    let intent: Intent
    let topics: [String]
    /// Thousandths of the rating on a scale from 1 to 5; 0 if there is none or its scale is not known.
    let rating: Int64
    let version: String?
    let platform: String?
    let country: String?
    /// The number of the person; 0 is nobody known.
    let author: Int64
    let mergeKey: Digest128?
    /// Whether nothing is said: no words, no title, no rating, and no deletion either.
    let saysNothing: Bool

    /// Reads the members that are counted.
    ///
    /// - Throws: ``FeedbackError`` naming the member that is missing or wrong.
    init(_ json: JSONValue, document: [UInt8], raw: Feedback.RawReference) throws(FeedbackError) {
        guard let core = json["core_attributes"] else { throw FeedbackError(member: "core_attributes") }
        guard let source = core["source_info"] else { throw FeedbackError(member: "core_attributes.source_info") }
        guard let context = json["context_info"] else { throw FeedbackError(member: "context_info") }
        guard let id = json["unique_identifier"]?.string.flatMap({ FeedbackID($0)?.digest }) else {
            throw FeedbackError(member: "unique_identifier")
        }
        guard let workspace = core["tenant_info"]?["workspace_id"]?.string.flatMap({ WorkspaceID($0) }) else {
            throw FeedbackError(member: "core_attributes.tenant_info.workspace_id")
        }
        guard let stream = source["stream_id"]?.string.flatMap({ StreamID($0) }) else {
            throw FeedbackError(member: "core_attributes.source_info.stream_id")
        }
        guard let timestamp = context["timestamp"]?.string.flatMap({ Timestamp($0) }) else {
            throw FeedbackError(member: "context_info.timestamp")
        }
        guard let metadata = json["metadata_attributes"], metadata["connector"]?.kind == .string,
            let hash = metadata["content_hash"]?.string
        else { throw FeedbackError(member: "metadata_attributes") }
        let name = source["source"]?.string ?? ""

        self.id = id
        self.workspace = workspace
        self.document = document
        self.raw = raw
        self.timestamp = timestamp.milliseconds
        revision = Revision(
            number: context["revision"]?.int64 ?? timestamp.milliseconds,
            isDeletion: context["deleted_at"]?.string != nil,
            hash: Digest128(hexadecimal: hash) ?? Digest128(SHA256.hash(data: Array(hash.utf8))))
        origin = Origin(source: name, stream: stream.rawValue).word.text
        language = core["language"]?.string ?? "und"

        let talk = json["conversation_attributes"]
        sentiment = talk?["sentiment_type"]?.string.flatMap(Sentiment.init) ?? .neutral
        score = Int64((max(-10, min(10, talk?["sentiment_score"]?.double ?? 0)) * 1000).rounded())
        intent = talk?["intent"]?.string.flatMap(Intent.init) ?? .other
        topics = talk?["topics"]?.elements.compactMap(\.string) ?? []

        let review = json["review_attributes"]
        rating = review.map(Self.rating) ?? 0
        version = review?["product_version"]?.string
        platform = review?["platform"]?.string

        let user = json["user_attributes"]
        country = user?["country"]?.string?.lowercased()
        let person = Person(
            Feedback.Author(
                id: user?["feedback_platform_user_id"]?.string, name: user?["name"]?.string,
                email: user?["email"]?.string),
            source: name, instance: source["instance"]?.string ?? "")
        author = person.number
        let text = core["text"]?.string ?? ""
        mergeKey = MergeKey.make(workspace: workspace, text: text, person: person)
        saysNothing =
            text.isEmpty && core["title"]?.string?.isEmpty ?? true && review?["rating"]?.double == nil
            && !revision.isDeletion
    }

    private static func rating(in review: JSONValue) -> Int64 {
        guard let rating = review["rating"]?.double else { return 0 }
        var minimum = 1.0
        var maximum = 5.0
        if let scale = review["rating_scale"], let low = scale[0]?.double, let high = scale[1]?.double {
            (minimum, maximum) = (low, high)
        }
        guard maximum > minimum, (minimum...maximum).contains(rating) else { return 0 }
        return Int64((1000 + 4000 * (rating - minimum) / (maximum - minimum)).rounded())
    }

    /// All of it; nil cannot be, because it was read before.
    var feedback: Feedback? { try? Feedback(JSONDocument(parsing: document).root) }
}
