import CRdKafka
import Common
import Logging

/// What groups have committed, asked by clients that name the group and are no members of it. One thread uses it.
///
/// librdkafka's question for administrators, `ListConsumerGroupOffsets`, is not for us: where a broker goes away under it, 2.0.2
/// aborts the process (`rd_kafka_enq_once_del_source_return: eonce->refcnt > 0`).
final class GroupOffsets: @unchecked Sendable {
    /// So many clients are kept; a service asks of its own groups.
    private static let limit = 8
    private let settings: KafkaSettings
    private let context: ClientContext
    private var clients: [(group: String, handle: GroupReader)] = []

    init(_ settings: KafkaSettings, _ context: ClientContext) {
        self.settings = settings
        self.context = context
    }

    /// A group's committed offsets; 0 where there is none.
    ///
    /// - Parameter patience: In milliseconds.
    func committed(_ group: String, topic: String, partitions: Int, patience: Int32) throws -> [Int64] {
        let client = try client(of: group)
        defer { client.handle.drain { _, _ in } }
        let list = PartitionList(topic, 0..<partitions)
        let what = "cannot find what \(group) committed"
        try KafkaFailure.check(rd_kafka_committed(client.handle.pointer, list.pointer, patience), what, topic: topic)
        return try list.entries.map { entry in
            try KafkaFailure.check(entry.err, what, topic: topic)
            return max(0, entry.offset)
        }
    }

    /// Ends the clients.
    func close() { clients = [] }

    private func client(of group: String) throws -> GroupReader {
        if let known = clients.first(where: { $0.group == group }) { return known.handle }
        let client = try GroupReader(group, settings, context)
        if clients.count == Self.limit { clients.removeFirst() }
        clients.append((group, client))
        return client
    }

    /// A client that names a group.
    private final class GroupReader {
        let handle: ClientHandle

        init(_ group: String, _ settings: KafkaSettings, _ context: ClientContext) throws(KafkaSettingsError) {
            handle = try ClientHandle(RD_KAFKA_CONSUMER, try .member(of: group, settings), context: context)
        }
    }
}
