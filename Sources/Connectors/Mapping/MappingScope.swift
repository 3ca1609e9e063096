public import ByteJSON
public import Common

/// What an expression sees: the item, and what is around it.
public struct MappingScope: Sendable {
    /// Where `headers.` is looked up.
    public enum Headers: Sendable {
        case none
        /// A raw event's: a name is one of the sender's that was kept, else one of our own facts.
        case record(RecordHeaders)
        /// A request's, by name in lower case.
        case lookup(@Sendable (String) -> String?)

        func value(_ name: String) -> String? {
            switch self {
            case .none: nil
            case .record(let headers): headers[RawHeader.kept + name] ?? headers[name]
            case .lookup(let find): find(name)
            }
        }
    }

    public var item: JSONValue?
    /// The whole payload, where it is more than the item.
    public var root: JSONValue?
    /// The whole payload of a delivery that is being received.
    public var body: JSONValue?
    public var headers: Headers
    public var context: JSONValue?
    public var entity: [String: JSON]
    public var config: [String: JSON]
    public var stream: [String: JSON]
    /// Position of the item in its payload; nil if the payload is the item.
    public var position: Int?

    public init(
        item: JSONValue?, root: JSONValue? = nil, body: JSONValue? = nil, headers: Headers = .none,
        context: JSONValue? = nil, entity: [String: JSON] = [:], config: [String: JSON] = [:],
        stream: [String: JSON] = [:], position: Int? = nil
    ) {
        self.item = item
        self.root = root
        self.body = body
        self.headers = headers
        self.context = context
        self.entity = entity
        self.config = config
        self.stream = stream
        self.position = position
    }

    /// What lies at a path.
    public func value(at path: Path) -> MappedValue? { Expression.path(path).evaluate(in: self) }
}

extension Path {
    /// What lies at the path, which is looked up in this value as it stands, whatever its first name.
    public func value(in value: JSONValue) -> JSONValue? { steps.value(in: value) }
}

extension Collection<Path.Step> {
    func value(in value: JSONValue) -> JSONValue? {
        var current = value
        for step in self {
            let next: JSONValue? =
                switch step {
                case .member(let name): current[name]
                case .element(let position): current.kind == .array ? current[position] : current[String(position)]
                }
            guard let next else { return nil }
            current = next
        }
        return current
    }
}

extension [Path.Step] {
    func value(in settings: [String: JSON]) -> JSON? {
        guard case .member(let name) = first else { return nil }
        var current = settings[name]
        for step in dropFirst() {
            switch step {
            case .member(let name): current = current?[name]
            case .element(let position):
                guard let array = current?.array, array.indices.contains(position) else { return nil }
                current = array[position]
            }
        }
        return current
    }
}
