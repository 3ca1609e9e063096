import ByteJSON
import Common
import TestKit
import Testing

@Suite("Feedback as JSON")
struct FeedbackJSONTests {
    @Test("comes back as it was, whatever is known of it", arguments: 0..<200 as Range<UInt64>)
    func roundTrip(seed: UInt64) throws {
        let feedback = Self.feedback(seed: seed)
        #expect(try Feedback(try JSONDocument(parsing: Self.written(feedback)).root) == feedback)
    }

    @Test("is in the six groups of the schema, and says nothing that is not known")
    func groups() throws {
        var feedback = Self.feedback(seed: 1)
        feedback.title = nil
        feedback.rating = nil
        feedback.deletedAt = nil
        let root = try JSONDocument(parsing: Self.written(feedback)).root
        #expect(
            root.members.map(\.name) == [
                "unique_identifier", "core_attributes", "review_attributes", "conversation_attributes",
                "metadata_attributes", "user_attributes", "context_info",
            ])
        #expect(root["core_attributes"]?["title"] == nil)
        #expect(root["review_attributes"]?["rating"] == nil)
        #expect(root["context_info"]?["deleted_at"] == nil)
    }

    @Test(
        "names the member that is missing",
        arguments: [
            ("unique_identifier", "unique_identifier"), ("core_attributes", "core_attributes"),
            ("context_info", "context_info"), ("metadata_attributes", "metadata_attributes"),
        ])
    func missing(member: String, named: String) throws {
        guard case .object(var members) = JSON(try JSONDocument(parsing: Self.written(Self.feedback(seed: 2))).root)
        else {
            return
        }
        members[member] = nil
        let root = try JSONDocument(parsing: JSON.object(members).bytes).root
        #expect {
            _ = try Feedback(root)
        } throws: {
            ($0 as? FeedbackError)?.member == named
        }
    }

    private static func written(_ feedback: Feedback) -> [UInt8] {
        var writer = JSONWriter()
        feedback.write(to: &writer)
        return writer.bytes
    }

    /// Feedback in which each optional part is there or not, by chance.
    private static func feedback(seed: UInt64) -> Feedback {
        var random = RandomSource(seed: seed)
        func maybe<Value>(_ value: Value) -> Value? { Bool.random(using: &random) ? value : nil }
        let time = Timestamp(milliseconds: .random(in: 0...2_000_000_000_000, using: &random))
        var feedback = Feedback(
            id: .make(), workspace: .make(),
            source: .init(
                name: "discourse", instance: "forum.example.org", connection: maybe(.make()), stream: .make(),
                externalID: "post/\(seed)", how: "pull"),
            text: ["", "short", "two\nlines \"quoted\"", "日本語 😀"].randomElement(using: &random) ?? "",
            connector: "discourse@1", contentHash: "00112233445566778899aabbccddeeff", timestamp: time,
            collectedAt: time.advanced(bySeconds: 60), revision: time.milliseconds,
            raw: .init(partition: 3, offset: .random(in: 0...Int64.max, using: &random), item: 2))
        feedback.account = maybe(.make())
        feedback.language = maybe("de") ?? "und"
        feedback.kind = Feedback.Kind.allCases.randomElement(using: &random) ?? .other
        feedback.title = maybe("A title with \\ and \u{1}")
        feedback.url = maybe("https://forum.example.org/t/1")
        feedback.rating = maybe(3.5)
        feedback.ratingScale = maybe(.init(1, 5))
        feedback.productVersion = maybe("1.2.3")
        feedback.platform = maybe("ios")
        feedback.sentiment = Sentiment.allCases.randomElement(using: &random) ?? .neutral
        feedback.sentimentScore = .random(in: -10...10, using: &random)
        feedback.intent = Intent.allCases.randomElement(using: &random) ?? .other
        feedback.topics = maybe(["login", "price"]) ?? []
        feedback.threadID = maybe("t1")
        feedback.inReplyTo = maybe("p1")
        feedback.engines = maybe(["language@1", "sentiment@2"]) ?? []
        feedback.personalData = maybe(["email"]) ?? []
        feedback.labels = maybe(["beta"]) ?? []
        feedback.custom = maybe(["plan": "pro", "seats": 5, "tags": ["a", .null, 1.5]]) ?? [:]
        feedback.author = .init(
            id: maybe("u1"), name: maybe("Zoë"), email: maybe("zoe@example.org"), locale: maybe("de-AT"),
            country: maybe("at"))
        feedback.editedAt = maybe(time.advanced(bySeconds: 5))
        feedback.deletedAt = maybe(time.advanced(bySeconds: 9))
        return feedback
    }
}
