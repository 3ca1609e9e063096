import Common
import Logging
import ServiceLifecycle
import Synchronization

extension SpooledLog {
    /// Forwards what waits until shutdown; what is left then is forwarded by the next process.
    public func run() async throws {
        await cancelWhenGracefulShutdown {
            let forwarder = Forwarder(
                from: Self.waiting, in: self.store, to: self.settings.topic, of: self.log, position: self.start,
                mayBeThere: self.spool.records > 0, logger: self.logger)
            for await _ in self.bell { await self.empty(with: forwarder) }
        }
    }

    /// Forwards until nothing waits, however often the log goes away meanwhile, and then opens the way to it.
    private func empty(with forwarder: Forwarder) async {
        var failures = 0
        var hasBegun = false
        while !Task.isCancelled {
            do {
                // A look costs nothing; an append to a log that is away is in doubt.
                if failures > 0 || awaitsLog, case .unavailable(let reason) = await log.health() {
                    throw EventLogError.unavailable(reason)
                }
                if awaitsLog { try await greet() }
                if !hasBegun {
                    await forwarder.begin(at: state.withLock { $0.ends })
                    hasBegun = true
                }
                while try await forwarder.forward({ note($0) }) { failures = 0 }
                try await forwarder.free()
                // If the gate stays shut, an append to the spool is on its way, and will ring.
                open(at: forwarder.position.ends)
                return
            } catch {
                guard !Task.isCancelled else { return }
                failures += 1
                logger.debug("the spool cannot be forwarded", metadata: ["error": "\(error)"])
                try? await Task.sleep(for: pause(after: failures))
            }
        }
    }

    var awaitsLog: Bool { state.withLock { $0.awaitsLog } }

    /// Does what could not be done when this process began without the log.
    private func greet() async throws {
        let topics = state.withLock { $0.toBeCreated }
        try await log.create(topics)
        state.withLock { state in
            state.toBeCreated.removeAll { topics.contains($0) }
            state.awaitsLog = !state.toBeCreated.isEmpty
        }
    }

    private func note(_ progress: Forwarder.Progress) {
        state.withLock { state in
            state.gate.left(records: progress.records, bytes: progress.bytes)
            state.forwarded += progress.records - progress.refused
            state.refused += progress.refused
            state.oldest = progress.nextTakenIn
        }
    }

    private func open(at ends: LogEnds) {
        state.withLock { state in
            guard state.gate.reason != nil, state.gate.openIfEmpty() else { return }
            state.ends.reach(ends)
            state.oldest = nil
            logger.notice(
                "the event log is back, and the spool empty",
                metadata: [
                    "forwarded": "\(state.forwarded - state.forwardedBefore)",
                    "seconds": "\((ContinuousClock.now - state.since).components.seconds)",
                ])
        }
    }

    /// Doubled each time from an eighth of a second, with jitter.
    private func pause(after failures: Int) -> Duration {
        min(settings.longestPause, .milliseconds(125) * (1 << min(failures - 1, 10))) * Double.random(in: 0.5...1)
    }
}
