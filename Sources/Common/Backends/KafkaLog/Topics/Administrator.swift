import CRdKafka
import Common
import Foundation

/// What is asked of the cluster, in calls that block: for a thread of its own.
struct Administrator {
    let reader: ReaderClient
    /// What a single question may take.
    static let patience: Int32 = 15_000

    private var client: OpaquePointer { reader.handle.pointer }

    /// All topics with their number of partitions, and the number of brokers.
    ///
    /// All of them, because to ask for one by its name may make it.
    func cluster(patience: Int32 = patience) throws -> (topics: [String: Int], brokers: Int) {
        var pointer: UnsafePointer<rd_kafka_metadata>?
        try KafkaFailure.check(
            rd_kafka_metadata(client, 1, nil, &pointer, patience), "Kafka does not tell its topics")
        guard let pointer else { return ([:], 0) }
        defer { rd_kafka_metadata_destroy(pointer) }
        var topics: [String: Int] = [:]
        for topic in UnsafeBufferPointer(start: pointer.pointee.topics, count: Int(pointer.pointee.topic_cnt))
        where topic.err == RD_KAFKA_RESP_ERR_NO_ERROR {
            topics[String(cString: topic.topic)] = Int(topic.partition_cnt)
        }
        return (topics, Int(pointer.pointee.broker_cnt))
    }

    /// All topics with their number of partitions, as soon as these are among them.
    ///
    /// A topic that was just made, here or by another process that starts at the same time, is told of only when its
    /// partitions have leaders.
    ///
    /// - Throws: ``EventLogError/unavailable(_:)`` if they are not told of within ``patience``.
    func topics(once made: [Topic]) throws -> [String: Int] {
        let end = ContinuousClock.now + .milliseconds(Int(Self.patience))
        while true {
            let known = try cluster().topics
            let missing = made.filter { known[$0.name] == nil }
            if missing.isEmpty { return known }
            guard ContinuousClock.now < end else {
                throw EventLogError.unavailable(
                    "\(missing.map(\.name).joined(separator: ", ")) was made, and Kafka gives it no leader")
            }
            usleep(20_000)
        }
    }

    /// The first offset of a partition that is kept and the one past the last.
    func bounds(of topic: String, partition: Int) throws -> PartitionBounds {
        try bounds(of: topic, partitions: CollectionOfOne(partition))[0]
    }

    /// The same of several.
    func bounds(of topic: String, partitions: some Collection<Int>) throws -> [PartitionBounds] {
        try PartitionEnds.find(client, topic, partitions, patience: Self.patience)
    }

    /// Makes a topic.
    func create(_ topic: Topic, with configuration: [String: String], replicas: Int) throws {
        var reason = [CChar](repeating: 0, count: 512)
        guard
            let question = rd_kafka_NewTopic_new(
                topic.name, Int32(topic.partitions), Int32(replicas), &reason, reason.count)
        else { throw EventLogError.topicMismatch("\(topic.name) cannot be a topic: \(reason.asText)") }
        defer { rd_kafka_NewTopic_destroy(question) }
        for (name, value) in configuration { rd_kafka_NewTopic_set_config(question, name, value) }
        try ask("to make \(topic.name)") { options, queue in
            var asked: OpaquePointer? = question
            rd_kafka_CreateTopics(client, &asked, 1, options, queue)
        } answer: { event in
            var count = 0
            let results = rd_kafka_CreateTopics_result_topics(rd_kafka_event_CreateTopics_result(event), &count)
            guard count > 0, let result = results?[0] else { return }
            switch rd_kafka_topic_result_error(result) {
            case RD_KAFKA_RESP_ERR_NO_ERROR, RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS: break
            case let code:
                let why = rd_kafka_topic_result_error_string(result).map { String(cString: $0) } ?? ""
                let error = KafkaFailure.error(code, "cannot make the topic \(topic.name) (\(why))", topic: topic.name)
                if case .denied(let reason) = error {
                    throw EventLogError.denied("\(reason); have it made by somebody who may, and set topics=expect")
                }
                throw error
            }
        }
    }

