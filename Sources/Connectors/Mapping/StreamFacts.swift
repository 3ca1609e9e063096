public import ByteJSON
public import Common

/// What a mapping may know of the stream that a payload belongs to.
public struct StreamFacts: Sendable, Hashable {
    public var id: String
    public var name: String
    /// The stream's settings.
    public var entity: [String: JSON]
    /// The connection's settings, without secrets.
    public var config: [String: JSON]
    /// A mapping of the stream's own.
    public var mapping: JSON?

    public init(
        id: String = "", name: String = "", entity: [String: JSON] = [:], config: [String: JSON] = [:],
        mapping: JSON? = nil
    ) {
        self.id = id
        self.name = name
        self.entity = entity
        self.config = config
        self.mapping = mapping
    }

    public init(_ stream: StreamRecord, connection: ConnectionRecord?) {
        self.init(
            id: stream.id.rawValue, name: stream.name, entity: stream.entity, config: connection?.config ?? [:],
            mapping: stream.mapping)
    }

    /// The same stream, with another mapping's fields in place of its own.
    public func mapped(by mapping: JSON?) -> StreamFacts {
        guard let fields = mapping?.object, !fields.isEmpty else { return self }
        var facts = self
        facts.mapping = .object((facts.mapping?.object ?? [:]).merging(fields) { $1 })
        return facts
    }
}
