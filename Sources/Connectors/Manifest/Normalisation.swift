/// How payloads become the uniform schema. The first shape whose condition is true maps the event.
public struct Normalisation: Sendable {
    public var shapes: [Shape]

    public init(shapes: [Shape]) { self.shapes = shapes }

    public struct Shape: Sendable {
        public var name: String
        /// Sees the payload's root, `headers.` (kept ones and `how`, `source`); nil is always true.
        public var when: Condition?
        /// Path of the items in the payload; empty is the payload itself; an array is split.
        public var items: String
        /// Items for which this is true are filtered: counted, not stored.
        public var skip: Condition?
        /// Fields without which an item is malformed; the external id and the text are in any case.
        public var required: [NormalisedField]
        /// Fields of ``NormalisedField`` by expressions. An expression sees the item, and `root.`, `headers.`,
        /// `entity.`, `config.` (no secrets), `stream.`.
        public var fields: [(field: NormalisedField, value: Expression)]
        /// Kept under `custom`; the name `*` keeps each member of an object.
        public var custom: [(name: String, value: Expression)]

        public init(
            name: String, when: Condition? = nil, items: String = "", skip: Condition? = nil,
            fields: [(field: NormalisedField, value: Expression)], custom: [(name: String, value: Expression)] = [],
            required: [NormalisedField] = []
        ) {
            self.name = name
            self.when = when
            self.items = items
            self.skip = skip
            self.fields = fields
            self.custom = custom
            self.required = required
        }
    }
}

/// What a mapping can set.
public enum NormalisedField: String, Sendable, CaseIterable {
    case instance
    case externalID = "external_id"
    case kind, title, text
    /// `plain`, `html`, `markdown` or `bbcode`.
    case format
    case url
    case createdAt = "created_at"
    case updatedAt = "updated_at"
    /// True, or the time of the deletion.
    case deleted
    case rating
    case ratingMinimum = "rating_minimum"
    case ratingMaximum = "rating_maximum"
    case productVersion = "product_version"
    case platform, language
    case authorID = "author_id"
    case authorName = "author_name"
    case authorEmail = "author_email"
    case locale, country
    case threadID = "thread_id"
    case inReplyTo = "in_reply_to"
    case labels
}
