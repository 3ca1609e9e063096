import Common
import DequeModule
import Foundation
import Logging
import Synchronization
import Threads

/// The way to the one thread that appends.
///
/// It hands batches to librdkafka in their order and answers when all records of a batch are reported. If
/// librdkafka's queue is full, it waits for reports: then the batches wait here, and their senders with them. When the
/// oldest batch was not taken for too long, all are given up at once, so that of each partition's records those that
/// are there are the first.
final class Producer: Sendable {
    /// What may wait here, in bytes, beside what librdkafka's own queue holds.
    private static let waitingBytes = 256 << 20

    private let mailbox = Mailbox<PendingAppend>()
    private let thread: WorkerThread
    private let waiting = Mutex(0)

    init(_ settings: KafkaSettings, problem: ConnectionProblem, logger: Logger) throws(KafkaSettingsError) {
        let context = ClientContext(logger: logger, problem: problem) { [mailbox] in mailbox.ring() }
        let loop = ProducerLoop(
            try ProducerClient(settings, context), mailbox: mailbox, problem: problem,
            patience: ClientConfiguration.patience(settings)
        ) { try ProducerClient(settings, context) }
        thread = WorkerThread(name: "kafka-producer") { loop.run() }
    }

    /// - Throws: ``EventLogError``; of a batch that failed, some records may be there.
    func append(_ batch: RecordBatch, to topic: String) async throws -> [LogPosition] {
        let bytes = batch.arena.count
        let isTaken = waiting.withLock { waiting in
            guard waiting == 0 || waiting + bytes <= Self.waitingBytes else { return false }
            waiting += bytes
            return true
        }
        guard isTaken else {
            throw EventLogError.unavailable(
                "\(Self.waitingBytes >> 20) MiB wait for Kafka already; send it again later")
        }
        defer { waiting.withLock { $0 -= bytes } }
        return try await withCheckedThrowingContinuation { continuation in
            let append = PendingAppend(batch, topic: topic, continuation: continuation)
            if !mailbox.put(append) {
                append.fail(.closed)
                append.answer(explainedBy: ConnectionProblem())
            }
        }
    }

    /// Delivers what waits, then ends the thread.
    func close() async {
        mailbox.close()
        await thread.finished()
    }

    func abandon() { mailbox.close() }
}

/// What the producer's thread does. Nothing here is touched by another thread.
private final class ProducerLoop: @unchecked Sendable {
    private var client: ProducerClient
    private let makeClient: () throws -> ProducerClient
    private let mailbox: Mailbox<PendingAppend>
    private let problem: ConnectionProblem
    /// Batches that librdkafka has not taken as a whole, in their order.
    private var backlog: Deque<PendingAppend> = []
    /// Batches of which it has taken something, in their order; those that are settled are taken out from the front.
    private var flying: Deque<PendingAppend> = []
    /// Records that it has taken and not reported.
    private var unreported = 0
    private let patience: TimeInterval

    init(
        _ client: ProducerClient, mailbox: Mailbox<PendingAppend>, problem: ConnectionProblem, patience: TimeInterval,
        makeClient: @escaping () throws -> ProducerClient
    ) {
        self.client = client
        self.mailbox = mailbox
        self.problem = problem
        self.patience = patience
        self.makeClient = makeClient
    }

    func run() {
        while let appends = mailbox.takeAll(until: deadline) {
            backlog.append(contentsOf: appends)
            work()
        }
        // Closed: every record in hand is delivered, or its time is over.
        while unreported > 0 || !backlog.isEmpty {
            work()
            if unreported > 0 { mailbox.wait(until: deadline) }
        }
    }

    /// When the oldest batch is given up.
    private var deadline: Date? { flying.first?.deadline }

    private func work() {
        takeReports()
        if client.fatal != nil { replaceClient() }
        if let deadline, deadline <= Date() {
            for append in flying {
                append.fail(.unavailable("Kafka did not take it within \(patience) s; some of it may be there"))
            }
            replaceClient()
        }
        while let append = backlog.first {
            let before = append.enqueued
            if append.deadline == nil {
                append.deadline = Date(timeIntervalSinceNow: patience)
                flying.append(append)
            }
            let isDone: Bool
            if let topic = client.topic(append.topic) {
                isDone = append.enqueue(on: client.handle, topic: topic)
            } else {
                append.fail(.unavailable("librdkafka takes no topic \(append.topic)"))
                isDone = true
            }
            unreported += append.enqueued - before
            guard isDone else { return }
            backlog.removeFirst()
            if append.isSettled { append.answer(explainedBy: problem) }
        }
    }

    private func takeReports() {
        let (count, settled) = client.takeReports()
        unreported -= count
        // The first of the backlog is answered when it has left it.
        for append in settled where append !== backlog.first { append.answer(explainedBy: problem) }
        while let oldest = flying.first, oldest.isSettled { flying.removeFirst() }
    }

    /// Gives up a client that takes nothing any more, and what it has.
    private func replaceClient() {
        client.purge()
        takeReports()
        while unreported > 0 {
            mailbox.wait()
            takeReports()
        }
        // If none can be made now, the appends fail and the next one tries again.
        if let fresh = try? makeClient() { client = fresh }
    }
}
