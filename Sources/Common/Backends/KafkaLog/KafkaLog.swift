public import Common
public import Logging
public import ServiceLifecycle
import Synchronization
import Threads

/// The event log on an Apache Kafka cluster, for services apart.
///
/// What `append` returned for is on all replicas in sync. Each client of librdkafka has a thread of ours, which sleeps
/// until there is something to do; no call blocks a thread of the cooperative pool.
///
/// ```swift
/// let log = try KafkaLog(KafkaSettings(url: "kafka://broker:9092"), logger: logger)
/// try await log.create(Topic.all)
/// ```
/// As a service it closes at shutdown; put it before those that use it. Kafka itself removes what is old.
public final class KafkaLog: EventLog, Service {
    private let settings: KafkaSettings
    private let logger: Logger
    private let problem = ConnectionProblem()
    private let catalog = TopicCatalog()
    private let producer: Producer
    /// One thread reads partitions, which may take long, the other asks the cluster things.
    private let reading: BlockingCalls
    private let asking: BlockingCalls
    /// Used by the thread that asks.
    private let offsets: GroupOffsets
    private let state = Mutex(State())

    private struct State {
        var isClosed = false
        /// The topics that were asked for.
        var declared: Set<Topic> = []
        var lastMember = 0
        var members: [Int: Membership] = [:]
    }

    /// Prepares the clients; brokers are looked for in the background.
    ///
    /// - Throws: ``KafkaSettingsError``.
    public init(_ settings: KafkaSettings, logger: Logger) throws(KafkaSettingsError) {
        self.settings = settings
        self.logger = logger
        // Whatever a consumer would refuse is refused here.
        _ = try ClientConfiguration.member(of: "check", settings)
        producer = try Producer(settings, problem: problem, logger: logger)
        let context = ClientContext(logger: logger, problem: problem) {}
        let client = try ReaderClient(settings, context)
        offsets = GroupOffsets(settings, context)
        reading = BlockingCalls(name: "kafka-reader", client)
        asking = BlockingCalls(name: "kafka-admin", client)
    }

    deinit {
        for member in state.withLock({ $0.members.values }) { member.abandon() }
        producer.abandon()
        reading.abandon()
        asking.abandon()
    }

    public func create(_ topics: [Topic]) async throws {
        try await ask { [settings, catalog] administrator in
            let (known, brokers) = try administrator.cluster()
            catalog.replace(with: known)
            for topic in topics {
                if let partitions = known[topic.name] {
                    try Self.check(topic, partitions: partitions, settings, administrator)
                } else {
                    try Self.make(topic, brokers: brokers, settings, administrator)
                }
            }
            if !topics.allSatisfy({ known[$0.name] != nil }) {
                catalog.replace(with: try administrator.topics(once: topics))
            }
        }
        state.withLock { $0.declared.formUnion(topics) }
    }

    private static func make(
        _ topic: Topic, brokers: Int, _ settings: KafkaSettings, _ administrator: Administrator
    ) throws {
        guard settings.topics == .create else { throw EventLogError.unknownTopic(topic.name) }
        var others = settings.topic
        let replicas = others.removeValue(forKey: "replication.factor").flatMap { Int($0) } ?? min(3, brokers)
        try administrator.create(
            topic, with: topic.configuration(recordBytes: settings.recordBytes, others: others), replicas: replicas)
    }

    private static func check(
        _ topic: Topic, partitions: Int, _ settings: KafkaSettings, _ administrator: Administrator
    ) throws {
        guard partitions >= topic.partitions else {
            throw EventLogError.topicMismatch(
                "\(topic.name) has \(partitions) partitions, \(topic.partitions) are declared: add some")
        }
        guard settings.topics == .create else { return }
        if let mismatch = topic.mismatch(with: try administrator.configuration(of: topic.name)) {
            throw EventLogError.topicMismatch(mismatch)
        }
    }

    @discardableResult
    public func append(_ batch: RecordBatch, to topic: Topic) async throws -> [LogPosition] {
        _ = try await partitions(of: topic)
        if batch.isEmpty { return [] }
        for entry in batch.entries where entry.length > settings.recordBytes {
            throw EventLogError.recordTooLarge(bytes: entry.length, limit: settings.recordBytes)
        }
        do {
            return try await producer.append(batch, to: topic.name)
        } catch EventLogError.unknownTopic(let name) {
            // It was there; somebody removed it.
            catalog.forget(name)
            throw EventLogError.unknownTopic(name)
        }
    }

