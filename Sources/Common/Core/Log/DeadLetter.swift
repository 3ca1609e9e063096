/// An event that was set aside: where, why, and the original, untouched.
public struct DeadLetter: Sendable, Codable, Hashable {
    /// Where it failed.
    public enum Stage: String, Sendable, Codable, CaseIterable { case receive, normalise, annotate, store }

    public var id: DeadLetterID
    public var workspace: WorkspaceID?
    public var stream: StreamID?
    public var stage: Stage
    /// What is wrong with it, for a person.
    public var reason: String
    public var attempts: Int
    public var at: Timestamp
    /// Topic, partition, offset and item of the original.
    public var topic: String
    public var partition: Int
    public var offset: Int64
    public var item: Int
    /// The original's key in base 64, if it had one.
    public var key: String?
    /// The original's headers, in their order.
    public var headers: [[String]]
    /// The original's value in base 64; nil was a tombstone, unless ``isOmitted``.
    public var payload: String?
    /// Key, headers and payload are not here, because another dead letter of the same event carries them or
    /// because they are too large: the original is where topic, partition and offset say.
    public var isOmitted: Bool?

    enum CodingKeys: String, CodingKey {
        case id, workspace = "workspace_id", stream = "stream_id", stage, reason, attempts, at, topic, partition,
            offset, item, key, headers, payload, isOmitted = "omitted"
    }

    public init(
        id: DeadLetterID, workspace: WorkspaceID?, stream: StreamID?, stage: Stage, reason: String, attempts: Int,
        at: Timestamp, topic: String, partition: Int, offset: Int64, item: Int, key: String?, headers: [[String]],
        payload: String?, isOmitted: Bool? = nil
    ) {
        self.id = id
        self.workspace = workspace
        self.stream = stream
        self.stage = stage
        self.reason = reason
        self.attempts = attempts
        self.at = at
        self.topic = topic
        self.partition = partition
        self.offset = offset
        self.item = item
        self.key = key
        self.headers = headers
        self.payload = payload
        self.isOmitted = isOmitted
    }
}
