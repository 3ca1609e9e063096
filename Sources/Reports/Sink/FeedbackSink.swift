import Common
import Foundation
import ServiceKit

/// Takes in `earshot.feedback`: one transaction a pull, all partitions together.
struct FeedbackSink: BatchHandler {
    let log: any EventLog
    let database: any Database
    let directory: Directory
    let words: WordCache
    let live: LiveFeedback
    /// Rung when facts have changed.
    let changed: Bell
    let retention: Retention
    let metrics: Metrics
    let now: @Sendable () -> Timestamp
    /// How often a transaction is run that meets others.
    private static let maximumAttempts = 5

    func start(of partition: Int) async throws -> Int64? {
        try await database.read { try $0.nextOffset(topic: .feedback, partition: partition) }
    }

    func handle(_ batches: [PartitionBatch]) async throws { try await prepare(batches)() }

    func prepare(_ batches: [PartitionBatch]) async throws -> @Sendable () async throws -> Void {
        let now = now()
        let pull = Pull(await Self.read(batches, at: now), known: words.current)
        return { try await store(batches, pull, at: now) }
    }

    private func store(_ batches: [PartitionBatch], _ pull: Pull, at now: Timestamp) async throws {
        try await setAside(pull.records)
        let outcome: SinkTransaction.Outcome
        do {
            outcome = try await transact(batches, pull, at: now)
        } catch DatabaseError.constraint {
            // A fact is there whose item is not: so it cannot go in by COPY.
            outcome = try await transact(batches, pull, expectsStrayFacts: true, at: now)
        }
        words.add(outcome.words)
        live.publish(outcome.news)
        changed.ring()
        count(outcome)
    }

    /// Runs the transaction; it is run again where it met another one, such as the compression of a chunk.
    private func transact(
        _ batches: [PartitionBatch], _ pull: Pull, expectsStrayFacts: Bool = false, at now: Timestamp
    ) async throws -> SinkTransaction.Outcome {
        let workspaces = try await directory.current(with: pull.workspaces).workspaces
        let known = words.current
        let oldest = retention.oldest(at: now)
        var attempts = 0
        while true {
            do {
                return try await database.write { connection in
                    var transaction = SinkTransaction(
                        connection, workspaces: workspaces, known: known, oldest: oldest,
                        expectsStrayFacts: expectsStrayFacts, now: now)
                    return try transaction.run(batches, pull)
                }
            } catch DatabaseError.serializationFailure(let reason) {
                attempts += 1
                guard attempts < Self.maximumAttempts else { throw DatabaseError.serializationFailure(reason) }
            }
        }
    }

    /// Reads the partitions side by side; the order within each stays.
    private static func read(_ batches: [PartitionBatch], at now: Timestamp) async -> [Incoming] {
        await withTaskGroup(of: (Int, [Incoming]).self) { group in
            for (index, batch) in batches.enumerated() {
                group.addTask { (index, Incoming.read(batch, at: now)) }
            }
            var read = [[Incoming]](repeating: [], count: batches.count)
            for await (index, incoming) in group { read[index] = incoming }
            return read.flatMap(\.self)
        }
    }

    /// Dead letters go out before the transaction; sent again after a crash, they have the same ids.
    private func setAside(_ incoming: [Incoming]) async throws {
        var letters = RecordBatch()
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        for case .dead(let letter) in incoming.map(\.content) {
            letters.append(key: letter.id.rawValue, value: try encoder.encode(letter))
        }
        if !letters.isEmpty { try await log.append(letters, to: .deadLetters) }
    }

    private func count(_ outcome: SinkTransaction.Outcome) {
        let sum = outcome.ledgers.values.reduce(ReportsLedger(), +)
        for kind in ItemOutcome.allCases where sum[kind] > 0 {
            metrics.add(Double(sum[kind]), to: .stageItems, [("stage", "reports"), ("outcome", kind.rawValue)])
        }
        if outcome.reprocessed > 0 {
            metrics.add(
                Double(outcome.reprocessed), to: .stageItems, [("stage", "reports"), ("outcome", "reprocessed")])
        }
        if outcome.redelivered > 0 {
            metrics.add(
                Double(outcome.redelivered), to: .stageItems, [("stage", "reports"), ("outcome", "redelivered")])
        }
    }
}
