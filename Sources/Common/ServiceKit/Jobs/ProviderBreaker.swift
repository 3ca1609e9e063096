import Common

/// Whether a provider that failed is to be asked again: a value.
///
/// Five failures in a row open it: its jobs wait, and cost no attempts. After a while, doubled each time, one of them
/// may try; if that succeeds, all may.
struct ProviderBreaker: Sendable, Hashable {
    /// Failures in a row.
    var failures: Int
    /// Until when nobody asks; nil while it is closed.
    var openUntil: Timestamp?

    /// Failures in a row that open it.
    static let threshold = 5
    /// Seconds for which it opens first, and at most.
    static let (first, most) = (15.0, 600.0)

    init(failures: Int = 0, openUntil: Timestamp? = nil) {
        self.failures = failures
        self.openUntil = openUntil
    }

    /// Somebody asked in vain.
    ///
    /// - Parameter asked: How long the provider asks to be left alone, if it says so.
    mutating func fail(at now: Timestamp, asked: Duration?) {
        failures += 1
        let pause =
            failures < Self.threshold
            ? 0 : min(Self.most, Self.first * Double(1 << min(failures - Self.threshold, 20)))
        let wait = max(pause, asked?.seconds ?? 0)
        if wait > 0 { openUntil = now.advanced(bySeconds: wait) }
    }

    /// How many jobs may ask it at once: none while it is open, one when that is over; nil as many as may otherwise.
    func admitted(at now: Timestamp) -> Int? { openUntil.map { $0 > now ? 0 : 1 } }
}

extension JobTable {
    /// Notes what an attempt that failed says of the provider.
    func note(_ failure: JobFailure, of provider: String) throws {
        switch failure {
        case .unavailable(let reason, let asked):
            let kept = try connection.first(
                "SELECT failures, open_until FROM job_provider WHERE name = \(provider)"
            ) { row in
                ProviderBreaker(
                    failures: Int(row.integer(0)), openUntil: row.optionalInteger(1).map(Timestamp.init(milliseconds:)))
            }
            var breaker = kept ?? ProviderBreaker()
            breaker.fail(at: now, asked: asked)
            try connection.execute(
                """
                INSERT INTO job_provider (name, failures, open_until, reason)
                VALUES (\(provider), \(breaker.failures), \(breaker.openUntil), \(reason))
                ON CONFLICT (name) DO UPDATE SET failures = excluded.failures, open_until = excluded.open_until,
                    reason = excluded.reason
                """)
        // Whatever it said, it answered.
        case .deferred, .rejected: try succeeded(provider)
        case .defect: break
        }
    }

    /// Closes the provider's breaker.
    func succeeded(_ provider: String) throws {
        try connection.execute("DELETE FROM job_provider WHERE name = \(provider)")
    }
}
