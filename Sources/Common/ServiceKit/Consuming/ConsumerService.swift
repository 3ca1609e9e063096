public import Common
public import Logging
public import ServiceLifecycle

/// The one loop of every consumer: pull, handle, commit. The next batches are pulled and prepared while the last are
/// handled.
///
/// A failure is tried again after a growing pause with jitter; a lost partition is let go. On shutdown the batch in
/// hand is finished first.
public struct ConsumerService: Service {
    private let name: String
    private let log: any EventLog
    private let topic: Topic
    private let group: ConsumerGroup
    private let limit: Int
    private let handler: any BatchHandler
    private let metrics: Metrics
    private let meters: Meters
    private let logger: Logger

    public init(
        name: String, log: any EventLog, topic: Topic, group: ConsumerGroup, limit: Int = 1000,
        handler: any BatchHandler, metrics: Metrics, logger: Logger
    ) {
        self.name = name
        self.log = log
        self.topic = topic
        self.group = group
        self.limit = limit
        self.handler = handler
        self.metrics = metrics
        meters = Meters(metrics, stage: name)
        self.logger = logger
        metrics.beforeScrape {
            // A log that does not answer leaves the number as it was; that it is away tells `/ready`
            guard let lag = try? await log.lag(of: group, topic: topic) else { return }
            metrics.set(
                .consumerLag, to: Double(lag.reduce(0, +)), [("topic", topic.name), ("group", group.name)])
        }
    }

    public func run() async throws {
        await cancelWhenGracefulShutdown { await consumeUntilCancelled() }
    }

    private func consumeUntilCancelled() async {
        var failures = 0
        while !Task.isCancelled {
            do {
                try await consume { failures = 0 }
            } catch {
                guard !Task.isCancelled, !(error is CancellationError) else { return }
                failures += 1
                let pause = Self.pause(after: failures)
                metrics.add(to: .stageFailures, [("stage", name)])
                logger.warning(
                    "\(name) failed; the same records again in \(pause) s",
                    metadata: ["error": "\(error)", "failures": "\(failures)"])
                try? await Task.sleep(for: .seconds(pause))
            }
        }
    }

    /// Seconds to wait after so many failures in a row: doubled each time up to half a minute, with jitter.
    static func pause(after failures: Int) -> Double {
        min(30, 0.1 * Double(1 << min(failures, 9))) * Double.random(in: 0.5...1)
    }

    /// Consumes as one membership of the group, which ends with the first failure or with shutdown.
    private func consume(onSuccess: () -> Void) async throws {
        let consumer = try await log.consumer(of: topic, group: group) { try await handler.start(of: $0) }
        let outcome: Result<Void, any Error>
        do {
            var inHand: Prepared?
            var standstill = Standstill()
            while !Task.isCancelled || inHand != nil {
                let begun = ContinuousClock.now
                let current = inHand
                async let working: Void = work(on: current)
                // What it fails of waits until the work in hand is done and committed.
                let pulled = await pull(from: consumer, wait: current == nil ? .seconds(20) : .zero)
                let batches = (try? pulled.get()) ?? []
                let came = ContinuousClock.now
                async let next = prepare(batches)
                try await working
                if let current {
                    // In a task of its own, so that a shutdown does not cancel the commit half-way.
                    try await Task { try await consumer.commit(current.batches) }.value
                    meters.bytes.add(Double(current.batches.reduce(0) { $0 + $1.records.arena.count }))
                    onSuccess()
                }
                _ = try pulled.get()
                if !batches.isEmpty || current != nil {
                    standstill.somethingCame()
                } else if !Task.isCancelled {
                    try await leaveIfForgotten(&standstill)
                }
                inHand = try await next
                if current == nil { meters.wait.add((came - begun).seconds) }
                meters.busy.add((.now - (current == nil ? came : begun)).seconds)
            }
            outcome = .success(())
        } catch {
            outcome = .failure(error)
        }
        await Task { await consumer.close() }.value
        try outcome.get()
    }

    private func pull(from consumer: any LogConsumer, wait: Duration) async -> Result<[PartitionBatch], any Error> {
        guard !Task.isCancelled else { return .success([]) }
        do {
            return .success(try await consumer.next(limit: limit, wait: wait))
        } catch {
            return .failure(error)
        }
    }

    /// Handles what is in hand, in a task of its own, so that a shutdown does not cancel it half-way.
    private func work(on inHand: Prepared?) async throws {
        guard let inHand else { return }
        try await Task { try await inHand.work() }.value
    }

    /// Ends this membership if records wait for long and none of the group takes them.
    private func leaveIfForgotten(_ standstill: inout Standstill) async throws {
        guard let committed = try? await log.committed(group, topic: topic),
            let lag = try? await log.lag(of: group, topic: topic)
        else { return }
        if standstill.nothingCame(committed: committed, lag: lag) {
            throw EventLogError.unavailable(
                "\(lag.reduce(0, +)) records of \(topic) wait and none is given out: joining the group anew")
        }
    }

    /// Batches that were pulled, and what is left to do with them.
    private struct Prepared: Sendable {
        var batches: [PartitionBatch]
        var work: @Sendable () async throws -> Void
    }

    private func prepare(_ batches: [PartitionBatch]) async throws -> Prepared? {
        batches.isEmpty ? nil : Prepared(batches: batches, work: try await handler.prepare(batches))
    }

    /// The stage's numbers, looked up once.
    private struct Meters {
        var wait, busy, bytes: Metrics.Counter

        init(_ metrics: Metrics, stage: String) {
            wait = metrics.counter(.stageWait, [("stage", stage)])
            busy = metrics.counter(.stageBusy, [("stage", stage)])
            bytes = metrics.counter(.stageBytes, [("stage", stage)])
        }
    }
}

extension Duration {
    /// The duration in seconds.
    public var seconds: Double {
        Double(components.seconds) + Double(components.attoseconds) / 1e18
    }
}
