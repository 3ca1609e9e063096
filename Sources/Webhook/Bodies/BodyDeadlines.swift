import NIOCore
import ServiceLifecycle
import Synchronization

/// Closes connections whose body does not come in time.
///
/// A sender that drips bytes keeps no connection and no memory for longer than the deadline. One sweep a second
/// watches all bodies, so that a body that comes at once pays for two short locks and for no timer.
final class BodyDeadlines: Service, Sendable {
    private struct Entry {
        let deadline: ContinuousClock.Instant
        let channel: any Channel
    }
    private struct State {
        var lastToken = 0
        var open: [Int: Entry] = [:]
    }
    private let state = Mutex(State())
    private let limit: Duration

    init(seconds: Int) { limit = .seconds(seconds) }

    /// Starts a body's time; 0 where there is no connection to close.
    func begin(_ channel: (any Channel)?) -> Int {
        guard let channel else { return 0 }
        return state.withLock { state in
            state.lastToken += 1
            state.open[state.lastToken] = Entry(deadline: .now + limit, channel: channel)
            return state.lastToken
        }
    }

    func end(_ token: Int) {
        guard token != 0 else { return }
        state.withLock { _ = $0.open.removeValue(forKey: token) }
    }

    func run() async throws {
        await cancelWhenGracefulShutdown {
            while (try? await Task.sleep(for: min(.seconds(1), self.limit))) != nil { self.closeLate() }
        }
    }

    private func closeLate() {
        let now = ContinuousClock.now
        let late = state.withLock { state in
            let late = state.open.filter { $0.value.deadline <= now }
            for token in late.keys { state.open[token] = nil }
            return late.values.map(\.channel)
        }
        for channel in late { channel.close(promise: nil) }
    }
}
