import CRdKafka
import Common

/// Partitions that a member had and gave back.
///
/// A broker that has just begun says that it has no topics. librdkafka then forgets their partitions, and before 2.6.1
/// records that are still in a forgotten partition's queue keep it, and it keeps them: the client never ends
/// (confluentinc/librdkafka#4724). So whatever is left in their queues is taken out, when they go and once more when the member does.
struct FormerPartitions {
    /// So many are kept in mind; of those before nothing has come for long.
    private static let limit = 64
    private var partitions: [AssignedPartition] = []

    mutating func add(_ partitions: [AssignedPartition], _ messages: MessageBuffer) {
        for partition in partitions {
            partition.retire()
            partition.discard(messages)
        }
        self.partitions += partitions
        self.partitions.removeFirst(max(0, self.partitions.count - Self.limit))
    }

    /// Takes out what came since.
    mutating func discard(_ messages: MessageBuffer) {
        for partition in partitions { partition.discard(messages) }
        partitions = []
    }
}
