import CRdKafka
import Common

extension ReaderClient {
    /// What a single read may hold; it is exceeded only by what one fetch brings at once.
    private static let readBytes = 64 << 20

    /// Reads records of a partition up to a limit or the end that it has now.
    func read(_ topic: String, partition: Int, from offset: Int64, limit: Int) throws -> RecordBatch {
        var records = RecordBatch()
        let bounds = try Administrator(reader: self).bounds(of: topic, partition: partition)
        let start = max(offset, bounds.first)
        guard start < bounds.end, limit > 0 else { return records }
        guard let handle = rd_kafka_topic_new(self.handle.pointer, topic, nil) else {
            throw EventLogError.unavailable("librdkafka takes no topic \(topic)")
        }
        defer { rd_kafka_topic_destroy(handle) }
        let number = Int32(partition)
        guard rd_kafka_consume_start(handle, number, start) == 0 else {
            throw KafkaFailure.error(
                rd_kafka_last_error(), "cannot read partition \(partition) of \(topic)", topic: topic)
        }
        defer { rd_kafka_consume_stop(handle, number) }
        let messages = MessageBuffer(self.handle.context)
        var next = start
        while records.count < limit, next < bounds.end, records.arena.count < Self.readBytes {
            // One that may be waited for, then those that came with it.
            var count = messages.fill(1) { rd_kafka_consume_batch(handle, number, Administrator.patience, $0, $1) }
            guard count > 0 else {
                throw EventLogError.unavailable("Kafka sends nothing of partition \(partition) of \(topic)")
            }
            repeat {
                try messages.take(count, of: topic, into: &records, below: bounds.end, next: &next)
                let room = min(limit - records.count, 1000)
                count = room > 0 ? messages.fill(room) { rd_kafka_consume_batch(handle, number, 0, $0, $1) } : 0
            } while count > 0 && next < bounds.end
        }
        return records
    }
}

extension MessageBuffer {
    /// Takes what a reader got: records, or word that the partition ends.
    fileprivate func take(
        _ count: Int, of topic: String, into records: inout RecordBatch, below end: Int64, next: inout Int64
    ) throws {
        var failure: EventLogError?
        forEach(count) { message in
            switch message.code {
            case RD_KAFKA_RESP_ERR_NO_ERROR:
                guard message.offset >= next, message.offset < end else { return }
                records.append(message)
                next = message.offset + 1
            case RD_KAFKA_RESP_ERR__PARTITION_EOF: next = end
            case let code: failure = failure ?? KafkaFailure.error(code, "cannot read \(topic)", topic: topic)
            }
        }
        if let failure { throw failure }
    }
}
