import CRdKafka
import Common

/// An idempotent producer with its topics, owned by the producer's thread. Topics go before the client.
final class ProducerClient {
    let handle: ClientHandle
    private var topics: [String: OpaquePointer] = [:]
    /// Why this client takes nothing any more: librdkafka's word for it is fatal.
    private(set) var fatal: String?

    init(_ settings: KafkaSettings, _ context: ClientContext) throws(KafkaSettingsError) {
        handle = try ClientHandle(RD_KAFKA_PRODUCER, try .producer(settings), context: context)
    }

    deinit { for topic in topics.values { rd_kafka_topic_destroy(topic) } }

    func topic(_ name: String) -> OpaquePointer? {
        if let topic = topics[name] { return topic }
        let topic = rd_kafka_topic_new(handle.pointer, name, nil)
        topics[name] = topic
        return topic
    }

    /// Notes the reports that are there.
    ///
    /// - Returns: How many there were, and the appends of which nothing more is to come.
    func takeReports() -> (count: Int, settled: [PendingAppend]) {
        var count = 0
        var settled: [PendingAppend] = []
        var fatal: String?
        handle.drain { type, event in
            if type == RD_KAFKA_EVENT_DR {
                while let message = rd_kafka_event_message_next(event) {
                    count += 1
                    let append = PendingAppend.note(message)
                    if append.isSettled { settled.append(append) }
                }
            } else if type == RD_KAFKA_EVENT_ERROR, rd_kafka_event_error(event) == RD_KAFKA_RESP_ERR__FATAL {
                fatal = rd_kafka_event_error_string(event).map { String(cString: $0) } ?? "no reason given"
            }
        }
        if let fatal { self.fatal = fatal }
        return (count, settled)
    }

    /// Has everything reported that was taken and not delivered.
    func purge() {
        rd_kafka_purge(handle.pointer, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT)
    }
}
