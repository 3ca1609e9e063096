public import Common

/// A log before another one: what it does not do itself, the other one does.
public protocol ForwardingLog: EventLog {
    var base: any EventLog { get }
}

extension ForwardingLog {
    public func append(_ batch: RecordBatch, to topic: Topic) async throws -> [LogPosition] {
        try await base.append(batch, to: topic)
    }
    public func create(_ topics: [Topic]) async throws { try await base.create(topics) }
    public func consumer(of topic: Topic, group: ConsumerGroup, start: @escaping @Sendable (Int) async throws -> Int64?)
        async throws -> any LogConsumer
    { try await base.consumer(of: topic, group: group, start: start) }
    public func read(_ topic: Topic, partition: Int, from offset: Int64, limit: Int) async throws -> RecordBatch {
        try await base.read(topic, partition: partition, from: offset, limit: limit)
    }
    public func bounds(of topic: Topic) async throws -> [PartitionBounds] { try await base.bounds(of: topic) }
    public func committed(_ group: ConsumerGroup, topic: Topic) async throws -> [Int64] {
        try await base.committed(group, topic: topic)
    }
    public func maintain(now: Timestamp) async throws { try await base.maintain(now: now) }
    public func health() async -> LogHealth { await base.health() }
}
