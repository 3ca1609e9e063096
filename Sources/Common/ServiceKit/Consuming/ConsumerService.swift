public import Common
public import Logging
public import ServiceLifecycle

/// The one loop of every consumer: pull, handle, commit.
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
            while !Task.isCancelled {
                let before = ContinuousClock.now
                let batches = try await consumer.next(limit: limit, wait: .seconds(30))
                let begun = ContinuousClock.now
                meters.wait.add((begun - before).seconds)
                guard !batches.isEmpty else { continue }
                // In a task of its own, so that a shutdown does not cancel the work or its commit half-way.
                try await Task {
                    try await handler.handle(batches)
                    try await consumer.commit(batches)
                }.value
                meters.busy.add((.now - begun).seconds)
                meters.bytes.add(Double(batches.reduce(0) { $0 + $1.records.arena.count }))
                onSuccess()
            }
            outcome = .success(())
        } catch {
            outcome = .failure(error)
        }
        await Task { await consumer.close() }.value
        try outcome.get()
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
