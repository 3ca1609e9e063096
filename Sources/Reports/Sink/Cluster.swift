import Common

/// The items of one workspace that say the same, cut into cross-posts.
///
/// In the order of time (then of id) the first is canonical, and those within a week after it are merged into it; the
/// next one begins anew. So the cut depends on the members only, not on the order in which they came.
struct Cluster: Sendable {
    struct Member: Hashable, Comparable, Sendable {
        var timestamp: Int64
        var id: Digest128

        static func < (left: Member, right: Member) -> Bool {
            (left.timestamp, left.id) < (right.timestamp, right.id)
        }
    }

    /// How long after the canonical one a cross-post may come, in milliseconds.
    static let window: Int64 = 7 * 86_400_000

    private(set) var members: [Member] = []
    /// The canonical ones.
    private var starts: [Member] = []

    init(_ members: [Member] = []) {
        self.members = members.sorted()
        starts = Self.cut(self.members)
    }

    /// Adds a member; returns whether there is one more canonical item than before.
    mutating func insert(_ member: Member) -> Bool {
        members.insert(member, at: Self.position(of: member, in: members))
        if let start = start(before: member), member.timestamp - start.timestamp <= Self.window { return false }
        let before = starts.count
        starts = Self.cut(members)
        return starts.count > before
    }

    mutating func remove(_ member: Member) {
        let position = Self.position(of: member, in: members)
        guard position < members.count, members[position] == member else { return }
        members.remove(at: position)
        if start(before: member) == member { starts = Self.cut(members) }
    }

    /// The item that a member is merged into; nil for a canonical one.
    func canonical(for member: Member) -> Digest128? {
        guard let start = start(before: member), start != member else { return nil }
        return start.id
    }

    /// The last canonical item that is not after this one.
    private func start(before member: Member) -> Member? {
        let position = Self.position(of: member, in: starts)
        if position < starts.count, starts[position] == member { return member }
        return position > 0 ? starts[position - 1] : nil
    }

    private static func cut(_ members: [Member]) -> [Member] {
        var starts: [Member] = []
        for member in members {
            if let last = starts.last, member.timestamp - last.timestamp <= window { continue }
            starts.append(member)
        }
        return starts
    }

    /// Where a member is, or would be.
    private static func position(of member: Member, in list: [Member]) -> Int {
        var low = 0
        var high = list.count
        while low < high {
            let middle = (low + high) / 2
            if list[middle] < member { low = middle + 1 } else { high = middle }
        }
        return low
    }
}
