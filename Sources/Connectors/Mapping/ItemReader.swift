import ByteJSON
import Common

/// Reads one item by one shape.
struct ItemReader {
    let shape: CompiledShape
    let headers: RecordHeaders

    /// What becomes of the item that the scope is about.
    func read(_ scope: MappingScope) -> MappingOutcome {
        guard let item = scope.item, item.kind == .object else { return .malformed(reason: "the item is no object") }
        var scope = scope
        let members = shape.table.members(of: item)
        scope.members = members
        if shape.skip?.holds(in: scope) == true { return .filtered(reason: "the connector leaves such items out") }
        var draft = shape.beginning
        for compiled in shape.fields {
            guard let value = compiled.value(in: scope, members) else { continue }
            if let reason = draft.set(compiled.field, to: value) {
                return .malformed(reason: "\(compiled.field.rawValue): \(reason)")
            }
        }
        for (name, expression) in shape.custom {
            guard let value = expression.evaluate(in: scope)?.json else { continue }
            if name != "*" {
                draft.custom[name] = value
            } else if let members = value.object {
                draft.custom.merge(members) { $1 }
            }
        }
        return draft.finish(required: shape.required, arrival: Arrival(headers: headers))
    }
}

/// How and when an event came in; read from its headers only where an item does not tell its own time.
struct Arrival {
    let headers: RecordHeaders

    var isPush: Bool { headers[RawHeader.how] == "push" }
    var time: Timestamp { headers[RawHeader.receivedAt].flatMap { Timestamp($0) } ?? .now }
}

/// An item whose fields are being read.
struct Draft: Sendable {
    var instance = ""
    var externalID = ""
    var kind = Feedback.Kind.other
    var title: String?
    var text: String?
    var format = MappedItem.Format.plain
    var url: String?
    var createdAt: Timestamp?
    var updatedAt: Timestamp?
    var isDeleted = false
    var deletedAt: Timestamp?
    var rating: Double?
    var minimum: Double?
    var maximum: Double?
    var productVersion: String?
    var platform: String?
    var language: String?
    var author = Feedback.Author()
    var threadID: String?
    var inReplyTo: String?
    var labels: [String] = []
    var custom: [String: JSON] = [:]

    /// Sets a field; answers why the value is wrong, if it is.
    ///
    /// A wrong value of a field that says only something besides (the rating's) is kept under `custom`, and no
    /// reason to lose what the customer said.
    mutating func set(_ field: NormalisedField, to value: MappedValue) -> String? {
        switch field {
        case .instance: return Self.assign(&instance, value)
        case .externalID: return Self.assign(&externalID, value)
        case .text:
            guard let string = value.string else { return "not a text" }
            text = string
        case .title: title = nonEmpty(value)
        case .kind:
            kind =
                value.string.flatMap { Feedback.Kind(rawValue: $0) ?? Feedback.Kind(rawValue: $0.lowercased()) }
                ?? .other
        case .format:
            format = value.string.flatMap { MappedItem.Format(rawValue: $0.lowercased()) } ?? .plain
        case .url: url = nonEmpty(value)
        case .createdAt: return Self.assign(&createdAt, value)
        case .updatedAt: return Self.assign(&updatedAt, value)
        case .deleted:
            if value.kind == .boolean || value.double == 0 || value.double == 1 {
                isDeleted = value.isTruthy
            } else if let time = value.timestamp {
                (isDeleted, deletedAt) = (true, time)
            } else {
                isDeleted = value.isTruthy
            }
        case .rating:
            rating = value.double
            if rating == nil, !value.isEmpty { custom[field.rawValue] = value.json }
        case .ratingMinimum: minimum = value.double
        case .ratingMaximum: maximum = value.double
        case .productVersion: productVersion = nonEmpty(value)
        case .platform: platform = nonEmpty(value)
        case .language: language = nonEmpty(value).flatMap(LanguageTag.tag)
        case .authorID: author.id = nonEmpty(value)
        case .authorName: author.name = nonEmpty(value)
        case .authorEmail: author.email = nonEmpty(value)
        case .locale: author.locale = nonEmpty(value)
        case .country: author.country = nonEmpty(value).map { CountryCode.alpha2($0) }
        case .threadID: threadID = nonEmpty(value)
        case .inReplyTo: inReplyTo = nonEmpty(value)
        case .labels: labels = Self.labels(value)
        }
        return nil
    }

