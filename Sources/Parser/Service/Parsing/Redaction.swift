import ByteJSON
import Common
import Engines

/// What a workspace's policy does to personal data.
struct Redaction: Sendable {
    let policy: WorkspaceRecord.PersonalDataPolicy
    let workspace: WorkspaceID
    /// Finds personal data in what the pipeline has not seen.
    let finder: (any Engine)?

    /// A part of an annotated text without what the policy does not let through.
    func apply(to text: ArraySlice<UInt8>, spans: [PersonalDataSpan]) -> ArraySlice<UInt8> {
        guard policy != .keep, !spans.isEmpty else { return text }
        var result: [UInt8] = []
        var copied = text.startIndex
        for span in spans.sorted(by: { $0.range.lowerBound < $1.range.lowerBound }) {
            let range = span.range.clamped(to: copied..<text.endIndex)
            guard !range.isEmpty else { continue }
            result += text[copied..<range.lowerBound]
            if policy == .mask { result += "<\(span.kind.rawValue)>".utf8 }
            copied = range.upperBound
        }
        guard copied > text.startIndex else { return text }
        return ArraySlice(result + text[copied...])
    }

    /// The author, as the policy lets him be known.
    ///
    /// A masked author keeps the provider's id, or a pseudonym that is the same for the same address in this
    /// workspace, so that people can still be counted.
    func apply(to author: Feedback.Author) -> Feedback.Author {
        switch policy {
        case .keep: return author
        case .mask:
            var masked = author
            if let id = author.id ?? author.email, author.id == nil || id.contains("@") {
                masked.id =
                    "anon_"
                    + FeedbackID.derive(workspace: workspace, connector: "author", instance: "", externalID: id)
                    .rawValue.dropFirst(FeedbackKind.prefix.count)
            }
            if author.name != nil { masked.name = "<name>" }
            if author.email != nil { masked.email = "<email>" }
            return masked
        case .drop:
            return Feedback.Author(locale: author.locale, country: author.country)
        }
    }

    /// What the mapping kept besides, with its texts searched too.
    func apply(to custom: [String: JSON]) -> [String: JSON] {
        guard policy != .keep, !custom.isEmpty, let finder else { return custom }
        return custom.mapValues { apply(to: $0, finder) }
    }

    private func apply(to value: JSON, _ finder: any Engine) -> JSON {
        switch value {
        case .string(let string):
            var texts = [AnnotatedText(text: Array(string.utf8))]
            finder.annotate(&texts)
            guard !texts[0].personalData.isEmpty else { return value }
            return .string(String(decoding: apply(to: texts[0].text[...], spans: texts[0].personalData), as: UTF8.self))
        case .array(let values): return .array(values.map { apply(to: $0, finder) })
        case .object(let members): return .object(members.mapValues { apply(to: $0, finder) })
        case .null, .bool, .integer, .double: return value
        }
    }
}
