import Common
import Synchronization

/// So many events a second, and a burst of twice as many (the generic cell rate algorithm).
final class RateBound: Sendable {
    /// Nanoseconds that one event takes up, and how far ahead of the clock the events may be.
    private let interval: Int64
    private let tolerance: Int64
    private let theoreticalArrival = Mutex<Int64>(0)

    init(perSecond: Int) {
        interval = 1_000_000_000 / Int64(max(1, perSecond))
        tolerance = 2_000_000_000
    }

    /// Takes an event in, unless there were too many.
    func admits(at now: Timestamp) -> Bool {
        let now = now.milliseconds &* 1_000_000
        return theoreticalArrival.withLock { arrival in
            let next = max(arrival, now) + interval
            guard next - now <= tolerance else { return false }
            arrival = next
            return true
        }
    }
}
