/// Pauses between tries: exponential, with full jitter, bounded.
struct Backoff: Sendable, Hashable {
    var base = 1.0
    var longest = 60.0

    /// Seconds before try `attempt` (1 is the first repetition).
    func pause(before attempt: Int, using generator: inout some RandomNumberGenerator) -> Double {
        Double.random(in: 0...bound(before: attempt), using: &generator)
    }

    /// The most that ``pause(before:using:)`` can be.
    func bound(before attempt: Int) -> Double { min(longest, base * Double(1 << min(max(0, attempt - 1), 30))) }
}
