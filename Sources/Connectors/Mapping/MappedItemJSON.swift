public import ByteJSON
import Common

extension MappedItem {
    /// The item by the names of ``NormalisedField``; what it does not have is left out.
    public var json: JSON {
        var members: [String: JSON] = [
            "instance": .string(instance), "external_id": .string(externalID), "kind": .string(kind.rawValue),
            "text": .string(text), "format": .string(format.rawValue), "revision": .integer(revision),
        ]
        members["created_at"] = timeIsAssumed ? nil : .string(createdAt.description)
        members["updated_at"] = updatedAt.map { .string($0.description) }
        members["deleted_at"] = deletedAt.map { .string($0.description) }
        members["rating"] = rating.map(JSON.double)
        members["rating_scale"] = ratingScale.map { .array([.double($0.minimum), .double($0.maximum)]) }
        let texts: [(String, String?)] = [
            ("title", title), ("url", url), ("product_version", productVersion), ("platform", platform),
            ("language", language), ("author_id", author.id), ("author_name", author.name),
            ("author_email", author.email), ("locale", author.locale), ("country", author.country),
            ("thread_id", threadID), ("in_reply_to", inReplyTo),
        ]
        for (name, text) in texts { members[name] = text.map(JSON.string) }
        if !labels.isEmpty { members["labels"] = .array(labels.map(JSON.string)) }
        if !custom.isEmpty { members["custom"] = .object(custom) }
        return .object(members)
    }
}

extension MappingOutcome {
    /// `{"item": …}`, `{"filtered": reason}` or `{"malformed": reason}`.
    public var json: JSON {
        switch self {
        case .item(let item): .object(["item": item.json])
        case .filtered(let reason): .object(["filtered": .string(reason)])
        case .malformed(let reason): .object(["malformed": .string(reason)])
        }
    }
}
