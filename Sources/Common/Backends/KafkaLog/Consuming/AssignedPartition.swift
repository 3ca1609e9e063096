import CRdKafka
import Common

/// A partition that a member has: a queue of its own, so that a full partition cannot hide the others.
final class AssignedPartition {
    let number: Int
    let queue: OpaquePointer
    /// Where the next batch begins.
    var position: Int64
    /// Up to where what was handed out came back, committed.
    var settled: Int64
    /// The first offset that may be handed out: what comes below was fetched before a seek.
    var floor: Int64
    private var isRetired = false

    /// Takes the partition's records out of the member's common queue.
    init(_ number: Int, of topic: String, position: Int64, floor: Int64, client: borrowing ClientHandle) throws {
        guard let queue = rd_kafka_queue_get_partition(client.pointer, topic, Int32(number)) else {
            throw EventLogError.unavailable("librdkafka has no queue for partition \(number) of \(topic)")
        }
        self.number = number
        self.queue = queue
        self.position = position
        settled = position
        self.floor = floor
        rd_kafka_queue_forward(queue, nil)
        ClientHandle.ring(client.context, for: queue)
    }

    deinit {
        retire()
        rd_kafka_queue_destroy(queue)
    }

    /// Rings no more. The queue is the partition's, so a later assignment of it has the same.
    func retire() {
        if !isRetired { rd_kafka_queue_cb_event_enable(queue, nil, nil) }
        isRetired = true
    }

    /// Takes out and drops what was fetched.
    func discard(_ messages: MessageBuffer) {
        while true {
            let count = messages.fill(1000) { rd_kafka_consume_batch_queue(queue, 0, $0, $1) }
            if count == 0 { return }
            messages.forEach(count) { _ in }
        }
    }

    /// How much has been fetched and not been handed out.
    var available: Int64 { Int64(rd_kafka_queue_length(queue)) }

    /// What a pull got: records, and whether the broker no longer has what comes next.
    struct Pulled {
        var records = RecordBatch()
        var isOutOfRange = false
        var failure: EventLogError?
    }

    /// Takes what was fetched, up to a limit, without waiting.
    func pull(_ limit: Int, of topic: String, through messages: MessageBuffer) -> Pulled {
        var pulled = Pulled()
        let count = messages.fill(limit) { rd_kafka_consume_batch_queue(queue, 0, $0, $1) }
        // Headers come on top; most records have some.
        pulled.records.reserveCapacity(records: count, bytes: messages.bytes(count) + count * 64)
        messages.forEach(count) { message in
            switch message.code {
            case RD_KAFKA_RESP_ERR_NO_ERROR:
                guard message.offset >= floor else { return }
                pulled.records.append(message)
                floor = message.offset + 1
            case RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET, RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE:
                pulled.isOutOfRange = true
            case let code:
                pulled.failure = KafkaFailure.error(
                    code, "cannot read partition \(number) of \(topic)", topic: topic)
            }
        }
        return pulled
    }
}
