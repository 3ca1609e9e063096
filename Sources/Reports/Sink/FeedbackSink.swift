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

    func start(of partition: Int) async throws -> Int64? {
        try await database.read { try $0.nextOffset(topic: .feedback, partition: partition) }
    }

    func handle(_ batches: [PartitionBatch]) async throws { try await prepare(batches)() }

    func prepare(_ batches: [PartitionBatch]) async throws -> @Sendable () async throws -> Void {
        let now = now()
        let incoming = await Self.read(batches, at: now)
        return { try await store(batches, incoming, at: now) }
    }

    private func store(_ batches: [PartitionBatch], _ incoming: [Incoming], at now: Timestamp) async throws {
        try await setAside(incoming)
        let workspaces = directory.current.workspaces
        let known = words.current
        let oldest = retention.oldest(at: now)
        let outcome = try await database.write { connection in
            var transaction = SinkTransaction(
                connection, workspaces: workspaces, known: known, oldest: oldest, now: now)
            return try transaction.run(batches, incoming)
        }
        words.add(outcome.words)
        live.publish(outcome.news)
        changed.ring()
        count(outcome)
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
