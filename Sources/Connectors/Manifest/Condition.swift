public import ByteJSON

/// Whether something holds of a payload.
///
/// In YAML: `{exists: path}`, `{missing: path}`, `{truthy: path}`, `{equals: [path, value]}`,
/// `{in: [path, [values]]}`, `{starts_with: [path, text]}`, `{ends_with: [path, text]}`, `{contains: [path, text]}`,
/// `{is: [path, object]}`, `{all: […]}`, `{any: […]}`, `{not: …}`. An expression may stand for each path.
public indirect enum Condition: Sendable, Hashable {
    /// Neither missing nor null.
    case exists(Expression)
    /// Neither missing, null, false, zero nor empty.
    case truthy(Expression)
    case equals(Expression, JSON)
    case isIn(Expression, [JSON])
    case hasPrefix(Expression, String)
    case hasSuffix(Expression, String)
    case contains(Expression, String)
    case isOf(Expression, ValueKind)
    case all([Condition])
    case any([Condition])
    case not(Condition)

    /// What a value can be.
    public enum ValueKind: String, Sendable, CaseIterable { case object, array, string, number, boolean }
}
