import Common

/// A topic as the log has it.
struct TopicState: Sendable {
    let id: Int64
    let topic: Topic
    var bounds: [PartitionBounds] = []
    /// Where the next record without a key goes.
    var nextUnkeyed = 0

    init(id: Int64, topic: Topic) {
        self.id = id
        self.topic = topic
        bounds = (0..<topic.partitions).map { PartitionBounds(partition: $0, first: 0, end: 0) }
    }
}
