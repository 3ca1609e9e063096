/// The event log: durable, partitioned, append-only topics with consumer groups.
///
/// What it must do is defined by one conformance suite, `EventLogConformance`, which every backend passes.
public protocol EventLog: Sendable {
    /// Makes topics that do not exist yet, and checks those that do.
    ///
    /// - Throws: ``EventLogError`` if an existing topic has fewer partitions or another retention.
    func create(_ topics: [Topic]) async throws

    /// Appends a batch; returns after all of it is durable.
    ///
    /// Records of one batch with one key keep their order. Either all records are appended or the call throws;
    /// after a throw some may have been, and appending the batch again is the caller's right.
    ///
    /// - Returns: Where each record went, in the batch's order; -1 where a record is durable and its place not known.
    @discardableResult
    func append(_ batch: RecordBatch, to topic: Topic) async throws -> [LogPosition]

    /// Joins a group; the log spreads a topic's partitions over the group's members.
    ///
    /// - Parameters:
    ///   - start: Asked once for each partition that is assigned: where to begin. nil means the group's committed
    ///     offset, or the beginning if there is none. A sink that keeps offsets in its own database answers from it.
    func consumer(of topic: Topic, group: ConsumerGroup, start: @escaping @Sendable (Int) async throws -> Int64?)
        async throws -> any LogConsumer

    /// Reads records of one partition from an offset on, outside any group; empty at the end.
    func read(_ topic: Topic, partition: Int, from offset: Int64, limit: Int) async throws -> RecordBatch

    /// Offsets of each partition: the first kept and the one past the last.
    func bounds(of topic: Topic) async throws -> [PartitionBounds]

    /// The group's committed offsets, one a partition (0 where none was committed).
    func committed(_ group: ConsumerGroup, topic: Topic) async throws -> [Int64]

    /// Removes what retention no longer keeps and compacts compacted topics.
    func maintain(now: Timestamp) async throws

    /// Whether the log takes appends now; the reason if not.
    func health() async -> LogHealth
}

/// A member of a consumer group. Used by one task at a time.
public protocol LogConsumer: Sendable {
    /// The next records of the partitions that this member has: at most `limit` records in all, at least one unless
    /// `wait` passed. Nothing is handed out twice unless the consumer seeks, fails or loses the partition.
    func next(limit: Int, wait: Duration) async throws -> [PartitionBatch]

    /// Makes positions the group's committed offsets.
    ///
    /// - Throws: ``EventLogError/fenced`` if a partition belongs to another member by now.
    func commit(_ batches: [PartitionBatch]) async throws

    /// Goes back (or on) in a partition that this member has.
    func seek(partition: Int, to offset: Int64) async throws

    /// Leaves the group.
    func close() async
}

/// Records of one partition, in the order of their offsets.
public struct PartitionBatch: Sendable {
    public let topic: Topic
    public let partition: Int
    /// The position that these records were read from; compare-and-set it in a database sink.
    public let from: Int64
    /// The position after the last record.
    public let next: Int64
    public let records: RecordBatch

    public init(topic: Topic, partition: Int, from: Int64, next: Int64, records: RecordBatch) {
        self.topic = topic
        self.partition = partition
        self.from = from
        self.next = next
        self.records = records
    }
}

/// Where a record is.
public struct LogPosition: Sendable, Hashable {
    public let partition: Int
    public let offset: Int64
    public init(partition: Int, offset: Int64) {
        self.partition = partition
        self.offset = offset
    }
}

/// The offsets that a partition holds: `first` is kept, `end` is the next to be given.
public struct PartitionBounds: Sendable, Hashable {
    public let partition: Int
    public let first: Int64
    public let end: Int64
    public init(partition: Int, first: Int64, end: Int64) {
        self.partition = partition
        self.first = first
        self.end = end
    }
}

/// Whether a log takes appends.
public enum LogHealth: Sendable, Hashable {
    case available
    /// It takes them, and something is to be looked after all the same.
    case degraded(reason: String)
    case unavailable(reason: String)
}

/// What can go wrong with the log, by what to do next.
public enum EventLogError: Error, Sendable, CustomStringConvertible {
    /// Wait and try again.
    case unavailable(String)
    /// The log does not let us: credentials or permissions are wrong, and waiting changes nothing.
    case denied(String)
    /// Another member has the partition: drop the work and read on from where the group is.
    case fenced(topic: String, partition: Int)
    case unknownTopic(String)
    case recordTooLarge(bytes: Int, limit: Int)
    case topicMismatch(String)
    case corrupt(String)
    case closed

    public var description: String {
        switch self {
        case .unavailable(let reason): "the event log is not available: \(reason)"
        case .denied(let reason): "the event log refuses us: \(reason)"
        case .fenced(let topic, let partition): "partition \(partition) of \(topic) belongs to another consumer now"
        case .unknownTopic(let name): "no topic \(name); create it first"
        case .recordTooLarge(let bytes, let limit): "a record of \(bytes) bytes is over the limit of \(limit)"
        case .topicMismatch(let reason): "the topic is not as declared: \(reason)"
        case .corrupt(let reason): "the event log is damaged: \(reason)"
        case .closed: "the event log is closed"
        }
    }
}

extension EventLog {
    /// How many records a group has yet to commit, one number a partition; what retention removed is not counted.
    public func lag(of group: ConsumerGroup, topic: Topic) async throws -> [Int64] {
        let committed = try await committed(group, topic: topic)
        return try await bounds(of: topic).map { bounds in
            let offset = committed.indices.contains(bounds.partition) ? committed[bounds.partition] : 0
            return max(0, bounds.end - max(offset, bounds.first))
        }
    }
}
