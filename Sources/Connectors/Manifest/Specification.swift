public import ByteJSON

/// The fields that a person fills in.
public struct Specification: Sendable {
    /// Of the connection: the account at the provider.
    public var connection: [Field]
    /// Of the stream: which entity there.
    public var stream: [Field]

    public init(connection: [Field] = [], stream: [Field] = []) {
        self.connection = connection
        self.stream = stream
    }

    public struct Field: Sendable {
        public enum FieldType: String, Sendable, CaseIterable {
            case string, url, integer, boolean, date, choice, strings, object
        }

        public var name: String
        public var type: FieldType
        public var title: String
        public var help: String?
        public var required: Bool
        public var secret: Bool
        public var `default`: JSON?
        public var choices: [String]
        /// A regular expression that the whole value must match.
        public var pattern: String?
        public var example: JSON?
        /// Where a person makes or finds the value.
        public var link: String?

        public init(
            name: String, type: FieldType = .string, title: String, help: String? = nil, required: Bool = false,
            secret: Bool = false, default: JSON? = nil, choices: [String] = [], pattern: String? = nil,
            example: JSON? = nil, link: String? = nil
        ) {
            self.name = name
            self.type = type
            self.title = title
            self.help = help
            self.required = required
            self.secret = secret
            self.default = `default`
            self.choices = choices
            self.pattern = pattern
            self.example = example
            self.link = link
        }
    }
}
