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
    case when(Condition, then: Expression, else: Expression?)
    /// A value's replacement from a table; what the table lacks is missing unless there is a default.
    case map(Expression, [String: JSON], default: JSON?)
    /// `take` of each element of an array.
    case each(Expression, take: Path)

    /// The closed list of functions.
    public enum Function: String, Sendable, CaseIterable {
        case lower, upper, trim
        case firstLine = "first_line"
        case join
        case after, before
        /// Text of seconds since 1970, or the number itself, as an instant.
        case unix
        case unixMilliseconds = "unix_ms"
        case string, number
        case host
        case stripPrefix = "strip_prefix"
        case decodeHTML = "decode_html"
    }
}

/// Where a value lies: member names and array positions, compiled once.
public struct Path: Sendable, Hashable, CustomStringConvertible {
    public enum Step: Sendable, Hashable {
        case member(String)
        case element(Int)
    }

    public let steps: [Step]

    public init(steps: [Step]) { self.steps = steps }

    /// `a.b.0.c`; a dot inside a name is written `\.`. Empty is the value itself.
    public init(_ text: String) {
        var names: [String] = []
        var current = ""
        var escaped = false
        for character in text {
            if escaped {
                current.append(character)
                escaped = false
            } else if character == "\\" {
                escaped = true
            } else if character == "." {
                names.append(current)
                current = ""
            } else {
                current.append(character)
            }
        }
        if !text.isEmpty { names.append(current) }
        steps = names.map { name in Int(name).map(Step.element) ?? .member(name) }
    }

    public var description: String {
        steps.map { step in
            switch step {
            case .member(let name): name
            case .element(let position): String(position)
            }
        }.joined(separator: ".")
    }
}

/// Whether something holds of a payload.
///
/// In YAML: `{exists: path}`, `{missing: path}`, `{equals: [path, value]}`, `{in: [path, [values]]}`,
/// `{matches_prefix: [path, text]}`, `{truthy: path}`, `{all: […]}`, `{any: […]}`, `{not: …}`.
public indirect enum Condition: Sendable, Hashable {
    case exists(Expression)
    case truthy(Expression)
    case equals(Expression, JSON)
    case isIn(Expression, [JSON])
    case hasPrefix(Expression, String)
    case all([Condition])
    case any([Condition])
    case not(Condition)
}
