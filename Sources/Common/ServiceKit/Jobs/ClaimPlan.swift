import Common
import HeapModule

/// A line of jobs that are alike but for their age: of one kind, workspace, priority and provider.
struct Lane: Sendable, Hashable {
    let kind: String
    let workspace: String
    let priority: Int
    let provider: String?
    /// Sorted as text, the urgent ones of a kind and workspace come first.
    let text: String

    init(kind: String, workspace: WorkspaceID?, priority: Int, provider: String? = nil) {
        self.kind = kind
        self.workspace = workspace?.rawValue ?? "-"
        self.priority = priority
        self.provider = provider
        text = "\(kind) \(self.workspace) \(9 - priority)" + (provider.map { " \($0)" } ?? "")
    }

    init?(_ text: String) {
        self.text = text
        let parts = text.utf8.split(separator: UInt8(ascii: " "), maxSplits: 3).map { String(Substring($0)) }
        guard parts.count >= 3, let digit = Int(parts[2]) else { return nil }
        kind = parts[0]
        workspace = parts[1]
        priority = 9 - digit
        provider = parts.count == 4 ? parts[3] : nil
    }

    // The text says all; a claim looks up each of many lanes a dozen times.
    static func == (left: Lane, right: Lane) -> Bool { left.text == right.text }
    func hash(into hasher: inout Hasher) { hasher.combine(text) }
}

/// Decides from which lanes the next jobs are taken.
///
/// Workspaces are equal: the one that has the fewest jobs running goes first, of several the one that was served the
/// longest ago. Within a workspace the higher priority goes first. So a flood of one workspace, however urgent it calls
/// itself, holds nobody else up.
struct ClaimPlan {
    struct Place: Hashable {
        var kind: String
        var workspace: String
        var provider: String?
    }
    /// How many jobs of a kind may run.
    struct Limits {
        var all: Int
        var workspace: Int
        var provider = Int.max
        /// How many more this process may take.
        var free = Int.max
    }
    /// The kinds that are taken at all.
    let limits: [String: Limits]
    /// How many run now.
    let running: [Place: Int]
    /// When each workspace was served last; none is before all.
    let served: [String: UInt64]
    /// The providers that are in trouble, and how many jobs may try them at once: none, or one.
    var admitted: [String: Int] = [:]

    /// How many to take from which lane; a lane may turn out to have fewer.
    func shares(of free: Int, lanes: [Lane]) -> [(lane: Lane, count: Int)] {
        // Names become numbers first: each of many jobs is weighed against many lanes.
        var kinds = Counts<String>()
        var places = Counts<Place>()
        var providers = Counts<String>()
        var inWorkspaces = Counts<String>()
        for (place, count) in running {
            kinds.add(count, to: place.kind)
            inWorkspaces.add(count, to: place.workspace)
            places.add(count, to: Place(kind: place.kind, workspace: place.workspace))
            if let provider = place.provider { providers.add(count, to: provider) }
        }
        var workspaces: [String: Queue] = [:]
        for (index, lane) in lanes.enumerated() {
            guard let limits = limits[lane.kind] else { continue }
            let candidate = Candidate(
                lane: index, limits: limits, kind: kinds.number(of: lane.kind),
                place: places.number(of: Place(kind: lane.kind, workspace: lane.workspace)),
                provider: lane.provider.map { providers.number(of: $0) },
                admitted: lane.provider.flatMap { admitted[$0] } ?? .max, priority: lane.priority)
            workspaces[lane.workspace, default: Queue()].candidates.append(candidate)
        }
        var takenOfKind = kinds.counts.map { _ in 0 }
        var taken = lanes.map { _ in 0 }
        func isOpen(_ lane: Candidate) -> Bool {
            if let provider = lane.provider, providers.counts[provider] >= min(lane.limits.provider, lane.admitted) {
                return false
            }
            return kinds.counts[lane.kind] < lane.limits.all && takenOfKind[lane.kind] < lane.limits.free
                && places.counts[lane.place] < lane.limits.workspace
        }
        // The workspaces by whose turn it is. Counts only grow, so what is closed stays so, and turns only come later:
        // one whose turn has moved on is put back and not looked for.
        var turns = Heap(
            workspaces.map { name, queue in
                var queue = queue
                queue.candidates.sort { ($0.priority, $1.lane) > ($1.priority, $0.lane) }
                queue.running = inWorkspaces.counts[inWorkspaces.number(of: name)]
                queue.served = served[name] ?? 0
                return queue
            })
        var left = max(0, free)
        while left > 0, var queue = turns.popMin() {
            let first = queue.next
            while queue.next < queue.candidates.count, !isOpen(queue.candidates[queue.next]) { queue.next += 1 }
            guard queue.next < queue.candidates.count else { continue }
            let lane = queue.candidates[queue.next]
            if queue.next == first {
                left -= 1
                taken[lane.lane] += 1
                takenOfKind[lane.kind] += 1
                kinds.counts[lane.kind] += 1
                places.counts[lane.place] += 1
                if let provider = lane.provider { providers.counts[provider] += 1 }
                queue.running += 1
            }
            turns.insert(queue)
        }
        return zip(lanes, taken).compactMap { lane, count in count > 0 ? (lane, count) : nil }
    }

    /// A lane that may be taken from, its names as numbers.
    private struct Candidate {
        var lane: Int
        var limits: Limits
        var kind: Int
        var place: Int
        var provider: Int?
        var admitted: Int
        var priority: Int
    }

    /// The lanes of a workspace, the urgent first, and what its turn depends on.
    private struct Queue: Comparable {
        var candidates: [Candidate] = []
        /// The first one that is not known to be closed.
        var next = 0
        var running = 0
        var served: UInt64 = 0

        private var turn: (Int, UInt64, Int, Int) {
            let first = candidates[min(next, candidates.count - 1)]
            return (running, served, -first.priority, first.lane)
        }
        static func < (left: Queue, right: Queue) -> Bool { left.turn < right.turn }
        static func == (left: Queue, right: Queue) -> Bool { left.turn == right.turn }
    }

    /// How many of each, by its number.
    private struct Counts<Key: Hashable> {
        private var numbers: [Key: Int] = [:]
        var counts: [Int] = []

        mutating func number(of key: Key) -> Int {
            if let number = numbers[key] { return number }
            numbers[key] = counts.count
            counts.append(0)
            return counts.count - 1
        }

        mutating func add(_ count: Int, to key: Key) { counts[number(of: key)] += count }
    }
}
