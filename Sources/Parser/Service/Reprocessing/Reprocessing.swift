import Common
import Connectors
import Engines
import Logging
import ServiceKit
import ServiceLifecycle

/// Reads raw events again, whenever a job asks for it and nothing new waits.
///
/// It touches neither the parser's position nor its ledger: each item has its fate there already. What it appends is
/// marked, so that Reports changes its tables and counts nothing. After each step it notes where it is; what a crash
/// cuts off is sent once more, which changes nothing.
struct Reprocessing: Service {
    let log: any EventLog
    let store: ReprocessStore
    let deadLetters: DeadLetterStore
    let directory: Directory
    let connectors: ConnectorRegistry
    let pipeline: EnginePipeline
    let settings: ParserSettings
    let logger: Logger
    let now: @Sendable () -> Timestamp
    let bell = Bell()

    /// Events read in one step.
    static let stepSize = 500
    /// It waits while more than this is new on the raw topic, or not settled on the feedback topic.
    static let yieldsAt: Int64 = 5000

    /// What a step came to.
    enum Step: Sendable, Hashable {
        /// No job is open.
        case idle
        /// Something new goes first.
        case yielded
        case worked
    }

    func run() async throws {
        await cancelWhenGracefulShutdown {
            while !Task.isCancelled {
                do {
                    switch try await step() {
                    case .idle: await bell.wait(for: nil)
                    case .yielded: await bell.wait(for: .milliseconds(200))
                    case .worked: break
                    }
                } catch {
                    guard !Task.isCancelled else { return }
                    logger.warning("reprocessing failed; going on in a while", metadata: ["error": "\(error)"])
                    await bell.wait(for: .seconds(5))
                }
            }
        }
    }

    /// Begins a job over all that the log keeps now.
    func begin(_ filter: ReprocessFilter) async throws -> ReprocessJob {
        let job = try await store.add(filter, over: try await log.bounds(of: .raw), at: now())
        bell.ring()
        return job
    }

    /// Does the next piece of the oldest open job.
    func step() async throws -> Step {
        guard let job = try await store.open() else { return .idle }
        let open = job.parts.filter { $0.next < $0.end }
        guard !open.isEmpty else {
            try await store.finish(job.id, at: now())
            return .worked
        }
        guard try await !isBusy() else { return .yielded }
        // Only behind the parser itself: what it has not read yet, it reads by the rules of now anyway, and first.
        let positions = try await store.positions()
        guard let part = open.first(where: { $0.next < positions[$0.partition] ?? 0 }) else { return .yielded }
        try await directory.load()
        try await advance(part, of: job, below: min(part.end, positions[part.partition] ?? 0))
        return .worked
    }

    private func isBusy() async throws -> Bool {
        if try await log.lag(of: .parser, topic: .raw).reduce(0, +) > Self.yieldsAt { return true }
        return try await log.lag(of: .reports, topic: .feedback).reduce(0, +) > Self.yieldsAt
    }

    private func advance(_ before: ReprocessPart, of job: ReprocessJob, below end: Int64) async throws {
        var part = before
        let records = try await log.read(.raw, partition: part.partition, from: part.next, limit: Self.stepSize)
        let intake = intake(records, of: part.partition, job.filter, below: end)
        part.next = records.isEmpty ? end : min(end, records.offset(at: records.count - 1) + 1)

        let parser = EventParser(pipeline: pipeline, settings: settings, now: now(), job: job.id)
        var slices = PartitionParser(
            intake, parser: parser, plans: StreamPlans(directory.current, connectors: connectors),
            appended: AppendedBefore())
        var failed: Set<Int> = []
        while let slice = slices.next() {
            if !slice.feedback.isEmpty { try await log.append(slice.feedback, to: .feedback) }
            part.emitted += Int64(slice.feedback.count)
            part.failed += Int64(slice.judged.lazy.filter(\.failed).count)
            part.example = slice.exampleOfFailure ?? part.example
            failed.formUnion(slice.failedEvents)
        }
        try await settleDeadLetters(of: intake, except: failed)
        try await store.advance(job.id, part, from: before.next)
    }

    /// The events that the job is about, in their places.
    private func intake(
        _ records: RecordBatch, of partition: Int, _ filter: ReprocessFilter, below end: Int64
    ) -> Intake {
        var chosen = RecordBatch()
        var facts: [RawFacts] = []
        for i in 0..<records.count where records.offset(at: i) < end {
            let fact = RawFacts(records.headers(at: i))
            guard filter.matches(fact) else { continue }
            chosen.append(records, at: i)
            facts.append(fact)
        }
        let from = chosen.isEmpty ? end : chosen.offset(at: 0)
        return Intake(
            batch: PartitionBatch(topic: .raw, partition: partition, from: from, next: end, records: chosen),
            facts: facts)
    }

    /// What failed when it was read first, and passes now, needs no replay any more.
    private func settleDeadLetters(of intake: Intake, except failed: Set<Int>) async throws {
        let records = intake.batch.records
        guard !records.isEmpty else { return }
        let first = records.offset(at: 0)
        let last = records.offset(at: records.count - 1)
        let open = try await deadLetters.openOffsets(in: .raw, partition: intake.batch.partition, first...last)
        guard !open.isEmpty else { return }
        let passed = (0..<records.count).filter { !failed.contains($0) && open.contains(records.offset(at: $0)) }
        let events = passed.map {
            DeadLetterStore.Event(
                topic: Topic.raw.name, partition: intake.batch.partition, offset: records.offset(at: $0))
        }
        let closed = try await deadLetters.tombstones(of: events)
        if closed.count > 0 { try await log.append(closed, to: .deadLetters) }
        try await deadLetters.markReplayed(events, at: now())
    }
}
