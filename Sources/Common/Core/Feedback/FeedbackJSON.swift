public import ByteJSON

extension Feedback {
    /// Writes the feedback as `schemas/feedback.v1.schema.json` has it; what is not known is left out.
    public func write(to w: inout JSONWriter) {
        w.beginObject()
        w.member("unique_identifier", id.rawValue)
        w.key("core_attributes")
        w.beginObject()
        w.member("language", language)
        w.key("tenant_info")
        w.beginObject()
        if let account { w.member("account_id", account.rawValue) }
        w.member("workspace_id", workspace.rawValue)
        w.endObject()
        w.key("source_info")
        w.beginObject()
        w.member("source", source.name)
        w.member("instance", source.instance)
        if let connection = source.connection { w.member("connection_id", connection.rawValue) }
        w.member("stream_id", source.stream.rawValue)
        w.member("external_id", source.externalID)
        w.member("how", source.how)
        w.endObject()
        w.member("kind", kind.rawValue)
        w.optional("title", title)
        w.member("text", text)
        w.optional("url", url)
        w.endObject()

        w.key("review_attributes")
        w.beginObject()
        if let rating { w.member("rating", rating) }
        if let ratingScale {
            w.key("rating_scale")
            w.beginArray()
            w.double(ratingScale.minimum)
            w.double(ratingScale.maximum)
            w.endArray()
        }
        w.optional("product_version", productVersion)
        w.optional("platform", platform)
        w.endObject()

        w.key("conversation_attributes")
        w.beginObject()
        w.member("sentiment_type", sentiment.rawValue)
        w.member("sentiment_score", sentimentScore)
        w.member("intent", intent.rawValue)
        w.strings("topics", topics)
        w.optional("thread_id", threadID)
        w.optional("in_reply_to", inReplyTo)
        w.endObject()

        w.key("metadata_attributes")
        w.beginObject()
        w.member("connector", connector)
        w.strings("engines", engines)
        w.member("content_hash", contentHash)
        w.strings("pii", personalData)
        w.strings("labels", labels)
        if !custom.isEmpty {
            w.key("custom")
            JSON.object(custom).write(to: &w)
        }
        w.endObject()

        w.key("user_attributes")
        w.beginObject()
        w.optional("email", author.email)
        w.optional("feedback_platform_user_id", author.id)
        w.optional("name", author.name)
        w.optional("locale", author.locale)
        w.optional("country", author.country)
        w.endObject()

        w.key("context_info")
        w.beginObject()
        w.member("timestamp", timestamp.description)
        w.optional("edited_at", editedAt?.description)
        w.member("collected_at", collectedAt.description)
        w.optional("deleted_at", deletedAt?.description)
        w.member("revision", revision)
        w.key("raw")
        w.beginObject()
        w.member("partition", raw.partition)
        w.member("offset", raw.offset)
        w.member("item", raw.item)
        w.endObject()
        w.endObject()
        w.endObject()
    }

    /// Reads what ``write(to:)`` wrote.
    ///
    /// - Throws: ``FeedbackError`` naming the member that is missing or wrong.
    public init(_ json: JSONValue) throws(FeedbackError) {
        guard let core = json["core_attributes"] else { throw FeedbackError(member: "core_attributes") }
        guard let source = core["source_info"] else { throw FeedbackError(member: "core_attributes.source_info") }
        guard let context = json["context_info"] else { throw FeedbackError(member: "context_info") }
        guard let id = json["unique_identifier"]?.string.flatMap({ FeedbackID($0) }) else {
            throw FeedbackError(member: "unique_identifier")
        }
        guard let workspace = core["tenant_info"]?["workspace_id"]?.string.flatMap({ WorkspaceID($0) }) else {
            throw FeedbackError(member: "core_attributes.tenant_info.workspace_id")
        }
        guard let stream = source["stream_id"]?.string.flatMap({ StreamID($0) }) else {
            throw FeedbackError(member: "core_attributes.source_info.stream_id")
        }
        guard let timestamp = context.timestamp("timestamp"), let collectedAt = context.timestamp("collected_at") else {
            throw FeedbackError(member: "context_info.timestamp")
        }
        guard let rawValue = context["raw"], let partition = rawValue["partition"]?.int64,
            let offset = rawValue["offset"]?.int64, let item = rawValue["item"]?.int64
        else { throw FeedbackError(member: "context_info.raw") }
        guard let metadata = json["metadata_attributes"], let connector = metadata["connector"]?.string,
            let contentHash = metadata["content_hash"]?.string
        else { throw FeedbackError(member: "metadata_attributes") }

        self.init(
            id: id, workspace: workspace,
            source: Source(
                name: source["source"]?.string ?? "", instance: source["instance"]?.string ?? "",
                connection: source["connection_id"]?.string.flatMap { ConnectionID($0) }, stream: stream,
                externalID: source["external_id"]?.string ?? "", how: source["how"]?.string ?? ""),
            text: core["text"]?.string ?? "", connector: connector, contentHash: contentHash, timestamp: timestamp,
            collectedAt: collectedAt, revision: context["revision"]?.int64 ?? timestamp.milliseconds,
            raw: RawReference(partition: Int(partition), offset: offset, item: Int(item)))
        account = core["tenant_info"]?["account_id"]?.string.flatMap { AccountID($0) }
        language = core["language"]?.string ?? "und"
        kind = core["kind"]?.string.flatMap(Kind.init) ?? .other
        title = core["title"]?.string
        url = core["url"]?.string
        if let review = json["review_attributes"] {
            rating = review["rating"]?.double
            if let scale = review["rating_scale"], let low = scale[0]?.double, let high = scale[1]?.double {
                ratingScale = RatingScale(low, high)
            }
            productVersion = review["product_version"]?.string
            platform = review["platform"]?.string
        }
        if let talk = json["conversation_attributes"] {
            sentiment = talk["sentiment_type"]?.string.flatMap(Sentiment.init) ?? .neutral
            sentimentScore = talk["sentiment_score"]?.double ?? 0
            intent = talk["intent"]?.string.flatMap(Intent.init) ?? .other
            topics = talk.strings("topics")
            threadID = talk["thread_id"]?.string
            inReplyTo = talk["in_reply_to"]?.string
        }
        engines = metadata.strings("engines")
        personalData = metadata.strings("pii")
        labels = metadata.strings("labels")
        custom = metadata["custom"].flatMap { JSON($0).object } ?? [:]
        if let user = json["user_attributes"] {
            author = Author(
                id: user["feedback_platform_user_id"]?.string, name: user["name"]?.string,
                email: user["email"]?.string, locale: user["locale"]?.string, country: user["country"]?.string)
        }
        editedAt = context.timestamp("edited_at")
        deletedAt = context.timestamp("deleted_at")
    }
}

/// A feedback record that does not follow the schema.
public struct FeedbackError: Error, Sendable, CustomStringConvertible {
    /// Path of the member that is missing or wrong.
    public let member: String
    public init(member: String) { self.member = member }
    public var description: String { "not feedback by schema v1: \(member) is missing or wrong" }
}

extension JSONWriter {
    mutating func optional(_ name: String, _ value: String?) { if let value { member(name, value) } }
    mutating func strings(_ name: String, _ values: [String]) {
        key(name)
        beginArray()
        for value in values { string(value) }
        endArray()
    }
}

extension JSONValue {
    fileprivate func timestamp(_ name: String) -> Timestamp? { self[name]?.string.flatMap { Timestamp($0) } }
    fileprivate func strings(_ name: String) -> [String] { self[name]?.elements.compactMap(\.string) ?? [] }
}
