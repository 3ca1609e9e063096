import CRdKafka

/// A list of a topic's partitions with offsets, as librdkafka takes it.
struct PartitionList: ~Copyable {
    let pointer: UnsafeMutablePointer<rd_kafka_topic_partition_list_t>

    init(_ topic: String, _ partitions: some Sequence<Int>) {
        self.init(topic, partitions.map { (partition: $0, offset: Int64(RD_KAFKA_OFFSET_INVALID)) })
    }

    init(_ topic: String, _ offsets: [(partition: Int, offset: Int64)]) {
        pointer = rd_kafka_topic_partition_list_new(Int32(offsets.count))
        for (partition, offset) in offsets {
            rd_kafka_topic_partition_list_add(pointer, topic, Int32(partition)).pointee.offset = offset
        }
    }

    deinit { rd_kafka_topic_partition_list_destroy(pointer) }

    /// What the list holds now.
    var entries: UnsafeBufferPointer<rd_kafka_topic_partition_t> { pointer.pointee.entries }
}

extension rd_kafka_topic_partition_list_t {
    /// What the list holds now.
    var entries: UnsafeBufferPointer<rd_kafka_topic_partition_t> {
        UnsafeBufferPointer(start: elems, count: Int(cnt))
    }
}
