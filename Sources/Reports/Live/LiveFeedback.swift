import Common
import ServiceLifecycle
import Synchronization

/// An item that is new or changed, or gone.
struct FeedbackNews: Sendable {
    var workspace: WorkspaceID
    var id: Digest128
    /// Its JSON; nil if the item is gone.
    var document: [UInt8]?
}

/// Tells those who listen what was stored, as it is stored.
///
/// Each listener has a bounded queue of batches. One that does not keep up is let go; the last news are kept, so that
/// it can come back and go on where it was.
final class LiveFeedback: Service, Sendable {
    /// A piece of news and its place in their order.
    struct Event: Sendable {
        var number: Int64
        var news: FeedbackNews
    }

    enum Signal: Sendable {
        case events([Event])
        case heartbeat
    }

    /// What a listener reads, and how it ended.
    struct Subscription: Sendable {
        var number: Int
        var signals: AsyncStream<Signal>
        /// News that are not kept any more were asked for.
        var hasGap: Bool
    }

    private struct State {
        var next: Int64 = 1
        var kept: [Event] = []
        var listeners: [Int: AsyncStream<Signal>.Continuation] = [:]
        var nextListener = 0
        var slow: Set<Int> = []
        var isStopped = false
    }

    /// Marks the numbers of this process: a listener of an earlier one has to begin anew.
    let epoch: Int64
    private let state = Mutex(State())
    private static let keptEvents = 2000
    private static let queuedSignals = 64
    private static let maximumListeners = 1000
    private static let heartbeat = Duration.seconds(15)

    init(epoch: Int64) { self.epoch = epoch }

    func publish(_ news: [FeedbackNews]) {
        guard !news.isEmpty else { return }
        state.withLock { state in
            let events = news.enumerated().map { Event(number: state.next + Int64($0.offset), news: $0.element) }
            state.next += Int64(events.count)
            state.kept.append(contentsOf: events.suffix(Self.keptEvents))
            if state.kept.count > Self.keptEvents { state.kept.removeFirst(state.kept.count - Self.keptEvents) }
            Self.send(.events(events), to: &state)
        }
    }

    /// Begins to listen: to what comes from now on, or after the event of this number.
    ///
    /// - Returns: nil if too many listen already.
    func subscribe(after last: Int64?) -> Subscription? {
        let (signals, continuation) = AsyncStream.makeStream(
            of: Signal.self, bufferingPolicy: .bufferingOldest(Self.queuedSignals))
        return state.withLock { state in
            guard state.listeners.count < Self.maximumListeners else { return nil }
            let number = state.nextListener
            state.nextListener += 1
            var hasGap = false
            if let last {
                let missed = state.kept.filter { $0.number > last }
                hasGap = last >= state.next || last + 1 < state.kept.first?.number ?? state.next
                if !missed.isEmpty { continuation.yield(.events(missed)) }
            }
            if state.isStopped { continuation.finish() } else { state.listeners[number] = continuation }
            return Subscription(number: number, signals: signals, hasGap: hasGap)
        }
    }

    /// Ends a subscription; returns whether the listener was let go because it was too slow.
    func unsubscribe(_ subscription: Subscription) -> Bool {
        state.withLock { state in
            state.listeners.removeValue(forKey: subscription.number)?.finish()
            return state.slow.remove(subscription.number) != nil
        }
    }

    /// Keeps connections alive until shutdown, then ends them.
    func run() async throws {
        await cancelWhenGracefulShutdown {
            while (try? await Task.sleep(for: Self.heartbeat)) != nil {
                self.state.withLock { Self.send(.heartbeat, to: &$0) }
            }
        }
        state.withLock { state in
            state.isStopped = true
            for listener in state.listeners.values { listener.finish() }
            state.listeners.removeAll()
        }
    }

    private static func send(_ signal: Signal, to state: inout State) {
        for (number, listener) in state.listeners {
            if case .dropped = listener.yield(signal) {
                listener.finish()
                state.slow.insert(number)
                state.listeners[number] = nil
            }
        }
    }
}