    /// Settings of topics by name.
    func configuration(of topic: String) throws -> [String: String] {
        var question = rd_kafka_ConfigResource_new(RD_KAFKA_RESOURCE_TOPIC, topic)
        defer { rd_kafka_ConfigResource_destroy(question) }
        var settings: [String: String] = [:]
        try ask("how \(topic) is kept") { options, queue in
            rd_kafka_DescribeConfigs(client, &question, 1, options, queue)
        } answer: { event in
            var count = 0
            let resources = rd_kafka_DescribeConfigs_result_resources(
                rd_kafka_event_DescribeConfigs_result(event), &count)
            guard count > 0, let resource = resources?[0] else { return }
            try KafkaFailure.check(
                rd_kafka_ConfigResource_error(resource), "Kafka does not tell how \(topic) is kept", topic: topic)
            var size = 0
            let entries = rd_kafka_ConfigResource_configs(resource, &size)
            for index in 0..<size {
                guard let entry = entries?[index], let name = rd_kafka_ConfigEntry_name(entry) else { continue }
                settings[String(cString: name)] = rd_kafka_ConfigEntry_value(entry).map { String(cString: $0) }
            }
        }
        return settings
    }

    /// Removes records that are older than an instant, from the front of each partition up to the first that is not.
    func removeRecords(of topic: Topic, before cutoff: Timestamp) throws {
        let (name, what) = (topic.name, "cannot find what of \(topic) is old")
        let partitions = try cluster().topics[name] ?? 0
        let list = PartitionList(name, (0..<partitions).map { ($0, max(0, cutoff.milliseconds)) })
        try KafkaFailure.check(rd_kafka_offsets_for_times(client, list.pointer, Self.patience), what, topic: name)
        var fronts: [(partition: Int, offset: Int64)] = []
        for entry in list.entries {
            try KafkaFailure.check(entry.err, what, topic: name)
            let bounds = try bounds(of: name, partition: Int(entry.partition))
            // No such offset: nothing is as young as that.
            let front = entry.offset < 0 ? bounds.end : entry.offset
            if front > bounds.first { fronts.append((Int(entry.partition), front)) }
        }
        guard !fronts.isEmpty else { return }
        let removed = PartitionList(name, fronts)
        var question = rd_kafka_DeleteRecords_new(removed.pointer)
        defer { rd_kafka_DeleteRecords_destroy(question) }
        try ask("to remove old records of \(topic)") { options, queue in
            rd_kafka_DeleteRecords(client, &question, 1, options, queue)
        } answer: { event in
            let offsets = rd_kafka_DeleteRecords_result_offsets(rd_kafka_event_DeleteRecords_result(event))
            for entry in offsets?.pointee.entries ?? UnsafeBufferPointer(start: nil, count: 0) {
                try KafkaFailure.check(entry.err, "cannot remove old records of \(topic)", topic: name)
            }
        }
    }

    /// Asks the cluster something and waits for the answer.
    private func ask(
        _ what: String, _ question: (_ options: OpaquePointer?, _ queue: OpaquePointer?) -> Void,
        answer: (OpaquePointer) throws -> Void
    ) throws {
        let queue = rd_kafka_queue_new(client)
        defer { rd_kafka_queue_destroy(queue) }
        let options = rd_kafka_AdminOptions_new(client, RD_KAFKA_ADMIN_OP_ANY)
        defer { rd_kafka_AdminOptions_destroy(options) }
        rd_kafka_AdminOptions_set_request_timeout(options, Self.patience, nil, 0)
        question(options, queue)
        guard let event = rd_kafka_queue_poll(queue, Self.patience * 2) else {
            throw EventLogError.unavailable("Kafka did not answer when asked \(what)")
        }
        defer { rd_kafka_event_destroy(event) }
        let code = rd_kafka_event_error(event)
        if code != RD_KAFKA_RESP_ERR_NO_ERROR {
            let reason = rd_kafka_event_error_string(event).map { String(cString: $0) } ?? ""
            throw KafkaFailure.error(code, "Kafka was asked \(what): \(reason)")
        }
        try answer(event)
    }
}
