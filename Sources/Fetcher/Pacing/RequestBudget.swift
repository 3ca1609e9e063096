import Common

/// How many requests a connection may still send: the provider's word and our own bound.
struct RequestBudget: Sendable, Hashable {
    /// The provider takes nothing before this time.
    private(set) var blockedUntil: Timestamp?
    private var sent: [Timestamp] = []

    /// Asks to send a request, and counts it if it may be sent.
    ///
    /// - Returns: nil if it may be sent, else when to ask again.
    mutating func admit(at now: Timestamp, perMinute: Int?) -> Timestamp? {
        if let blockedUntil {
            if now < blockedUntil { return blockedUntil }
            self.blockedUntil = nil
        }
        guard let perMinute, perMinute > 0 else { return nil }
        let minuteAgo = now.advanced(bySeconds: -60)
        sent.removeAll { $0 <= minuteAgo }
        guard sent.count < perMinute else { return sent[sent.count - perMinute].advanced(bySeconds: 60) }
        sent.append(now)
        return nil
    }

    /// The provider said until when it takes nothing; the later of two words counts.
    mutating func block(until time: Timestamp) { blockedUntil = max(blockedUntil ?? time, time) }
}