    /// The finished item, or why it is none.
    func finish(required: [NormalisedField], arrival: Arrival) -> MappingOutcome {
        for field in required where isMissing(field) { return .malformed(reason: "\(field.rawValue) is missing") }
        guard !externalID.isEmpty else { return .malformed(reason: "external_id is missing") }
        let text = text ?? ""
        if self.text == nil, !isDeleted, rating == nil, title == nil { return .malformed(reason: "text is missing") }
        var item = MappedItem(
            instance: instance, externalID: externalID, createdAt: createdAt ?? updatedAt ?? arrival.time,
            revision: revision(arrival))
        item.kind = kind
        item.title = title
        item.text = text
        item.format = format
        item.url = url
        item.timeIsAssumed = createdAt == nil && updatedAt == nil
        item.updatedAt = updatedAt
        item.deletedAt = isDeleted ? deletedAt ?? arrival.time : nil
        item.rating = rating
        item.ratingScale = scale
        item.productVersion = productVersion
        item.platform = platform
        item.language = language
        item.author = author
        item.threadID = threadID
        item.inReplyTo = inReplyTo
        item.labels = labels
        item.custom = custom
        return .item(item)
    }

    /// The newest time that the provider tells.
    ///
    /// Without any, what is pushed is as new as its arrival; what is read or imported again is no news, so that
    /// reading twice changes nothing.
    private func revision(_ arrival: Arrival) -> Int64 {
        var newest = Int64.min
        for case let time? in [createdAt, updatedAt, deletedAt] { newest = max(newest, time.milliseconds) }
        if newest > .min { return newest }
        return arrival.isPush || isDeleted ? arrival.time.milliseconds : 0
    }

    private var scale: Feedback.RatingScale? {
        guard let rating, let maximum else { return nil }
        let minimum = minimum ?? (maximum <= 7 && maximum > 1 ? min(1, rating) : 0)
        return minimum < maximum && rating >= minimum && rating <= maximum
            ? Feedback.RatingScale(minimum, maximum) : nil
    }

    private func isMissing(_ field: NormalisedField) -> Bool {
        switch field {
        case .instance: instance.isEmpty
        case .externalID: externalID.isEmpty
        case .title: title == nil
        case .text: text == nil && !isDeleted
        case .url: url == nil
        case .createdAt: createdAt == nil && !isDeleted
        case .updatedAt: updatedAt == nil
        case .rating: rating == nil && !isDeleted
        case .authorID: author.id == nil
        case .authorName: author.name == nil
        case .authorEmail: author.email == nil
        case .threadID: threadID == nil
        case .kind, .format, .deleted, .ratingMinimum, .ratingMaximum, .productVersion, .platform, .language, .locale,
            .country, .inReplyTo, .labels:
            false
        }
    }

    private static func assign(_ target: inout String, _ value: MappedValue) -> String? {
        guard let text = value.string else { return "not a text" }
        target = text
        return nil
    }

    private static func assign(_ target: inout Timestamp?, _ value: MappedValue) -> String? {
        if value.isEmpty { return nil }
        guard let time = value.timestamp else { return "not a date or an instant: \(value.json.text)" }
        target = time
        return nil
    }

    private func nonEmpty(_ value: MappedValue) -> String? {
        value.string.flatMap { $0.isEmpty ? nil : $0 }
    }

    /// A list's texts (or the names of its objects), or the parts of a text between commas.
    private static func labels(_ value: MappedValue) -> [String] {
        let names: [String] =
            if value.kind == .array {
                value.elements.compactMap { element in
                    if case .value(let object) = element, object.kind == .object {
                        object["name"]?.string
                    } else {
                        element.string
                    }
                }
            } else {
                value.string?.split(separator: ",").map { String($0).trimmed } ?? []
            }
        return names.filter { !$0.isEmpty }
    }
}
