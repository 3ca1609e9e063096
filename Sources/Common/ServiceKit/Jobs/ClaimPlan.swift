import Common

/// A line of jobs that are alike but for their age: of one kind, workspace, priority and provider.
struct Lane: Sendable, Hashable {
    var kind: String
    var workspace: String
    var priority: Int
    var provider: String?

    init(kind: String, workspace: WorkspaceID?, priority: Int, provider: String? = nil) {
        self.kind = kind
        self.workspace = workspace?.rawValue ?? "-"
        self.priority = priority
        self.provider = provider
    }

    /// Sorted as text, the urgent ones of a kind and workspace come first.
    var text: String { "\(kind) \(workspace) \(9 - priority)" + (provider.map { " \($0)" } ?? "") }

    init?(_ text: String) {
        let parts = text.split(separator: " ", maxSplits: 3)
        guard parts.count >= 3, let digit = Int(parts[2]) else { return nil }
        kind = String(parts[0])
        workspace = String(parts[1])
        priority = 9 - digit
        provider = parts.count == 4 ? String(parts[3]) : nil
    }
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
        // Names become numbers first: each of many jobs is weighed against each of many lanes.
        var kinds = Counts<String>()
        var workspaces = Counts<String>()
        var places = Counts<Place>()
        var providers = Counts<String>()
        for (place, count) in running {
            kinds.add(count, to: place.kind)
            workspaces.add(count, to: place.workspace)
            places.add(count, to: Place(kind: place.kind, workspace: place.workspace))
            if let provider = place.provider { providers.add(count, to: provider) }
        }
        var open = lanes.enumerated().compactMap { index, lane -> Candidate? in
            guard let limits = limits[lane.kind] else { return nil }
            return Candidate(
                lane: index, limits: limits, kind: kinds.number(of: lane.kind),
                workspace: workspaces.number(of: lane.workspace),
                place: places.number(of: Place(kind: lane.kind, workspace: lane.workspace)),
                provider: lane.provider.map { providers.number(of: $0) },
                admitted: lane.provider.flatMap { admitted[$0] } ?? .max, served: served[lane.workspace] ?? 0,
                priority: lane.priority)
        }
        var takenOfKind = kinds.counts.map { _ in 0 }
        var taken = lanes.map { _ in 0 }
        for _ in 0..<max(0, free) {
            open.removeAll { lane in
                if let provider = lane.provider,
                    providers.counts[provider] >= min(lane.limits.provider, lane.admitted)
                {
                    return true
                }
                return kinds.counts[lane.kind] >= lane.limits.all || takenOfKind[lane.kind] >= lane.limits.free
                    || places.counts[lane.place] >= lane.limits.workspace
            }
            let next = open.min { left, right in
                let a = (workspaces.counts[left.workspace], left.served, -left.priority)
                let b = (workspaces.counts[right.workspace], right.served, -right.priority)
                return a < b
            }
            guard let next else { break }
            taken[next.lane] += 1
            takenOfKind[next.kind] += 1
            kinds.counts[next.kind] += 1
            workspaces.counts[next.workspace] += 1
            places.counts[next.place] += 1
            if let provider = next.provider { providers.counts[provider] += 1 }
        }
        return zip(lanes, taken).compactMap { lane, count in count > 0 ? (lane, count) : nil }
    }

    /// A lane that may be taken from, its names as numbers.
    private struct Candidate {
        var lane: Int
        var limits: Limits
        var kind: Int
        var workspace: Int
        var place: Int
        var provider: Int?
        var admitted: Int
        var served: UInt64
        var priority: Int
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
