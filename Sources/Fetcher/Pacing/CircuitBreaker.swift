import Common

/// Keeps a connection that keeps failing from being asked: closed, open, half open with one probe.
struct CircuitBreaker: Sendable, Hashable {
    enum State: Sendable, Hashable {
        case closed(failures: Int)
        /// Nothing is asked before this time.
        case open(until: Timestamp)
        /// One request is under way to see whether it works again.
        case halfOpen
    }

    private(set) var state = State.closed(failures: 0)
    /// Failures in a row that open it.
    let threshold: Int
    /// Seconds of the first pause; each further one is twice as long.
    let pause: Double
    let longestPause: Double
    private var openings = 0

    init(threshold: Int = 5, pause: Double = 30, longestPause: Double = 900) {
        self.threshold = threshold
        self.pause = pause
        self.longestPause = longestPause
    }

    /// Asks to send a request.
    ///
    /// - Returns: nil if it may be sent, and whoever asked must say how it went; else when to ask again.
    mutating func admit(at now: Timestamp) -> Timestamp? {
        switch state {
        case .closed: return nil
        case .open(let until) where now >= until:
            state = .halfOpen
            return nil
        case .open(let until): return until
        case .halfOpen: return now.advanced(bySeconds: 1)
        }
    }

    mutating func succeeded() {
        state = .closed(failures: 0)
        openings = 0
    }

    mutating func failed(at now: Timestamp) {
        switch state {
        case .closed(let failures) where failures + 1 < threshold: state = .closed(failures: failures + 1)
        case .open: break
        case .closed, .halfOpen:
            openings += 1
            let seconds = min(longestPause, pause * Double(1 << min(openings - 1, 20)))
            state = .open(until: now.advanced(bySeconds: seconds))
        }
    }

    /// The request was given up before it was known how it goes.
    mutating func abandoned(at now: Timestamp) {
        if state == .halfOpen { state = .open(until: now) }
    }
}
