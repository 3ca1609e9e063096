/// Names a member of a consumer group in this process.
struct MemberID: Hashable, Sendable, Comparable {
    let number: Int
    static func < (left: MemberID, right: MemberID) -> Bool { left.number < right.number }
}

/// Who of a group has which partition, decided without doing anything.
///
/// Rebalancing is cooperative: when members come or go, targets change at once, but a partition moves only when its
/// owner comes back for more (``settle(_:)``) or leaves. So no partition has two owners at any time.
struct GroupMembership: Sendable {
    private var members: [MemberID] = []
    private var owners: [MemberID?]
    private var targets: [MemberID?]

    init(partitions: Int) {
        owners = Array(repeating: nil, count: partitions)
        targets = owners
    }

    var isEmpty: Bool { members.isEmpty }

    mutating func join(_ member: MemberID) {
        members.append(member)
        retarget()
    }

    mutating func leave(_ member: MemberID) {
        members.removeAll { $0 == member }
        for partition in owners.indices where owners[partition] == member { owners[partition] = nil }
        retarget()
    }

    func owns(_ member: MemberID, _ partition: Int) -> Bool {
        owners.indices.contains(partition) && owners[partition] == member
    }

    /// Whether ``settle(_:)`` would change something.
    func isUnsettled(_ member: MemberID) -> Bool {
        zip(owners, targets).contains { owner, target in
            (owner == member) != (target == member) && (owner == member || owner == nil)
        }
    }

    /// The member lets go of what goes to others and takes what is free for it.
    ///
    /// - Returns: The partitions that it has now.
    mutating func settle(_ member: MemberID) -> [Int] {
        for partition in owners.indices {
            if owners[partition] == member, targets[partition] != member { owners[partition] = nil }
            if owners[partition] == nil, targets[partition] == member { owners[partition] = member }
        }
        return owners.indices.filter { owners[$0] == member }
    }

    /// Gives every member its fair share and moves as few partitions as that takes.
    private mutating func retarget() {
        guard !members.isEmpty else {
            targets = Array(repeating: nil, count: owners.count)
            return
        }
        let before = targets
        targets = Array(repeating: nil, count: owners.count)
        let held = { (member: MemberID) in before.indices.filter { before[$0] == member } }
        let ranked = members.map { ($0, held($0)) }.sorted { ($1.1.count, $0.0) < ($0.1.count, $1.0) }
        var room: [(member: MemberID, count: Int)] = []
        for (rank, (member, partitions)) in ranked.enumerated() {
            let share = owners.count / members.count + (rank < owners.count % members.count ? 1 : 0)
            for partition in partitions.prefix(share) { targets[partition] = member }
            room.append((member, share - min(share, partitions.count)))
        }
        var next = 0
        for partition in targets.indices where targets[partition] == nil {
            while room[next].count == 0 { next += 1 }
            targets[partition] = room[next].member
            room[next].count -= 1
        }
    }
}
