import CRdKafka
import Common

/// A librdkafka client with the queue of what happens to it. The queue goes first, then the client, then its context.
struct ClientHandle: ~Copyable {
    let pointer: OpaquePointer
    /// Reports, errors and rebalances.
    let queue: OpaquePointer
    let context: ClientContext
    private let retained: Unmanaged<ClientContext>
    private var isAbandoned = false
    /// How long ending a client may take, in seconds; some milliseconds are usual. Before 2.6.1 it may take for ever
    /// (confluentinc/librdkafka#4724), and whoever closes a consumer must go on.
    private static let patience = 5.0

    /// Makes a client; its group's member, if the settings have a group.
    init(
        _ type: rd_kafka_type_t, _ configuration: consuming ClientConfiguration, isMember: Bool = false,
        context: ClientContext
    ) throws(KafkaSettingsError) {
        let retained = Unmanaged.passRetained(context)
        do {
            pointer = try configuration.makeClient(type, context: retained)
        } catch {
            retained.release()
            throw error
        }
        if isMember { rd_kafka_poll_set_consumer(pointer) }
        queue = isMember ? rd_kafka_queue_get_consumer(pointer) : rd_kafka_queue_get_main(pointer)
        self.context = context
        self.retained = retained
        Self.ring(context, for: queue)
    }

    deinit {
        if isAbandoned { return }
        rd_kafka_queue_cb_event_enable(queue, nil, nil)
        rd_kafka_queue_destroy(queue)
        nonisolated(unsafe) let (pointer, retained) = (pointer, retained)
        let isOver = BoundedCall.perform("kafka-destroy", within: Self.patience) {
            rd_kafka_destroy(pointer)
            retained.release()
        }
        if !isOver {
            context.log(
                "a client does not end within \(Self.patience) s; it is left to the end of the process",
                facility: "DESTROY", level: 4)
        }
    }

    /// Leaves the group; what is left of the client is abandoned if that takes too long.
    mutating func leaveGroup(within seconds: Double) {
        nonisolated(unsafe) let pointer = pointer
        let isOver = BoundedCall.perform("kafka-leave", within: seconds) {
            // Closing alone, a member that has no partition while the group shares anew goes without a word
            // (2.0.2), and the others wait for it until its session is over.
            rd_kafka_unsubscribe(pointer)
            rd_kafka_consumer_close(pointer)
        }
        if isOver { return }
        context.log("a member does not leave its group within \(seconds) s", facility: "CLOSE", level: 4)
        abandon()
    }

    /// Leaves the client, with its threads, to the end of the process.
    mutating func abandon() { isAbandoned = true }

    /// Rings whenever the queue, having been empty, gets something.
    static func ring(_ context: ClientContext, for queue: OpaquePointer) {
        rd_kafka_queue_cb_event_enable(
            queue,
            { _, context in
                guard let context else { return }
                Unmanaged<ClientContext>.fromOpaque(context).takeUnretainedValue().ring()
            }, Unmanaged.passUnretained(context).toOpaque())
    }

    /// Handles what happened, without waiting.
    func drain(_ handle: (rd_kafka_event_type_t, OpaquePointer) -> Void) {
        while let event = rd_kafka_queue_poll(queue, 0) {
            let type = rd_kafka_event_type(event)
            if type == RD_KAFKA_EVENT_ERROR { context.note(event) }
            handle(type, event)
            rd_kafka_event_destroy(event)
        }
    }
}
