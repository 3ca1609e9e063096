import HeapModule

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

    /// How many to take from which lane, by its place in the list; a lane may turn out to have fewer.
    func shares(of free: Int, lanes: [Lane]) -> [(lane: Int, count: Int)] {
        // Names become numbers first: each of many jobs is weighed against many lanes.
        let kinds = Numbers(limits.keys)
        var providers = Numbers<String>()
        var workspaces = Numbers<String>()
        var candidates: [Candidate] = []
        candidates.reserveCapacity(lanes.count)
        for (index, lane) in lanes.enumerated() {
            guard let kind = kinds.number(of: lane.kind), let limits = limits[lane.kind] else { continue }
            candidates.append(
                Candidate(
                    lane: index, limits: limits, kind: kind, workspace: workspaces.take(lane.workspace),
                    provider: lane.provider.map { providers.take($0) },
                    admitted: lane.provider.flatMap { admitted[$0] } ?? .max, priority: lane.priority))
        }
        var load = Load(kinds: kinds.count, workspaces: workspaces.count, providers: providers.count)
        for (place, count) in running {
            let kind = kinds.number(of: place.kind)
            load.add(
                count, kind: kind, workspace: workspaces.number(of: place.workspace),
                provider: place.provider.flatMap { providers.number(of: $0) })
        }
        // The lanes of a workspace stand together, the urgent first.
        candidates.sort { ($0.workspace, -$0.priority, $0.lane) < ($1.workspace, -$1.priority, $1.lane) }
        var queues: [Queue] = []
        queues.reserveCapacity(workspaces.count)
        for (index, candidate) in candidates.enumerated() {
            if candidate.workspace == queues.last?.workspace {
                queues[queues.count - 1].end += 1
            } else {
                queues.append(
                    Queue(
                        workspace: candidate.workspace, next: index, end: index + 1, first: candidate,
                        running: load.ofWorkspace[candidate.workspace],
                        served: served[lanes[candidate.lane].workspace] ?? 0))
            }
        }
        // By whose turn it is. Counts only grow, so what is closed stays so, and turns only come later: one whose turn
        // has moved on is put back and not looked for.
        var turns = Heap(queues)
        var taken = [Int](repeating: 0, count: lanes.count)
        var left = max(0, free)
        while left > 0, var queue = turns.popMin() {
            let first = queue.next
            while queue.next < queue.end, !load.hasRoom(for: candidates[queue.next]) { queue.next += 1 }
            guard queue.next < queue.end else { continue }
            queue.first = candidates[queue.next]
            if queue.next == first {
                left -= 1
                taken[queue.first.lane] += 1
                load.take(queue.first)
                queue.running += 1
            }
            turns.insert(queue)
        }
        return taken.indices.compactMap { taken[$0] > 0 ? ($0, taken[$0]) : nil }
    }

    /// A lane that may be taken from, its names as numbers.
    private struct Candidate {
        var lane: Int
        var limits: Limits
        var kind: Int
        var workspace: Int
        var provider: Int?
        var admitted: Int
        var priority: Int
    }

    /// The lanes of a workspace that are left, and what its turn depends on.
    private struct Queue: Comparable {
        let workspace: Int
        /// The first one that is not known to be closed.
        var next: Int
        var end: Int
        var first: Candidate
        var running: Int
        var served: UInt64

        private var turn: (Int, UInt64, Int, Int) { (running, served, -first.priority, first.lane) }
        static func < (left: Queue, right: Queue) -> Bool { left.turn < right.turn }
        static func == (left: Queue, right: Queue) -> Bool { left.turn == right.turn }
    }

    /// How many run, and are taken.
    private struct Load {
        private var ofKind: [Int]
        /// Without what ran before.
        private var takenOfKind: [Int]
        private(set) var ofWorkspace: [Int]
        /// By workspace, and within it by kind.
        private var ofPlace: [Int]
        private var ofProvider: [Int]

        init(kinds: Int, workspaces: Int, providers: Int) {
            func zeros(_ count: Int) -> [Int] { Array(repeating: 0, count: count) }
            (ofKind, takenOfKind, ofWorkspace, ofPlace, ofProvider) = (
                zeros(kinds), zeros(kinds), zeros(workspaces), zeros(workspaces * kinds), zeros(providers)
            )
        }

        mutating func add(_ count: Int, kind: Int?, workspace: Int?, provider: Int?) {
            if let kind { ofKind[kind] += count }
            if let workspace { ofWorkspace[workspace] += count }
            if let kind, let workspace { ofPlace[workspace * ofKind.count + kind] += count }
            if let provider { ofProvider[provider] += count }
        }

        mutating func take(_ lane: Candidate) {
            add(1, kind: lane.kind, workspace: lane.workspace, provider: lane.provider)
            takenOfKind[lane.kind] += 1
        }

        func hasRoom(for lane: Candidate) -> Bool {
            if let provider = lane.provider, ofProvider[provider] >= min(lane.limits.provider, lane.admitted) {
                return false
            }
            return ofKind[lane.kind] < lane.limits.all && takenOfKind[lane.kind] < lane.limits.free
                && ofPlace[lane.workspace * ofKind.count + lane.kind] < lane.limits.workspace
        }
    }

    /// Names, numbered in the order in which they came.
    private struct Numbers<Name: Hashable> {
        private var numbers: [Name: Int] = [:]
        var count: Int { numbers.count }

        init() {}
        init(_ names: some Sequence<Name>) { for name in names { _ = take(name) } }

        func number(of name: Name) -> Int? { numbers[name] }

        mutating func take(_ name: Name) -> Int {
            if let number = numbers[name] { return number }
            numbers[name] = numbers.count
            return numbers.count - 1
        }
    }
}