    public func consumer(
        of topic: Topic, group: ConsumerGroup, start: @escaping @Sendable (Int) async throws -> Int64?
    ) async throws -> any LogConsumer {
        _ = try await partitions(of: topic)
        let mailbox = Mailbox<Membership.Work>()
        let member = try GroupMember(
            of: settings.groupPrefix + group.name, topic: topic, settings: settings,
            context: ClientContext(logger: logger, problem: problem) { [mailbox] in mailbox.ring() },
            problem: problem)
        let membership = try state.withLock { state in
            if state.isClosed { throw EventLogError.closed }
            state.lastMember += 1
            let number = state.lastMember
            let membership = Membership(member, mailbox: mailbox) { [weak self] in
                self?.state.withLock { _ = $0.members.removeValue(forKey: number) }
            }
            state.members[number] = membership
            return membership
        }
        return KafkaLogConsumer(membership, start: start)
    }

    public func read(_ topic: Topic, partition: Int, from offset: Int64, limit: Int) async throws -> RecordBatch {
        let partitions = try await partitions(of: topic)
        guard (0..<partitions).contains(partition) else {
            throw EventLogError.unknownTopic("\(topic.name), partition \(partition)")
        }
        return try await explained {
            try await self.reading.perform {
                try $0.read(topic.name, partition: partition, from: offset, limit: limit)
            }
        }
    }

    public func bounds(of topic: Topic) async throws -> [PartitionBounds] {
        let partitions = try await partitions(of: topic)
        return try await ask { administrator in
            try administrator.bounds(of: topic.name, partitions: 0..<partitions)
        }
    }

    public func committed(_ group: ConsumerGroup, topic: Topic) async throws -> [Int64] {
        let partitions = try await partitions(of: topic)
        return try await ask { [settings, offsets] _ in
            try offsets.committed(
                settings.groupPrefix + group.name, topic: topic.name, partitions: partitions,
                patience: Administrator.patience)
        }
    }

    /// Removes records that are older than the topic keeps them. Kafka does so too, segment by segment, and compacts
    /// on its own.
    public func maintain(now: Timestamp) async throws {
        let declared = state.withLock { $0.declared }
        try await ask { administrator in
            for topic in declared {
                guard case .days(let days) = topic.retention else { continue }
                try administrator.removeRecords(
                    of: topic, before: Timestamp(milliseconds: now.milliseconds - Int64(days) * 86_400_000))
            }
        }
    }

    public func health() async -> LogHealth {
        do {
            _ = try await ask { try $0.cluster(patience: 3000) }
            problem.clear()
            return .available
        } catch {
            return .unavailable(reason: "\(error)")
        }
    }

    /// Works until shutdown, then closes.
    public func run() async throws {
        try? await gracefulShutdown()
        await close()
    }

    /// Delivers what waits, leaves the groups and closes the clients. Everything else throws
    /// ``EventLogError/closed`` from now on.
    public func close() async {
        let members: [Membership]? = state.withLock { state in
            defer { state.isClosed = true }
            return state.isClosed ? nil : Array(state.members.values)
        }
        guard let members else { return }
        await withTaskGroup(of: Void.self) { tasks in
            for member in members { tasks.addTask { await member.close() } }
        }
        await producer.close()
        await reading.close()
        await asking.close()
        offsets.close()
    }

    /// A topic's number of partitions.
    ///
    /// - Throws: ``EventLogError/unknownTopic(_:)`` if the cluster does not have it, ``EventLogError/closed``.
    private func partitions(of topic: Topic) async throws -> Int {
        if state.withLock({ $0.isClosed }) { throw EventLogError.closed }
        if let partitions = catalog[topic.name] { return partitions }
        try await ask { [catalog] in catalog.replace(with: try $0.cluster().topics) }
        guard let partitions = catalog[topic.name] else { throw EventLogError.unknownTopic(topic.name) }
        return partitions
    }

    private func ask<Value: Sendable>(
        _ body: @escaping @Sendable (Administrator) throws -> Value
    ) async throws -> Value {
        if state.withLock({ $0.isClosed }) { throw EventLogError.closed }
        return try await explained {
            try await self.asking.perform { reader in
                // What the client has heard meanwhile may be why it failed.
                defer { reader.handle.drain { _, _ in } }
                return try body(Administrator(reader: reader))
            }
        }
    }

    /// Gives an error the reason that the clients have heard.
    private func explained<Value: Sendable>(_ body: () async throws -> Value) async throws -> Value {
        do {
            return try await body()
        } catch EventLogError.closed where !state.withLock({ $0.isClosed }) {
            // librdkafka says so as well of a question to a broker that it gives up.
            throw problem.explaining(.unavailable("the broker that was asked is gone"))
        } catch let error as EventLogError {
            throw problem.explaining(error)
        }
    }
}
