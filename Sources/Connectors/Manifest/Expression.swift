public import ByteJSON

/// A small total expression over a payload: no loops, no I/O, always a value (perhaps missing).
///
/// In YAML: a path (`post.id`, `comments.0.text`, `im:rating.label`), or a list of alternatives (the first that is
/// neither missing, null nor empty), or a map with one function: `{const: review}`, `{join: [a, b], with: "/"}`,
/// `{lower: path}`, `{first_line: path}`, `{after: path, mark: "\t"}`, `{unix: path}`, `{map: path, values: {…}}`,
/// `{if: condition, then: …, else: …}`, `{each: path, take: path}`, `{template: "{{a}}/{{b}}"}`, …
/// The whole list with its meaning is in `docs/connectors.md`.
public indirect enum Expression: Sendable, Hashable {
    case path(Path)
    case constant(JSON)
    case coalesce([Expression])
    case call(Function, [Expression])
    /// The parts, one after another, with what stands between them; missing parts are left out.
    case join([Expression], separator: String)
    /// The parts, one after another; missing if one of them is.
    case concatenate([Expression])
    case when(Condition, then: Expression, else: Expression?)
    /// A value's replacement from a table; what the table lacks is missing unless there is a default.
    case map(Expression, [String: JSON], default: JSON?)
    /// `take` of each element of an array for which `where` is true.
    case each(Expression, where: Condition?, take: Expression)
    /// `take` of the first element of an array for which `where` is true.
    case find(Expression, where: Condition, take: Expression)

    /// The closed list of functions. The second argument, where there is one, is a constant.
    public enum Function: String, Sendable, CaseIterable {
        case lower, upper, trim
        case firstLine = "first_line"
        /// The text behind, or before, the first `mark`; missing if the mark is.
        case after, before
        /// Text of seconds since 1970, or the number itself, as an instant.
        case unix
        case unixMilliseconds = "unix_ms"
        /// A date that is written with the day, or the month, in front, as an instant.
        case dayFirst = "day_first"
        case monthFirst = "month_first"
        /// The value as text; an array or an object is missing.
        case string
        /// The value as a number; a text that is none is missing.
        case number
        /// The host of an address, with its port if that is written out.
        case host
        case stripPrefix = "strip_prefix"
        /// Characters for the references `&amp;`, `&#39;`, … of HTML.
        case decodeHTML = "decode_html"
        /// Percent-encoded as one part of an address.
        case url
        /// Without a solidus at the end.
        case trimSlash = "trim_slash"
        /// An instant in RFC 3339.
        case rfc3339
    }
}
