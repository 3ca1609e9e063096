import Synchronization

/// Who listens to which channel of a database in this process.
public final class Notifications: Sendable {
    private struct State {
        var listeners: [String: [UInt64: AsyncStream<Void>.Continuation]] = [:]
        var last: UInt64 = 0
        var isClosed = false
    }
    private let state = Mutex(State())

    public init() {}

    /// Rings of a channel, from now on; several that nobody took are one.
    public func listen(to channel: String) -> AsyncStream<Void> {
        let (rings, continuation) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        let number: UInt64? = state.withLock { state in
            if state.isClosed { return nil }
            state.last += 1
            state.listeners[channel, default: [:]][state.last] = continuation
            return state.last
        }
        guard let number else {
            continuation.finish()
            return rings
        }
        continuation.onTermination = { [weak self] _ in
            self?.state.withLock { state in
                state.listeners[channel]?[number] = nil
                if state.listeners[channel]?.isEmpty == true { state.listeners[channel] = nil }
            }
        }
        return rings
    }

    /// The channels that somebody listens to.
    public var channels: Set<String> { state.withLock { Set($0.listeners.keys) } }

    public func ring(_ channels: some Sequence<String>) {
        let listeners = state.withLock { state in channels.flatMap { (state.listeners[$0] ?? [:]).values } }
        for listener in listeners { listener.yield() }
    }

    /// Ends all streams.
    public func close() {
        let listeners = state.withLock { state in
            state.isClosed = true
            return state.listeners.values.flatMap(\.values)
        }
        for listener in listeners { listener.finish() }
    }
}
