import Common
import Connectors
import Engines
import Logging
import ServiceKit
import Synchronization

/// Raw events in, feedback and dead letters out, each exactly once in effect.
///
/// For each batch, in this order: feedback is appended, dead letters are appended, and one transaction moves the
/// position and the ledger. A crash in between makes the same batch come again; what is then appended twice carries
/// the same raw reference or the same dead letter id, and is dropped by its readers.
final class RawEventHandler: BatchHandler {
    private let log: any EventLog
    private let ledger: LedgerStore
    private let directory: Directory
    private let connectors: ConnectorRegistry
    private let pipeline: EnginePipeline
    private let settings: ParserSettings
    private let metrics: Metrics
    private let logger: Logger
    private let now: @Sendable () -> Timestamp
    private let state: Mutex<State>

    /// What is remembered from batch to batch; each partition has its own, and a crash may forget it.
    private struct State {
        var partitions: [Int: PartitionState] = [:]
        var stopped: StoppedReason?
        /// How many failures beyond the budget an operator has allowed.
        var allowance = 0
    }

    private struct PartitionState {
        var outcomes: PartitionOutcomes
        /// Why the last item of each stream that failed did.
        var examples: [StreamID: String] = [:]
        var feedbackEnds: [Int64]
        var appended: AppendedBefore
    }

    init(context: RoleContext, pipeline: EnginePipeline, settings: ParserSettings) {
        log = context.log
        ledger = LedgerStore(database: context.database)
        directory = context.directory
        connectors = context.connectors
        self.pipeline = pipeline
        self.settings = settings
        metrics = context.metrics
        logger = context.logger
        now = context.now
        state = Mutex(State())
    }

    /// `name@version` of the engines at work.
    var engineIdentities: [String] { pipeline.identities }

    /// Why the parser has stopped, if it has.
    var stopped: StoppedReason? { state.withLock { $0.stopped } }

    /// Lets this many more items fail beyond the budget.
    func allow(failures: Int) { state.withLock { $0.allowance += failures } }

    func start(of partition: Int) async throws -> Int64? {
        let bounds = try await log.bounds(of: .raw).first { $0.partition == partition }
        let position = try await ledger.position(of: partition, first: bounds?.first ?? 0)
        if position.lost > 0 {
            logger.error(
                "raw events went by retention before they were parsed: keep the parser running, or keep them longer",
                metadata: ["partition": "\(partition)", "events": "\(position.lost)"])
        }
        let appended =
            position.next < bounds?.end ?? 0
            ? try await AppendedBefore(
                readingFrom: position.feedbackEnds, rawPartition: partition, next: position.next, log: log)
            : AppendedBefore()
        state.withLock {
            $0.partitions[partition] = PartitionState(
                outcomes: $0.partitions[partition]?.outcomes ?? PartitionOutcomes(settings.deadLetterBudget),
                feedbackEnds: position.feedbackEnds, appended: appended)
        }
        return position.next
    }

    func handle(_ batches: [PartitionBatch]) async throws {
        let intake = batches.map { Intake($0) }
        let plans = StreamPlans(try await snapshot(for: intake), connectors: connectors)
        let parser = EventParser(pipeline: pipeline, settings: settings, now: now())

        let entries = try await withThrowingTaskGroup(of: LedgerStore.Entry.self) { group in
            for part in intake { group.addTask { try await self.process(part, with: parser, plans) } }
            return try await group.reduce(into: []) { $0.append($1) }
        }
        try await ledger.commit(entries.sorted { $0.partition < $1.partition })
        remember(entries)
        await tellTroubles(of: entries.map(\.partition))
    }

    /// The directory as it is now; read on to its end first if an event names a stream that is not in it yet.
    private func snapshot(for intake: [Intake]) async throws -> Directory.Snapshot {
        let snapshot = directory.current
        var last: ArraySlice<UInt8> = []
        for part in intake {
            for facts in part.facts where facts.stream != last {
                last = facts.stream
                guard let id = StreamID(String(decoding: last, as: UTF8.self)), snapshot.streams[id] == nil else {
                    continue
                }
                return try await directory.current(with: id)
            }
        }
        return snapshot
    }

    /// Does the work of one partition's batch, all but the ledger.
    private func process(_ intake: Intake, with parser: EventParser, _ plans: StreamPlans) async throws
        -> LedgerStore.Entry
    {
        let partition = intake.batch.partition
        let known = state.withLock { $0.partitions[partition] }
        var outcomes = known?.outcomes ?? PartitionOutcomes(settings.deadLetterBudget)
        var entry = LedgerStore.Entry(
            partition: partition, from: intake.batch.from, next: intake.batch.next, counts: [:],
            carried: intake.carried, feedbackEnds: known?.feedbackEnds ?? [])
        var slices = PartitionParser(
            intake, parser: parser, plans: plans, appended: known?.appended ?? AppendedBefore())
        var examples: [StreamID: String] = [:]
        while let slice = slices.next() {
            try judge(slice, &outcomes)
            examples.merge(slice.examplesOfFailure) { $1 }
            if !slice.feedback.isEmpty {
                for position in try await log.append(slice.feedback, to: .feedback) {
                    entry.reach(position.offset + 1, in: position.partition)
                }
            }
            if !slice.deadLetters.isEmpty { try await log.append(slice.deadLetters, to: .deadLetters) }
            for (workspace, counts) in slice.counts {
                entry.counts[workspace, default: ParserLedger.Counts()] += counts
            }
        }
        state.withLock { state in
            state.partitions[partition]?.outcomes = outcomes
            state.partitions[partition]?.examples.merge(examples) { $1 }
        }
        return entry
    }

