import Common
import Synchronization
import Threads

/// The way to the one thread that writes.
///
/// The thread takes everything that waits, commits it at once, and answers all together. While a commit is on its
/// way to the disk the next group gathers: a group is as large as the load makes it, and nobody waits for a timer.
final class LogWriter: Sendable {
    enum Work: Sendable {
        case append(Append)
        case commit(Commit)
        /// Something with transactions of its own.
        case other(@Sendable (LogConnection) -> Void)

        var bytes: Int { if case .append(let append) = self { append.batch.arena.count } else { 0 } }
    }

    /// One append on its way; a class, because it passes through several hands.
    final class Append: Sendable {
        let topic: String
        let batch: RecordBatch
        /// The partition of each record.
        let partitions: [Int32]
        let continuation: CheckedContinuation<[LogPosition], any Error>

        init(
            topic: String, batch: RecordBatch, partitions: [Int32],
            continuation: CheckedContinuation<[LogPosition], any Error>
        ) {
            self.topic = topic
            self.batch = batch
            self.partitions = partitions
            self.continuation = continuation
        }
    }

    struct Commit: Sendable {
        let group: ConsumerGroup
        let topic: String
        /// Next offsets, by partition.
        let positions: [Int: Int64]
        let continuation: CheckedContinuation<Void, any Error>
    }

    /// What may wait for the disk; beyond it an append is refused.
    private static let waitingBytesAtMost = 256 << 20

    private let mailbox = Mailbox<Work>()
    private let waitingBytes = Atomic(0)
    private let thread: WorkerThread

    init(connection: LogConnection, coordinator: Coordinator, checkpointer: Checkpointer) {
        thread = WorkerThread(name: "log-writer") { [mailbox] in
            var loop = WriterLoop(connection: connection, coordinator: coordinator, checkpointer: checkpointer)
            while let work = mailbox.takeAll() { loop.process(work) }
        }
    }

    func append(_ batch: RecordBatch, to topic: String, partitions: [Int32]) async throws -> [LogPosition] {
        let bytes = batch.arena.count
        let waiting = waitingBytes.add(bytes, ordering: .relaxed).newValue
        defer { waitingBytes.subtract(bytes, ordering: .relaxed) }
        guard waiting == bytes || waiting <= Self.waitingBytesAtMost else {
            throw EventLogError.unavailable("more waits for the disk than is allowed; send less")
        }
        return try await withCheckedThrowingContinuation { continuation in
            let work = Append(topic: topic, batch: batch, partitions: partitions, continuation: continuation)
            if !mailbox.put(.append(work)) { continuation.resume(throwing: EventLogError.closed) }
        }
    }

    func commit(_ positions: [Int: Int64], of group: ConsumerGroup, topic: String) async throws {
        try await withCheckedThrowingContinuation { continuation in
            let work = Commit(group: group, topic: topic, positions: positions, continuation: continuation)
            if !mailbox.put(.commit(work)) { continuation.resume(throwing: EventLogError.closed) }
        }
    }

    /// Runs `body` on the writer's thread, between two commits.
    func perform<Value: Sendable>(
        _ body: @escaping @Sendable (LogConnection) throws -> Value
    ) async throws -> Value {
        try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Value, any Error>) in
            let isTaken = mailbox.put(
                .other { connection in continuation.resume(with: Result { try body(connection) }) })
            if !isTaken { continuation.resume(throwing: EventLogError.closed) }
        }
    }

    /// Commits what waits, takes nothing more and ends the thread.
    func close() async {
        mailbox.close()
        await thread.finished()
    }

    /// As ``close()``, without waiting.
    func abandon() { mailbox.close() }
}
