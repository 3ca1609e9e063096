import CRdKafka
import Common

/// Where partitions begin and end.
///
/// Asked as for times, and not by `rd_kafka_query_watermark_offsets`: before librdkafka 2.3 that one takes no heed of its time-out
/// (confluentinc/librdkafka#4460), and where a broker goes away under it, minutes pass.
enum PartitionEnds {
    /// - Parameter patience: For each of the two ends, in milliseconds.
    static func find(
        _ client: OpaquePointer, _ topic: String, _ partitions: some Collection<Int>, patience: Int32
    ) throws(EventLogError) -> [PartitionBounds] {
        let first = try find(client, topic, partitions, Int64(RD_KAFKA_OFFSET_BEGINNING), patience)
        let end = try find(client, topic, partitions, Int64(RD_KAFKA_OFFSET_END), patience)
        return partitions.map { PartitionBounds(partition: $0, first: first[$0] ?? 0, end: end[$0] ?? 0) }
    }

    private static func find(
        _ client: OpaquePointer, _ topic: String, _ partitions: some Collection<Int>, _ which: Int64, _ patience: Int32
    ) throws(EventLogError) -> [Int: Int64] {
        let list = PartitionList(topic, partitions.map { ($0, which) })
        let what = "cannot find the ends of \(topic)"
        try KafkaFailure.check(rd_kafka_offsets_for_times(client, list.pointer, patience), what, topic: topic)
        var found: [Int: Int64] = [:]
        for entry in list.entries {
            try KafkaFailure.check(entry.err, "\(what), partition \(entry.partition)", topic: topic)
            guard entry.offset >= 0 else {
                throw .unavailable("\(what), partition \(entry.partition): Kafka tells none")
            }
            found[Int(entry.partition)] = entry.offset
        }
        return found
    }
}
