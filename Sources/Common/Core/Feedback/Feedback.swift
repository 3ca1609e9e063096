public import ByteJSON

/// One piece of feedback in the uniform schema, `schemas/feedback.v1.schema.json`.
public struct Feedback: Sendable, Hashable {
    /// What was said in what form.
    public enum Kind: String, Sendable, Codable, CaseIterable {
        case post, comment, issue, review, survey, conversation, message, other
    }

    // core_attributes
    public var id: FeedbackID
    public var workspace: WorkspaceID
    public var account: AccountID?
    /// BCP 47 primary subtag, `und` where it could not be told.
    public var language: String = "und"
    public var source: Source
    public var kind: Kind = .other
    public var title: String?
    /// Clean text: no markup, no quotation of others, code blocks left out.
    public var text: String
    public var url: String?

    // review_attributes
    public var rating: Double?
    public var ratingScale: RatingScale?
    public var productVersion: String?
    public var platform: String?

    // conversation_attributes
    public var sentiment: Sentiment = .neutral
    /// −10 to 10; its sign agrees with ``sentiment``.
    public var sentimentScore: Double = 0
    public var intent: Intent = .other
    public var topics: [String] = []
    public var threadID: String?
    public var inReplyTo: String?

    // metadata_attributes
    /// `name@version`.
    public var connector: String
    /// `name@version` of every engine that annotated it.
    public var engines: [String] = []
    /// 16 bytes of SHA-256 over what an edit can change, in lower-case hexadecimal digits.
    public var contentHash: String
    /// Kinds of personal data found: `email`, `phone`, …
    public var personalData: [String] = []
    public var labels: [String] = []
    /// What the mapping kept besides.
    public var custom: [String: JSON] = [:]

    // user_attributes
    public var author = Author()

    // context_info
    /// When the customer said it.
    public var timestamp: Timestamp
    public var editedAt: Timestamp?
    public var collectedAt: Timestamp
    /// Set if the provider says that the item is gone.
    public var deletedAt: Timestamp?
    /// Which revision this is, in milliseconds since 1970: the provider's time of change, else of creation.
    public var revision: Int64
    /// The raw event that it was read from.
    public var raw: RawReference

    /// Where it was said.
    public struct Source: Sendable, Hashable {
        /// The connector's name: `discourse`.
        public var name: String
        /// Which installation or account of the provider.
        public var instance: String
        public var connection: ConnectionID?
        public var stream: StreamID
        /// The provider's own id.
        public var externalID: String
        /// `pull`, `push` or `import`.
        public var how: String

        public init(
            name: String, instance: String, connection: ConnectionID?, stream: StreamID, externalID: String, how: String
        ) {
            self.name = name
            self.instance = instance
            self.connection = connection
            self.stream = stream
            self.externalID = externalID
            self.how = how
        }
    }

    public struct RatingScale: Sendable, Hashable {
        public var minimum: Double
        public var maximum: Double
        public init(_ minimum: Double, _ maximum: Double) {
            self.minimum = minimum
            self.maximum = maximum
        }
    }

    public struct Author: Sendable, Hashable {
        /// The provider's own id of the person.
        public var id: String?
        public var name: String?
        public var email: String?
        public var locale: String?
        /// ISO 3166-1 alpha-2, lower case.
        public var country: String?
        public init(
            id: String? = nil, name: String? = nil, email: String? = nil, locale: String? = nil, country: String? = nil
        ) {
            self.id = id
            self.name = name
            self.email = email
            self.locale = locale
            self.country = country
        }
    }

    /// Position of a raw event, and which of its items this is.
    ///
    /// Items of one raw partition reach a feedback partition in ascending order, so the highest one seen tells
    /// what a restarted parser sent twice.
    public struct RawReference: Sendable, Hashable, Comparable {
        public var partition: Int
        public var offset: Int64
        public var item: Int
        public init(partition: Int, offset: Int64, item: Int) {
            self.partition = partition
            self.offset = offset
            self.item = item
        }
        public static func < (left: RawReference, right: RawReference) -> Bool {
            (left.partition, left.offset, left.item) < (right.partition, right.offset, right.item)
        }
    }

    public init(
        id: FeedbackID, workspace: WorkspaceID, source: Source, text: String, connector: String, contentHash: String,
        timestamp: Timestamp, collectedAt: Timestamp, revision: Int64, raw: RawReference
    ) {
        self.id = id
        self.workspace = workspace
        self.source = source
        self.text = text
        self.connector = connector
        self.contentHash = contentHash
        self.timestamp = timestamp
        self.collectedAt = collectedAt
        self.revision = revision
        self.raw = raw
    }
}

/// How it was meant.
public enum Sentiment: String, Sendable, Codable, CaseIterable {
    case negative, neutral, positive
}

/// What the customer wants.
public enum Intent: String, Sendable, Codable, CaseIterable {
    case bug, feature, question, praise, complaint, other
}
