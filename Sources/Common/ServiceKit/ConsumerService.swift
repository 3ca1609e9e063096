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
            } catch is CancellationError {
                return
            } catch {
                guard !Task.isCancelled else { return }
                failures += 1
                let pause = min(30, 0.1 * Double(1 << min(failures, 9))) * Double.random(in: 0.5...1)
                logger.warning(
                    "\(name) failed; the same records again in \(pause) s",
                    metadata: ["error": "\(error)", "failures": "\(failures)"])
                try? await Task.sleep(for: .seconds(pause))
            }
        }
    }

    private func consume(onSuccess: () -> Void) async throws {
        let consumer = try await log.consumer(of: topic, group: group) { try await handler.start(of: $0) }
        do {
            while !Task.isCancelled {
                let before = ContinuousClock.now
                let batches = try await consumer.next(limit: limit, wait: .seconds(30))
                let begun = ContinuousClock.now
                metrics.add((begun - before).seconds, to: .stageWait, [("stage", name)])
                guard !batches.isEmpty else { continue }
                try await Task { try await handler.handle(batches) }.value  // not cancelled half-way
                try await consumer.commit(batches)
                metrics.add((.now - begun).seconds, to: .stageBusy, [("stage", name)])
                metrics.add(
                    Double(batches.reduce(0) { $0 + $1.records.arena.count }), to: .stageBytes, [("stage", name)])
                onSuccess()
            }
        } catch {
            await consumer.close()
            throw error
        }
        await consumer.close()
    }
}

extension Duration {
    /// The duration in seconds.
    public var seconds: Double {
        Double(components.seconds) + Double(components.attoseconds) / 1e18
    }
}
