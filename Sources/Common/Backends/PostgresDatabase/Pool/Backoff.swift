/// How long to wait before the next attempt: twice as long after each failure, up to a bound, with jitter.
struct Backoff: Sendable {
    static let first = 0.1
    static let last = 5.0

    private(set) var failures = 0

    mutating func succeed() { failures = 0 }

    /// Counts a failure.
    ///
    /// - Returns: Seconds until the next attempt.
    mutating func fail() -> Double { fail(jitter: .random(in: 0.5...1)) }

    mutating func fail(jitter: Double) -> Double {
        failures += 1
        return min(Self.last, Self.first * Double(1 << min(failures - 1, 10))) * jitter
    }
}
