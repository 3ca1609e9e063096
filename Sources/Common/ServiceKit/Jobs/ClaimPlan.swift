import Common

/// A line of jobs that are alike but for their age: of one kind, workspace and priority.
struct Lane: Sendable, Hashable {
    var kind: String
    var workspace: String
    var priority: Int

    init(kind: String, workspace: WorkspaceID?, priority: Int) {
        self.kind = kind
        self.workspace = workspace?.rawValue ?? "-"
        self.priority = priority
    }

    /// Sorted as text, the urgent ones of a kind and workspace come first.
    var text: String { "\(kind) \(workspace) \(9 - priority)" }

    init?(_ text: String) {
        let parts = text.split(separator: " ")
        guard parts.count == 3, let digit = Int(parts[2]) else { return nil }
        kind = String(parts[0])
        workspace = String(parts[1])
        priority = 9 - digit
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
    }
    /// The kinds that are taken at all, and how many of each may run.
    let limits: [String: (all: Int, workspace: Int)]
    /// How many run now.
    let running: [Place: Int]
    /// When each workspace was served last; none is before all.
    let served: [String: UInt64]

    /// How many to take from which lane; a lane may turn out to have fewer.
    func shares(of free: Int, lanes: [Lane]) -> [(lane: Lane, count: Int)] {
        var running = running
        var byKind: [String: Int] = [:]
        var byWorkspace: [String: Int] = [:]
        for (place, count) in running {
            byKind[place.kind, default: 0] += count
            byWorkspace[place.workspace, default: 0] += count
        }
        var taken: [Lane: Int] = [:]
        var open = lanes.filter { limits[$0.kind] != nil }
        for _ in 0..<max(0, free) {
            open.removeAll { lane in
                guard let limit = limits[lane.kind] else { return true }
                return byKind[lane.kind, default: 0] >= limit.all
                    || running[Place(kind: lane.kind, workspace: lane.workspace), default: 0] >= limit.workspace
            }
            let next = open.min { left, right in
                let a = (byWorkspace[left.workspace] ?? 0, served[left.workspace] ?? 0, -left.priority)
                let b = (byWorkspace[right.workspace] ?? 0, served[right.workspace] ?? 0, -right.priority)
                return a < b
            }
            guard let next else { break }
            taken[next, default: 0] += 1
            byKind[next.kind, default: 0] += 1
            byWorkspace[next.workspace, default: 0] += 1
            running[Place(kind: next.kind, workspace: next.workspace), default: 0] += 1
        }
        return lanes.compactMap { lane in taken[lane].map { (lane, $0) } }
    }
}
