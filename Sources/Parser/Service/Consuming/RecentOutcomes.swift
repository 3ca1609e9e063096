import Common

/// How the last items went: a ring of as many as the budget looks at.
struct RecentOutcomes: Sendable {
    private var ring: [Bool]
    private var at = 0
    private var filled = 0
    private(set) var failures = 0
    /// How many went well since the last that failed.
    private(set) var successes = 0

    init(window: Int) { ring = Array(repeating: false, count: max(1, window)) }

    /// Notes one item.
    mutating func note(failed: Bool) {
        if ring[at] { failures -= 1 }
        ring[at] = failed
        if failed { failures += 1 }
        successes = failed ? 0 : successes + 1
        at = at + 1 == ring.count ? 0 : at + 1
        filled = min(ring.count, filled + 1)
    }

    /// Whether the window is full and holds more failures than the budget bears.
    func exceeds(_ budget: DeadLetterBudget) -> Bool { filled == ring.count && failures > budget.borne }
}

/// Whose item it was, and how it went.
struct JudgedItem: Sendable, Hashable {
    var stream: StreamID?
    var workspace: WorkspaceID?
    var failed: Bool
}

/// How the last items of a partition went, together and by stream.
struct PartitionOutcomes: Sendable {
    private let budget: DeadLetterBudget
    private(set) var all: RecentOutcomes
    private(set) var streams: [StreamID: RecentOutcomes] = [:]
    /// Streams whose outcomes have changed since somebody asked.
    private(set) var changed: Set<StreamID> = []
    /// The last items, as many as the budget looks at.
    private var last: [JudgedItem] = []
    private var lastStream: StreamID?
    private var at = 0

    init(_ budget: DeadLetterBudget) {
        self.budget = budget
        all = RecentOutcomes(window: budget.window)
    }

    mutating func note(_ item: JudgedItem) {
        all.note(failed: item.failed)
        if let stream = item.stream {
            streams[stream, default: RecentOutcomes(window: budget.window)].note(failed: item.failed)
            if stream != lastStream { markChanged(stream) }
        }
        if last.count < budget.window {
            last.append(item)
        } else {
            last[at] = item
            at = at + 1 == last.count ? 0 : at + 1
        }
    }

    /// Has a stream looked at, also if nothing comes of it any more.
    mutating func markChanged(_ stream: StreamID) {
        changed.insert(stream)
        lastStream = stream
    }

    /// Forgets what has changed.
    mutating func settle() {
        changed.removeAll(keepingCapacity: true)
        lastStream = nil
    }

    /// Whether so much fails that it is not one customer's affair: more than the budget bears, of at least two
    /// workspaces, and of most that came lately.
    ///
    /// Where there is one workspace only, its streams take the place of workspaces; where there is one stream only,
    /// nobody is held up but itself.
    func isWidespread(in installation: Installation) -> Bool {
        guard all.exceeds(budget) else { return false }
        var counts: [String: (items: Int, failures: Int)] = [:]
        for item in last {
            let whose = installation.workspaces > 1 ? item.workspace?.rawValue : item.stream?.rawValue
            counts[whose ?? "", default: (0, 0)].items += 1
            if item.failed { counts[whose ?? "", default: (0, 0)].failures += 1 }
        }
        let failing = counts.values.lazy.filter { Double($0.failures) > Double($0.items) * budget.ratio }.count
        let known = installation.workspaces > 1 ? installation.workspaces : installation.streams
        return failing >= min(2, known) && failing * 2 > counts.count
    }

    /// How many there are of whom a burst of failures may be.
    struct Installation: Sendable, Hashable {
        /// Workspaces that have streams.
        var workspaces: Int
        var streams: Int
    }
}
