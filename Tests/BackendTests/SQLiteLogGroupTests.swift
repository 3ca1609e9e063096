import TestKit
import Testing

@testable import SQLiteLog

@Suite("Groups of consumers over SQLite")
struct SQLiteLogGroupTests {
    @Test("every change ends in fair shares, and moves no more than it must", arguments: 0..<50 as Range<UInt64>)
    func rebalance(seed: UInt64) {
        var random = RandomSource(seed: seed)
        let partitions = Int.random(in: 1...12, using: &random)
        var group = GroupMembership(partitions: partitions)
        var members: [MemberID] = []
        var owned: [MemberID: Set<Int>] = [:]
        for number in 0..<40 {
            let isJoin = members.isEmpty || Bool.random(using: &random)
            var leaver: MemberID?
            if isJoin {
                members.append(MemberID(number: number))
                group.join(MemberID(number: number))
            } else {
                let index = Int.random(in: 0..<members.count, using: &random)
                leaver = members[index]
                group.leave(members.remove(at: index))
            }
            // Members come back in any order, some of them twice.
            let before = owned
            for member in members.shuffled(using: &random) + members.shuffled(using: &random) {
                owned[member] = Set(group.settle(member))
                for other in members where other != member {
                    #expect(
                        owned[other, default: []].filter { group.owns(other, $0) }
                            .isDisjoint(with: owned[member, default: []]))
                }
            }
            for member in members {
                #expect(!group.isUnsettled(member))
                let share = owned[member]?.count ?? 0
                #expect(
                    share == partitions / members.count || share == partitions / members.count + 1
                        || (partitions % members.count == 0 && share == partitions / members.count))
            }
            #expect(members.reduce(0) { $0 + (owned[$1]?.count ?? 0) } == (members.isEmpty ? 0 : partitions))
            let moved = members.reduce(0) { count, member in
                count + owned[member, default: []].subtracting(before[member, default: []]).count
            }
            let freed = leaver.flatMap { before[$0]?.count } ?? 0
            #expect(
                moved <= (isJoin ? (partitions + members.count - 1) / max(1, members.count) : freed)
                    || members.count == 1)
            if let leaver { owned[leaver] = nil }
        }
    }

    @Test("an owner keeps a partition until it settles")
    func cooperative() {
        var group = GroupMembership(partitions: 2)
        let (old, new) = (MemberID(number: 1), MemberID(number: 2))
        group.join(old)
        #expect(group.settle(old) == [0, 1])
        group.join(new)
        #expect(group.settle(new) == [])
        #expect(group.owns(old, 0) && group.owns(old, 1))
        #expect(group.isUnsettled(old))
        let kept = group.settle(old)
        #expect(kept.count == 1)
        #expect(Set(group.settle(new)).union(kept) == [0, 1])
    }
}
