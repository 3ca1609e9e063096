/// What is wrong with a setting, and how to mend it.
public struct FieldProblem: Error, Sendable, Hashable, CustomStringConvertible {
    /// Where the setting belongs.
    public enum Place: String, Sendable { case connection, stream }

    public let place: Place
    /// The field's name.
    public let field: String
    public let reason: String

    public init(place: Place, field: String, reason: String) {
        self.place = place
        self.field = field
        self.reason = reason
    }

    /// `config.base_url`, as the API names it.
    public var path: String { (place == .connection ? "config." : "entity.") + field }
    public var description: String { "\(path): \(reason)" }
}
