/// How the last items of a partition went: a ring of as many as the budget looks at.
struct RecentOutcomes: Sendable {
    private var ring: [Bool]
    private var at = 0
    private var filled = 0
    private(set) var failures = 0

    init(window: Int) { ring = Array(repeating: false, count: max(1, window)) }

    /// Notes one item.
    mutating func note(failed: Bool) {
        if ring[at] { failures -= 1 }
        ring[at] = failed
        if failed { failures += 1 }
        at = at + 1 == ring.count ? 0 : at + 1
        filled = min(ring.count, filled + 1)
    }

    /// Whether the window is full and holds more failures than the budget bears.
    func exceeds(_ budget: DeadLetterBudget) -> Bool { filled == ring.count && failures > budget.borne }
}
