import Common

/// Which way the next append goes, as a value: to the log, or behind what waits in the spool.
///
/// Once anything goes to the spool, everything does until the spool is empty: what was acknowledged earlier is
/// never overtaken.
struct SpoolGate {
    enum Route: Hashable { case log, spool, full }

    private let maximumBytes: Int
    private let patience: Duration
    /// What waits, appends to the spool that are on their way included.
    private(set) var records = 0
    private(set) var bytes = 0
    /// Why appends go to the spool; nil if they do not.
    private(set) var reason: String?
    /// Appends that the log has in hand, and when it last took one, or had none.
    private var inHand = 0
    private var lastSign = ContinuousClock.now

    init(maximumBytes: Int, patience: Duration) {
        self.maximumBytes = maximumBytes
        self.patience = patience
    }

    /// Decides on an append of so many records and bytes.
    mutating func route(records: Int, bytes: Int, now: ContinuousClock.Instant) -> Route {
        if reason == nil, inHand > 0, now - lastSign > patience {
            reason = "the log has left \(inHand) appends unanswered for \(now - lastSign)"
        }
        guard reason == nil else { return reserve(records: records, bytes: bytes) ? .spool : .full }
        if inHand == 0 { lastSign = now }
        inHand += 1
        return .log
    }

    /// The log took an append.
    mutating func taken(now: ContinuousClock.Instant) {
        inHand -= 1
        lastSign = now
    }

    /// The log refused an append for what it is; it was there to do so.
    mutating func refused(now: ContinuousClock.Instant) { taken(now: now) }

    /// The log did not take an append, because it is away: it goes to the spool, and so does what follows.
    ///
    /// - Returns: Whether the spool has room for it.
    mutating func failed(records: Int, bytes: Int, reason: String) -> Bool {
        inHand -= 1
        if self.reason == nil { self.reason = reason }
        return reserve(records: records, bytes: bytes)
    }

    /// Begins with what was found in the spool.
    mutating func found(records: Int, bytes: Int) {
        guard records > 0 else { return }
        self.records = records
        self.bytes = bytes
        reason = "it was begun with records in the spool"
    }

    /// Begins without a log.
    mutating func close(reason: String) { self.reason = reason }

    /// Records left the spool, or did not get into it.
    mutating func left(records: Int, bytes: Int) {
        self.records -= records
        self.bytes -= bytes
    }

    /// Opens the way to the log, if nothing waits.
    mutating func openIfEmpty() -> Bool {
        guard records == 0 else { return false }
        reason = nil
        return true
    }

    private mutating func reserve(records: Int, bytes: Int) -> Bool {
        guard self.bytes + bytes <= maximumBytes else { return false }
        self.records += records
        self.bytes += bytes
        return true
    }
}