    /// Stops before the slice does harm, if too much of what came lately failed, and not of one customer only.
    private func judge(_ slice: ParsedSlice, _ outcomes: inout PartitionOutcomes) throws {
        let budget = settings.deadLetterBudget
        var over = 0
        var installation: PartitionOutcomes.Installation?
        // A look at the whole window is good for an eighth of it: a stream may fail for days.
        var isWidespread = false
        var unlooked = 0
        for item in slice.judged {
            outcomes.note(item)
            guard item.failed, outcomes.all.exceeds(budget) else { continue }
            if unlooked == 0 {
                let known = installation ?? PartitionOutcomes.Installation(directory.current)
                installation = known
                isWidespread = outcomes.isWidespread(in: known)
                unlooked = max(1, budget.window / 8)
            }
            unlooked -= 1
            if isWidespread { over += 1 }
        }
        guard over > 0 else { return }
        let failures = outcomes.all.failures
        let stopped = state.withLock { state -> StoppedReason? in
            if state.allowance >= over {
                state.allowance -= over
                return nil
            }
            state.allowance = 0
            let reason = StoppedReason(
                failures: failures, window: settings.deadLetterBudget.window,
                example: slice.examplesOfFailure.values.first ?? slice.exampleOfFailure ?? "")
            state.stopped = reason
            return reason
        }
        if let stopped { throw stopped }
    }

    /// Tells which streams are over their budget, and which are not any more.
    ///
    /// A stream has recovered when a tenth of a window went well without a failure; so it is known also after a
    /// restart, which forgets what was before.
    private func tellTroubles(of partitions: [Int]) async {
        let snapshot = directory.current
        let budget = settings.deadLetterBudget
        for partition in partitions {
            let known = state.withLock { state in
                defer { state.partitions[partition]?.outcomes.settle() }
                return state.partitions[partition]
            }
            guard let known else { continue }
            for stream in known.outcomes.changed {
                guard let outcomes = known.outcomes.streams[stream] else { continue }
                let trouble = snapshot.troubles[stream]?[partition]
                var change: StreamStatus??
                if trouble == nil, outcomes.exceeds(budget), let workspace = snapshot.streams[stream]?.workspace {
                    var status = StreamStatus(stream: stream, workspace: workspace, state: .failing, at: now())
                    status.since = status.at
                    status.reason = Self.reason(outcomes, budget, stream, known.examples[stream])
                    change = .some(status)
                } else if trouble != nil, outcomes.successes >= max(1, budget.window / 10) {
                    change = .some(nil)
                }
                guard let change else { continue }
                do {
                    try await directory.publish(trouble: change, of: stream, partition: partition)
                } catch {
                    // It is told with the next batch.
                    state.withLock { $0.partitions[partition]?.outcomes.markChanged(stream) }
                    logger.warning("a stream's state could not be told", metadata: ["error": "\(error)"])
                }
            }
        }
    }

    private static func reason(
        _ outcomes: RecentOutcomes, _ budget: DeadLetterBudget, _ stream: StreamID, _ example: String?
    ) -> String {
        """
        too many dead letters: \(outcomes.failures) of its last \(budget.window) items cannot be parsed, the last one \
        because: \(example ?? "unknown"). They are kept: mend the mapping, then `earshot reprocess --stream \(stream)`
        """
    }

    private func remember(_ entries: [LedgerStore.Entry]) {
        var total = ParserLedger.Counts()
        for entry in entries { for counts in entry.counts.values { total += counts } }
        for (outcome, count) in [("emitted", total.emitted), ("filtered", total.filtered), ("dead", total.dead)] {
            metrics.add(Double(count), to: .stageItems, [("stage", "parser"), ("outcome", outcome)])
        }
        state.withLock { state in
            state.stopped = nil
            for entry in entries {
                state.partitions[entry.partition]?.feedbackEnds = entry.feedbackEnds
                if state.partitions[entry.partition]?.appended.lies(before: entry.next) == true {
                    state.partitions[entry.partition]?.appended = AppendedBefore()
                }
            }
        }
    }
}

/// Why the parser has stopped taking from the topic.
struct StoppedReason: Error, CustomStringConvertible {
    let failures: Int
    let window: Int
    /// What the last failure was.
    let example: String

    var description: String {
        """
        \(failures) of the last \(window) items of \(Topic.raw) failed, more than the dead letter budget bears, \
        the last one because: \(example). Nothing was set aside. Mend the connector's mapping, or let them go with \
        POST /v1/parser/resume, or raise parser.dead_letter_budget
        """
    }
}

extension PartitionOutcomes.Installation {
    fileprivate init(_ snapshot: Directory.Snapshot) {
        let streams = snapshot.streams.values.filter { stream in
            stream.status != .deleted && snapshot.workspaces[stream.workspace].map { !$0.isDeleted } ?? false
        }
        self.init(workspaces: Set(streams.map(\.workspace)).count, streams: streams.count)
    }
}

extension LedgerStore.Entry {
    /// Notes that a feedback partition has grown to this end.
    mutating func reach(_ end: Int64, in partition: Int) {
        while feedbackEnds.count <= partition { feedbackEnds.append(0) }
        feedbackEnds[partition] = max(feedbackEnds[partition], end)
    }
}
