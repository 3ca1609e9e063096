import Common
import Synchronization

/// A copy of a topic that a process must know before it can serve, for starting while the log is away.
final class TopicCopy: Sendable {
    /// Carries the record's offset on the log.
    private static let header = "offset"

    let topic: Topic
    private let store: any EventLog
    private let copied: Topic
    /// The next offset of the log that is not in the copy.
    private let next: Mutex<Int64>

    /// Opens the copy that is in a store, or begins one.
    init(of topic: Topic, in store: any EventLog) async throws {
        self.topic = topic
        self.store = store
        copied = Topic(name: "copy." + topic.name, retention: .compacted, partitions: 1)
        try await store.create([copied])
        let end = try await store.bounds(of: copied).first?.end ?? 0
        let last = try await store.read(copied, partition: 0, from: end - 1, limit: 1)
        next = Mutex(last.isEmpty ? 0 : Self.offset(of: last, at: 0) + 1)
    }

    /// Whether there is nothing in it.
    var isEmpty: Bool { next.withLock { $0 } == 0 }

    /// Takes in what it does not have of records that were read from the log, in their order.
    ///
    /// A record that is taken in twice, by two readers at once, does no harm.
    func note(_ records: RecordBatch) async throws {
        let known = next.withLock { $0 }
        var batch = RecordBatch()
        for index in 0..<records.count where records.offset(at: index) >= known {
            batch.append(
                key: records.key(at: index), headers: [Self.header: String(records.offset(at: index))],
                value: records.value(at: index), timestamp: records.timestamp(at: index))
        }
        guard !batch.isEmpty else { return }
        try await store.append(batch, to: copied)
        let end = records.offset(at: records.count - 1) + 1
        next.withLock { $0 = max($0, end) }
    }

    /// The records from an offset of the log on.
    func read(from offset: Int64, limit: Int) async throws -> RecordBatch {
        var found = RecordBatch()
        var at: Int64 = 0
        while found.count < limit {
            let records = try await store.read(copied, partition: 0, from: at, limit: 1000)
            guard !records.isEmpty else { break }
            for index in 0..<records.count where found.count < limit {
                let original = Self.offset(of: records, at: index)
                guard original >= offset else { continue }
                found.append(
                    key: records.key(at: index), value: records.value(at: index), offset: original,
                    timestamp: records.timestamp(at: index))
            }
            at = records.offset(at: records.count - 1) + 1
        }
        return found
    }

    private static func offset(of records: RecordBatch, at index: Int) -> Int64 {
        records.headers(at: index)[header].flatMap { Int64($0) } ?? -1
    }
}

/// A consumer whose records go into a copy as well.
struct CopyingConsumer: LogConsumer {
    let base: any LogConsumer
    let copy: TopicCopy

    func next(limit: Int, wait: Duration) async throws -> [PartitionBatch] {
        let batches = try await base.next(limit: limit, wait: wait)
        // A copy that falls behind does no more harm than an older one; it is made up for at the next start.
        for batch in batches { try? await copy.note(batch.records) }
        return batches
    }

    func commit(_ batches: [PartitionBatch]) async throws { try await base.commit(batches) }
    func seek(partition: Int, to offset: Int64) async throws { try await base.seek(partition: partition, to: offset) }
    func close() async { await base.close() }
}
