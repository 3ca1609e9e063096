import Common

/// Copies topics from one log to another so that every record has the offset that it had.
///
/// Tables hold offsets: where a consumer stands, which record an item was read from. What retention has removed from
/// a partition's front is stood in for by empty records as old as time, which retention removes as well. A compacted
/// topic is copied in its order; nobody keeps offsets of it.
struct TopicCopier: Sendable {
    private static let batchRecords = 1000
    /// Every group that commits to the log, and what it reads.
    static let groups: [(group: ConsumerGroup, topic: Topic)] = [
        (.parser, .raw), (.reports, .feedback), (.deadLetters, .deadLetters),
        (ConsumerGroup("fetcher"), .fetchRequests),
    ]

    let source: any EventLog
    let target: any EventLog
    /// Called with a topic and how many records of it were copied since the last time.
    let report: @Sendable (Topic, Int) -> Void

    /// Copies what is not there yet.
    func copy(_ topic: Topic) async throws {
        let ends = try await target.bounds(of: topic)
        let bounds = try await source.bounds(of: topic)
        guard ends.count == bounds.count else {
            throw MigrationFailure(
                "\(topic) has \(ends.count) partitions there and \(bounds.count) here: keys would move; remove the topic"
            )
        }
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            for (bounds, there) in zip(bounds, ends) {
                tasks.addTask {
                    if topic.retention == .compacted {
                        try await copy(topic, bounds, from: bounds.first, expecting: nil)
                    } else {
                        guard there.end <= bounds.end else {
                            throw MigrationFailure("\(topic) ends at \(there.end) there and at \(bounds.end) here")
                        }
                        try await standIn(topic, bounds, from: there.end)
                        let next = max(there.end, bounds.first)
                        try await copy(topic, bounds, from: next, expecting: next)
                    }
                }
            }
            try await tasks.waitForAll()
        }
    }

    private func copy(
        _ topic: Topic, _ bounds: PartitionBounds, from start: Int64, expecting expected: Int64?
    ) async throws {
        var at = start
        var expected = expected
        while at < bounds.end {
            let records = try await source.read(
                topic, partition: bounds.partition, from: at, limit: Self.batchRecords)
            guard !records.isEmpty else { break }
            try await append(records, to: topic, bounds.partition, &expected)
            report(topic, records.count)
            at = records.offset(at: records.count - 1) + 1
        }
    }

    /// Fills a partition up to the first record that is kept.
    private func standIn(_ topic: Topic, _ bounds: PartitionBounds, from end: Int64) async throws {
        guard end < bounds.first else { return }
        let partitions = try await target.bounds(of: topic).count
        let key = (0...).lazy.map { Array(String($0).utf8) }
            .first { Partitioner.partition(forKey: $0, of: partitions) == bounds.partition }
        var expected: Int64? = end
        while let at = expected, at < bounds.first {
            var records = RecordBatch()
            for _ in 0..<min(bounds.first - at, 10_000) {
                records.append(key: key, value: [UInt8](), timestamp: Timestamp(milliseconds: 1))
            }
            try await append(records, to: topic, bounds.partition, &expected)
        }
    }

    /// Appends records, and sees that they go where they are expected.
    private func append(
        _ records: RecordBatch, to topic: Topic, _ partition: Int, _ expected: inout Int64?
    ) async throws {
        let positions = try await target.append(records, to: topic)
        guard let first = expected else { return }
        for (index, position) in positions.enumerated() {
            let wanted = LogPosition(partition: partition, offset: first + Int64(index))
            // A log that does not tell a record's place has it all the same; the ends are compared in the end.
            guard position == wanted || position.offset < 0 else {
                throw MigrationFailure(
                    "a record of \(topic) went to \(position.partition)/\(position.offset) in place of "
                        + "\(partition)/\(wanted.offset): somebody else writes there, or keys are spread otherwise")
            }
        }
        expected = first + Int64(positions.count)
    }

    /// Has each group begin where it is.
    func copyPositions() async throws {
        for (group, topic) in Self.groups {
            let committed = try await source.committed(group, topic: topic)
            let known = try await target.committed(group, topic: topic)
            let bounds = try await target.bounds(of: topic)
            var left = Set(
                bounds.map(\.partition).filter { partition in
                    committed.indices.contains(partition) && committed[partition] > bounds[partition].first
                        && known[partition] != committed[partition]
                })
            guard !left.isEmpty else { continue }
            let wanted = left
            // One record of each partition is read again, the last one that was done with, and committed.
            let consumer = try await target.consumer(of: topic, group: group) { partition in
                wanted.contains(partition) ? committed[partition] - 1 : bounds[partition].end
            }
            do {
                while !left.isEmpty {
                    let batches = try await consumer.next(limit: 1, wait: .seconds(60))
                    guard !batches.isEmpty else {
                        throw MigrationFailure("the group \(group) was given no partition of \(topic) for a minute")
                    }
                    for batch in batches where left.remove(batch.partition) != nil {
                        try await consumer.commit([batch])
                        try await consumer.seek(partition: batch.partition, to: bounds[batch.partition].end)
                    }
                }
            } catch {
                await consumer.close()
                throw error
            }
            await consumer.close()
        }
    }
}
