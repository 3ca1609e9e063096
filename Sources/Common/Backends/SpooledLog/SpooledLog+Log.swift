public import Common
import Logging
import Synchronization

/// What is the log's own affair: everything but appends of one topic.
extension SpooledLog {
    public func create(_ topics: [Topic]) async throws {
        let isLater = state.withLock { state in
            if state.awaitsLog { state.toBeCreated += topics }
            return state.awaitsLog
        }
        guard !isLater else { return }
        do {
            try await log.create(topics)
            guard topics.contains(settings.topic) else { return }
            // Should something be in doubt, this is from where on the log is looked through.
            for bounds in try await log.bounds(of: settings.topic) {
                state.withLock { $0.ends.reach(bounds.end, in: bounds.partition) }
            }
        } catch let error as EventLogError where error.mayPass && copy?.isEmpty == false {
            // A cluster that has just begun answers before it knows its topics
            state.withLock { state in
                state.awaitsLog = true
                state.toBeCreated += topics
                state.gate.close(reason: "\(error)")
                begin(&state, "\(error)")
            }
        }
    }

    public func consumer(
        of topic: Topic, group: ConsumerGroup, start: @escaping @Sendable (Int) async throws -> Int64?
    ) async throws -> any LogConsumer {
        let consumer = try await log.consumer(of: topic, group: group, start: start)
        guard let copy, copy.topic == topic else { return consumer }
        return CopyingConsumer(base: consumer, copy: copy)
    }

    /// Reads from the log; as long as it has been away since this process began, from the copy.
    public func read(_ topic: Topic, partition: Int, from offset: Int64, limit: Int) async throws -> RecordBatch {
        guard let copy, copy.topic == topic else {
            try requireLog()
            return try await log.read(topic, partition: partition, from: offset, limit: limit)
        }
        guard !awaitsLog else { return try await copy.read(from: offset, limit: limit) }
        let records = try await log.read(topic, partition: partition, from: offset, limit: limit)
        do {
            try await copy.note(records)
        } catch {
            logger.warning("the copy of \(topic) is not brought up to date", metadata: ["error": "\(error)"])
        }
        return records
    }

    public func bounds(of topic: Topic) async throws -> [PartitionBounds] {
        try requireLog()
        return try await log.bounds(of: topic)
    }

    /// Does not let anybody wait for a log that is known to be away.
    private func requireLog() throws {
        if awaitsLog { throw EventLogError.unavailable("it has been away since this process began") }
    }

    public func committed(_ group: ConsumerGroup, topic: Topic) async throws -> [Int64] {
        try await log.committed(group, topic: topic)
    }

    public func maintain(now: Timestamp) async throws { try await log.maintain(now: now) }

    /// Degraded while records go to the spool; unavailable once it is full.
    public func health() async -> LogHealth {
        let spool = spool
        guard let reason = spool.reason else { return await log.health() }
        let what = "\(spool.records) records (\(spool.bytes) bytes) wait in the spool"
        return spool.bytes >= settings.maximumBytes
            ? .unavailable(reason: "\(what), which is full: \(reason)") : .degraded(reason: "\(what): \(reason)")
    }
}

extension EventLogError {
    /// Whether waiting may mend it.
    fileprivate var mayPass: Bool {
        switch self {
        case .unavailable, .unknownTopic: true
        case .denied, .fenced, .topicMismatch, .recordTooLarge, .corrupt, .closed: false
        }
    }
}
