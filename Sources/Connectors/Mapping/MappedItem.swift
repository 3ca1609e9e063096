public import ByteJSON
public import Common

/// One item of a payload in the words of the uniform schema, before its text is cleaned and annotated.
public struct MappedItem: Sendable, Hashable {
    /// How the text is marked up.
    public enum Format: String, Sendable, CaseIterable { case plain, html, markdown, bbcode }

    /// Which installation or account of the provider it is from.
    public var instance: String
    public var externalID: String
    public var kind: Feedback.Kind = .other
    public var title: String?
    /// As the provider has it; empty where there is only a title or a rating, or where the item is gone.
    public var text: String {
        get { String(decoding: textBytes, as: UTF8.self) }
        set { textBytes = Array(newValue.utf8) }
    }
    /// ``text`` as UTF-8.
    public var textBytes: [UInt8] = []
    public var format: Format = .plain
    public var url: String?
    /// When it was said; when it was taken in, if the provider does not tell.
    public var createdAt: Timestamp
    /// Whether ``createdAt`` is only when it was taken in.
    public var timeIsAssumed = false
    public var updatedAt: Timestamp?
    /// Set if the item is gone: when that happened, or when it was told.
    public var deletedAt: Timestamp?
    public var rating: Double?
    public var ratingScale: Feedback.RatingScale?
    public var productVersion: String?
    public var platform: String?
    /// What the provider says about the language, as a BCP 47 tag in lower case.
    public var language: String?
    public var author = Feedback.Author()
    public var threadID: String?
    public var inReplyTo: String?
    public var labels: [String] = []
    public var custom: [String: JSON] = [:]
    /// In milliseconds since 1970: of two states of one item the one with the greater revision is the newer.
    public var revision: Int64

    public init(instance: String, externalID: String, createdAt: Timestamp, revision: Int64) {
        self.instance = instance
        self.externalID = externalID
        self.createdAt = createdAt
        self.revision = revision
    }
}

/// What became of one item of a payload.
public enum MappingOutcome: Sendable, Hashable {
    /// Indirect, as an item has so many texts that moving it about costs as much as reading it.
    indirect case item(MappedItem)
    /// Not feedback by the connector's own rule, or nothing in it: counted, not stored.
    case filtered(reason: String)
    /// Not as the connector knows the provider's items: a dead letter.
    case malformed(reason: String)
}
