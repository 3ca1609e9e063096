import CRdKafka
import Common

/// Settings of one client, until the client takes them over.
struct ClientConfiguration: ~Copyable {
    /// What our guarantees rest on.
    private static let reserved: Set = [
        "bootstrap.servers", "metadata.broker.list", "group.id", "group.instance.id", "enable.idempotence", "acks",
        "request.required.acks", "enable.auto.commit", "enable.auto.offset.store", "auto.offset.reset",
        "partition.assignment.strategy", "enable.partition.eof", "partitioner", "transactional.id",
        "delivery.report.only.error", "allow.auto.create.topics", "message.max.bytes",
    ]

    /// Settings of every client.
    private static let common = [
        "client.id": "earshot", "allow.auto.create.topics": "false", "log.connection.close": "false",
        "socket.keepalive.enable": "true", "socket.nagle.disable": "true",
        "reconnect.backoff.max.ms": "2000",
        // A broker that has just begun says that it has no topics; a consumer believes it until it asks again.
        "topic.metadata.refresh.interval.ms": "10000",
    ]

    private let pointer: OpaquePointer

    /// Settings of a producer whose acknowledgement means durable, once and in order.
    static func producer(_ settings: KafkaSettings) throws(KafkaSettingsError) -> ClientConfiguration {
        var defaults = [
            "linger.ms": "1", "queue.buffering.max.kbytes": "131072",
            "sticky.partitioning.linger.ms": "0",
        ]
        if hasLZ4 { defaults["compression.codec"] = "lz4" }
        return try ClientConfiguration(
            settings, defaults: defaults,
            fixed: [
                "enable.idempotence": "true", "acks": "all", "partitioner": "murmur2_random",
                "delivery.report.only.error": "false",
                // librdkafka gives up record by record, so that a later one may be there and an earlier one not. We give up
                // all together: see `patience(_:)`.
                "message.timeout.ms": "0",
            ], events: RD_KAFKA_EVENT_DR | RD_KAFKA_EVENT_ERROR)
    }

    /// How many seconds an append may take; what librdkafka would use for each record.
    static func patience(_ settings: KafkaSettings) -> Double {
        let names = ["message.timeout.ms", "delivery.timeout.ms"]
        let milliseconds = names.lazy.compactMap { settings.client[$0] }.first.flatMap { Double($0.reveal()) } ?? 30_000
        // 0 is for ever, which for us is some years.
        return milliseconds > 0 ? milliseconds / 1000 : 1e8
    }

    /// Settings of a group's member.
    static func member(of group: String, _ settings: KafkaSettings) throws(KafkaSettingsError) -> ClientConfiguration {
        try ClientConfiguration(
            settings,
            defaults: [
                "session.timeout.ms": "10000", "heartbeat.interval.ms": "1000",
                "queued.max.messages.kbytes": "32768",
            ],
            fixed: [
                "group.id": group, "enable.auto.commit": "false", "enable.auto.offset.store": "false",
                "auto.offset.reset": "error", "partition.assignment.strategy": "cooperative-sticky",
                "enable.partition.eof": "false",
            ], events: RD_KAFKA_EVENT_REBALANCE | RD_KAFKA_EVENT_ERROR | RD_KAFKA_EVENT_OFFSET_COMMIT)
    }

    /// Settings of a client that reads outside of groups, and asks the cluster things.
    static func reader(_ settings: KafkaSettings) throws(KafkaSettingsError) -> ClientConfiguration {
        try ClientConfiguration(
            settings, defaults: ["queued.max.messages.kbytes": "16384"],
            fixed: [
                // Short, because the end of a partition is known only when a fetch comes back with nothing.
                "fetch.wait.max.ms": "10", "enable.partition.eof": "true", "auto.offset.reset": "error",
            ], events: RD_KAFKA_EVENT_ERROR)
    }

    private init(
        _ settings: KafkaSettings, defaults: [String: String], fixed: [String: String], events: Int32
    ) throws(KafkaSettingsError) {
        pointer = rd_kafka_conf_new()
        for (name, value) in Self.common.merging(defaults, uniquingKeysWith: { $1 })
        where settings.client[name] == nil { try set(name, value) }
        for (name, value) in settings.client {
            guard !Self.reserved.contains(name) else {
                throw KafkaSettingsError(name, "is not yours to set: what Earshot promises rests on it")
            }
            try set(name, value.reveal())
        }
        for (name, value) in fixed { try set(name, value) }
        try set("bootstrap.servers", settings.brokers.joined(separator: ","))
        // Headers are a little longer on the wire than in a record batch.
        try set("message.max.bytes", String(settings.recordBytes + (64 << 10)))
        rd_kafka_conf_set_events(pointer, events)
    }

    deinit { rd_kafka_conf_destroy(pointer) }

    /// Hands the settings to a new client.
    ///
    /// - Parameter context: What callbacks get; it must outlive the client.
    consuming func makeClient(
        _ type: rd_kafka_type_t, context: Unmanaged<ClientContext>
    ) throws(KafkaSettingsError) -> OpaquePointer {
        rd_kafka_conf_set_log_cb(pointer) { client, level, facility, text in
            guard let client, let opaque = rd_kafka_opaque(client), let text else { return }
            Unmanaged<ClientContext>.fromOpaque(opaque).takeUnretainedValue()
                .log(String(cString: text), facility: facility.map { String(cString: $0) } ?? "", level: level)
        }
        var reason = [CChar](repeating: 0, count: 512)
        // A copy, because a client takes its settings over only if it can be made.
        let copy = rd_kafka_conf_dup(pointer)
        rd_kafka_conf_set_opaque(copy, context.toOpaque())
        guard let client = rd_kafka_new(type, copy, &reason, reason.count) else {
            rd_kafka_conf_destroy(copy)
            throw KafkaSettingsError("client", "librdkafka refuses the settings: \(reason.asText)")
        }
        return client
    }

    private func set(_ name: String, _ value: String) throws(KafkaSettingsError) {
        var reason = [CChar](repeating: 0, count: 512)
        switch rd_kafka_conf_set(pointer, name, value, &reason, reason.count) {
        case RD_KAFKA_CONF_OK: return
        case RD_KAFKA_CONF_UNKNOWN:
            throw KafkaSettingsError(name, "is no setting of librdkafka \(String(cString: rd_kafka_version_str()))")
        default: throw KafkaSettingsError(name, reason.asText)
        }
    }

    /// Whether librdkafka has a setting of this name.
    static func isKnown(_ name: String) -> Bool {
        let pointer = rd_kafka_conf_new()
        defer { rd_kafka_conf_destroy(pointer) }
        var size = 0
        return rd_kafka_conf_get(pointer, name, nil, &size) == RD_KAFKA_CONF_OK
    }

    private static let hasLZ4: Bool = {
        let pointer = rd_kafka_conf_new()
        defer { rd_kafka_conf_destroy(pointer) }
        return rd_kafka_conf_set(pointer, "compression.codec", "lz4", nil, 0) == RD_KAFKA_CONF_OK
    }()
}
