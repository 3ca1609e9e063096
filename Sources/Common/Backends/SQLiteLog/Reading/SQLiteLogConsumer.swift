import Common

/// A member of a group: it pulls when it is asked, and sleeps until the writer has something for it.
final class SQLiteLogConsumer: LogConsumer {
    /// What one pull may hold; it is exceeded only by a record that is larger.
    private static let pullBytes = 8 << 20

    private let id: MemberID
    private let topic: TopicState
    private let group: ConsumerGroup
    private let start: @Sendable (Int) async throws -> Int64?
    private let coordinator: Coordinator
    private let reader: LogReader
    private let writer: LogWriter

    init(
        id: MemberID, topic: TopicState, group: ConsumerGroup, start: @escaping @Sendable (Int) async throws -> Int64?,
        coordinator: Coordinator, reader: LogReader, writer: LogWriter
    ) {
        self.id = id
        self.topic = topic
        self.group = group
        self.start = start
        self.coordinator = coordinator
        self.reader = reader
        self.writer = writer
    }

    deinit { coordinator.leave(id) }

    func next(limit: Int, wait: Duration) async throws -> [PartitionBatch] {
        let deadline = ContinuousClock.now + wait
        while true {
            try Task.checkCancellation()
            let turn = try coordinator.turn(of: id)
            if !turn.unplaced.isEmpty {
                try await place(turn.unplaced)
            } else if !turn.readable.isEmpty {
                let batches = try await read(turn, limit: max(1, limit))
                if !batches.isEmpty { return batches }
            } else {
                if ContinuousClock.now >= deadline { return [] }
                await sleep(until: deadline)
            }
        }
    }

    func commit(_ batches: [PartitionBatch]) async throws {
        guard !batches.isEmpty else { return }
        try coordinator.requireOwner(id, of: batches.map(\.partition))
        let positions = Dictionary(batches.map { ($0.partition, $0.next) }, uniquingKeysWith: { $1 })
        try await writer.commit(positions, of: group, topic: topic.topic.name)
    }

    func seek(partition: Int, to offset: Int64) async throws {
        try coordinator.place(id, in: partition, at: offset)
    }

    func close() async { coordinator.leave(id) }

    /// Finds out where partitions that are new to this member begin.
    private func place(_ partitions: [Int]) async throws {
        var committed: [Int: Int64]?
        for partition in partitions {
            var offset = try await start(partition)
            if offset == nil {
                if committed == nil {
                    committed = try await reader.perform { [group, topic] in
                        try $0.committed(group.name, topic: topic.id)
                    }
                }
                offset = committed?[partition]
            }
            try coordinator.place(id, in: partition, at: offset ?? 0)
        }
    }

    private func read(_ turn: Coordinator.Turn, limit: Int) async throws -> [PartitionBatch] {
        let shares = fairShares(of: limit, over: turn.readable.map { $0.end - $0.from })
        let stretches = zip(turn.readable, shares).filter { $1 > 0 }.map { source, share in
            let table = LogSchema.chunks(topic: topic.id, partition: source.partition)
            let stretch = Stretch(
                table: table, from: source.from, end: source.end, limit: share,
                maximumBytes: Self.pullBytes / turn.readable.count)
            return (partition: source.partition, stretch: stretch)
        }
        let batches = try await reader.perform { [topic = topic.topic] connection in
            try stretches.map { partition, stretch in
                let (records, next) = try connection.read(stretch)
                return PartitionBatch(
                    topic: topic, partition: partition, from: stretch.from, next: next, records: records)
            }
        }
        let positions = Dictionary(batches.map { ($0.partition, $0.next) }, uniquingKeysWith: { $1 })
        guard coordinator.advance(id, to: positions) else { throw EventLogError.closed }
        return batches.filter { !$0.records.isEmpty }
    }

    /// Sleeps until there is something to do, the deadline or cancellation.
    private func sleep(until deadline: ContinuousClock.Instant) async {
        let alarm = Task { [coordinator, id] in
            try await Task.sleep(until: deadline, clock: .continuous)
            coordinator.rouse(id)
        }
        await withTaskCancellationHandler {
            await coordinator.wait(id)
        } onCancel: { [coordinator, id] in
            coordinator.rouse(id)
        }
        alarm.cancel()
        coordinator.calm(id)
    }
}
