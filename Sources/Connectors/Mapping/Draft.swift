import ByteJSON
import Common

/// What is known of an item, besides its fields, while they are being read.
///
/// Apart from the item, so that the item is moved and never copied.
struct Draft: Sendable {
    private var hasText = false
    private var createdAt: Timestamp?
    private var isDeleted = false
    private var minimum: Double?
    private var maximum: Double?

    /// Sets a field; answers why the value is wrong, if it is.
    ///
    /// A wrong value of a field that says only something besides (the rating's) is kept under `custom`, and no
    /// reason to lose what the customer said.
    mutating func set(_ field: NormalisedField, of item: inout MappedItem, to term: Term) -> String? {
        switch field {
        case .instance: return Self.assign(&item.instance, term)
        case .externalID: return Self.assign(&item.externalID, term)
        case .text:
            guard let text = term.utf8 else { return "not a text" }
            item.textBytes = text
            hasText = true
        case .title: item.title = nonEmpty(term)
        case .kind:
            item.kind = (term.withText { Words.kinds[$0] } ?? nil) ?? .other
        case .format:
            item.format = (term.withText { Words.formats[$0] } ?? nil) ?? .plain
        case .url: item.url = nonEmpty(term)
        case .createdAt: return Self.assign(&createdAt, term)
        case .updatedAt: return Self.assign(&item.updatedAt, term)
        case .deleted: setDeleted(term, of: &item)
        case .rating:
            item.rating = term.double
            if item.rating == nil, !term.isEmpty { item.custom[field.rawValue] = term.json }
        case .ratingMinimum: minimum = term.double
        case .ratingMaximum: maximum = term.double
        case .productVersion: item.productVersion = nonEmpty(term)
        case .platform: item.platform = nonEmpty(term)
        case .language: item.language = nonEmpty(term).flatMap(LanguageTag.tag)
        case .authorID: item.author.id = nonEmpty(term)
        case .authorName: item.author.name = nonEmpty(term)
        case .authorEmail: item.author.email = nonEmpty(term)
        case .locale: item.author.locale = nonEmpty(term)
        case .country: item.author.country = nonEmpty(term).map { CountryCode.alpha2($0) }
        case .threadID: item.threadID = nonEmpty(term)
        case .inReplyTo: item.inReplyTo = nonEmpty(term)
        case .labels: item.labels = Self.labels(term)
        }
        return nil
    }

    /// True, or the time of the deletion.
    private mutating func setDeleted(_ term: Term, of item: inout MappedItem) {
        let isFlag = term.kind == .boolean || term.kind == .number && (term.double == 0 || term.double == 1)
        if !isFlag, let time = term.timestamp {
            (isDeleted, item.deletedAt) = (true, time)
        } else {
            isDeleted = term.isTruthy
        }
    }

    /// Finishes the item; answers what becomes of it, if it is none.
    func finish(
        _ item: inout MappedItem, required: [NormalisedField], arrival: @autoclosure () -> Arrival
    ) -> MappingOutcome? {
        for field in required where isMissing(field, in: item) {
            return .malformed(reason: "\(field.rawValue) is missing")
        }
        guard !item.externalID.isEmpty else { return .malformed(reason: "external_id is missing") }
        if !hasText, !isDeleted, item.rating == nil, item.title == nil {
            return .malformed(reason: "text is missing")
        }
        item.revision = revision(of: item, arrival())
        item.timeIsAssumed = createdAt == nil && item.updatedAt == nil
        item.createdAt = createdAt ?? item.updatedAt ?? arrival().time
        item.deletedAt = isDeleted ? item.deletedAt ?? arrival().time : nil
        item.ratingScale = scale(of: item)
        return nil
    }

    /// The newest time that the provider tells.
    ///
    /// Without any, what is pushed is as new as its arrival; what is read or imported again is no news, so that
    /// reading twice changes nothing.
    private func revision(of item: borrowing MappedItem, _ arrival: @autoclosure () -> Arrival) -> Int64 {
        var newest = Int64.min
        if let createdAt { newest = createdAt.milliseconds }
        if let updatedAt = item.updatedAt { newest = max(newest, updatedAt.milliseconds) }
        if let deletedAt = item.deletedAt { newest = max(newest, deletedAt.milliseconds) }
        if newest > .min { return newest }
        let arrival = arrival()
        return arrival.isPush || isDeleted ? arrival.time.milliseconds : 0
    }

    private func scale(of item: borrowing MappedItem) -> Feedback.RatingScale? {
        guard let rating = item.rating, let maximum else { return nil }
        let minimum = minimum ?? (maximum <= 7 && maximum > 1 ? min(1, rating) : 0)
        return minimum < maximum && rating >= minimum && rating <= maximum
            ? Feedback.RatingScale(minimum, maximum) : nil
    }

    private func isMissing(_ field: NormalisedField, in item: borrowing MappedItem) -> Bool {
        switch field {
        case .instance: item.instance.isEmpty
        case .externalID: item.externalID.isEmpty
        case .title: item.title == nil
        case .text: !hasText && !isDeleted
        case .url: item.url == nil
        case .createdAt: createdAt == nil && !isDeleted
        case .updatedAt: item.updatedAt == nil
        case .rating: item.rating == nil && !isDeleted
        case .authorID: item.author.id == nil
        case .authorName: item.author.name == nil
        case .authorEmail: item.author.email == nil
        case .threadID: item.threadID == nil
        case .kind, .format, .deleted, .ratingMinimum, .ratingMaximum, .productVersion, .platform, .language, .locale,
            .country, .inReplyTo, .labels:
            false
        }
    }

    private static func assign(_ target: inout String, _ term: Term) -> String? {
        guard let text = term.string else { return "not a text" }
        target = text
        return nil
    }

    private static func assign(_ target: inout Timestamp?, _ term: Term) -> String? {
        if let time = term.timestamp {
            target = time
            return nil
        }
        return term.isEmpty ? nil : "not a date or an instant: \(term.json.text)"
    }

    private func nonEmpty(_ term: Term) -> String? {
        term.string.flatMap { $0.isEmpty ? nil : $0 }
    }

    private static let name = JSONKey("name")

    /// A list's texts (or the names of its objects), or the parts of a text between commas.
    private static func labels(_ term: Term) -> [String] {
        guard term.kind == .array else {
            let parts = term.string?.split(separator: ",").map { String($0).trimmed } ?? []
            return parts.filter { !$0.isEmpty }
        }
        return term.elements.compactMap { element in
            let text: String? =
                if case .view(let object) = element, object.kind == .object {
                    object[name]?.string
                } else {
                    element.string
                }
            return text.flatMap { $0.isEmpty ? nil : $0 }
        }
    }
}
