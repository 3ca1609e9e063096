import Common
import Synchronization

/// What the process knows of the log: topics and their bounds, groups and their members, who waits for records.
///
/// Everything is under one lock, which is taken a few times a batch. The file has the truth; this follows each commit.
final class Coordinator: Sendable {
    /// What a member may do next.
    struct Turn: Sendable {
        /// Partitions whose start the member does not know yet.
        var unplaced: [Int] = []
        /// Partitions with records, from where to where.
        var readable: [(partition: Int, from: Int64, end: Int64)] = []
    }

    fileprivate struct GroupKey: Hashable {
        let topic: String
        let group: ConsumerGroup
    }

    fileprivate struct Member {
        let key: GroupKey
        /// Next offset of each partition that it has.
        var positions: [Int: Int64] = [:]
        var waiting: CheckedContinuation<Void, Never>?
        /// Somebody wanted to wake it while it was not waiting.
        var isRoused = false
        /// Which of its partitions is served first.
        var turns = 0
    }

    fileprivate struct State {
        var topics: [String: TopicState] = [:]
        var groups: [GroupKey: GroupMembership] = [:]
        var members: [MemberID: Member] = [:]
        var lastMember = 0
        var isClosed = false
        /// Why the last commit failed.
        var failure: String?
    }

    private let state: Mutex<State>

    init(_ topics: [TopicState]) {
        state = Mutex(State(topics: Dictionary(topics.map { ($0.topic.name, $0) }, uniquingKeysWith: { $1 })))
    }

    // MARK: Topics

    /// - Throws: ``EventLogError/unknownTopic(_:)``, ``EventLogError/closed``.
    func topic(_ name: String) throws -> TopicState {
        try state.withLock { try $0.topic(name) }
    }

    /// A topic, for work that was accepted before the log was closed.
    func topicForWriter(_ name: String) throws -> TopicState {
        guard let topic = state.withLock({ $0.topics[name] }) else { throw EventLogError.unknownTopic(name) }
        return topic
    }

    var topics: [TopicState] { state.withLock { Array($0.topics.values) } }

    func add(_ topic: TopicState) { state.withLock { $0.topics[topic.topic.name] = topic } }

    /// Where the next `count` records without a key begin to be spread.
    func spread(_ count: Int, over topic: String) -> Int {
        state.withLock { state in
            let start = state.topics[topic]?.nextUnkeyed ?? 0
            state.topics[topic]?.nextUnkeyed = start &+ count
            return start
        }
    }

    /// Notes what a commit made of a topic's bounds and wakes the members that have something to read.
    func note(_ bounds: [PartitionBounds], of topic: String) {
        let woken = state.withLock { state in
            state.topics[topic]?.bounds = bounds
            state.failure = nil
            return state.takeWaiting { $0.key.topic == topic }
        }
        for continuation in woken { continuation.resume() }
    }

    var failure: String? {
        get { state.withLock { $0.failure } }
        set { state.withLock { $0.failure = newValue } }
    }

    var isClosed: Bool { state.withLock { $0.isClosed } }

    /// Whatever is called from now on throws ``EventLogError/closed``; who waits is woken.
    ///
    /// - Returns: false if it was closed already.
    func close() -> Bool {
        let (isFirst, woken) = state.withLock { state in
            let isFirst = !state.isClosed
            state.isClosed = true
            return (isFirst, state.takeWaiting { _ in true })
        }
        for continuation in woken { continuation.resume() }
        return isFirst
    }

    // MARK: Members

    func join(_ group: ConsumerGroup, of topic: String) throws -> MemberID {
        let (id, woken) = try state.withLock { state in
            let partitions = try state.topic(topic).topic.partitions
            let key = GroupKey(topic: topic, group: group)
            state.lastMember += 1
            let id = MemberID(number: state.lastMember)
            state.members[id] = Member(key: key)
            state.groups[key, default: GroupMembership(partitions: partitions)].join(id)
            return (id, state.takeWaiting { $0.key == key })
        }
        for continuation in woken { continuation.resume() }
        return id
    }

    /// The member's partitions are free; doing it twice does nothing.
    func leave(_ id: MemberID) {
        let woken = state.withLock { state in
            guard let member = state.members.removeValue(forKey: id) else {
                return [] as [CheckedContinuation<Void, Never>]
            }
            state.groups[member.key]?.leave(id)
            if state.groups[member.key]?.isEmpty == true { state.groups[member.key] = nil }
            return state.takeWaiting { $0.key == member.key } + (member.waiting.map { [$0] } ?? [])
        }
        for continuation in woken { continuation.resume() }
    }

    /// Exchanges partitions as the group wants it, and says what there is to read.
    func turn(of id: MemberID) throws -> Turn {
        let (turn, woken) = try state.withLock { state in
            try state.settle(id)
        }
        for continuation in woken { continuation.resume() }
        return turn
    }

    /// Sets a member's position in a partition, which it must have.
    ///
    /// - Throws: ``EventLogError/fenced(topic:partition:)``, or ``EventLogError/corrupt(_:)`` for an offset that the
    ///   log never gave.
    func place(_ id: MemberID, in partition: Int, at offset: Int64) throws {
        try state.withLock { state in
            let key = try state.requireOwner(id, [partition])
            let end = try state.topic(key.topic).bounds[partition].end
            guard offset <= end else {
                throw EventLogError.corrupt(
                    "group \(key.group) wants to begin at offset \(offset) of partition \(partition) of \(key.topic), "
                        + "which ends at \(end): was the log's folder replaced?")
            }
            state.members[id]?.positions[partition] = max(0, offset)
        }
    }

    /// Moves the member's positions behind what it was handed; false if it left meanwhile.
    func advance(_ id: MemberID, to positions: [Int: Int64]) -> Bool {
        state.withLock { state in
            guard state.members[id] != nil else { return false }
            state.members[id]?.turns += 1
            state.members[id]?.positions.merge(positions) { $1 }
            return true
        }
    }

    /// - Throws: ``EventLogError/fenced(topic:partition:)`` if the member does not have all of the partitions.
    func requireOwner(_ id: MemberID, of partitions: [Int]) throws {
        _ = try state.withLock { try $0.requireOwner(id, partitions) }
    }

    /// Waits until there may be something to do for the member, or it is woken.
    func wait(_ id: MemberID) async {
        await withCheckedContinuation { continuation in
            let goesOn = state.withLock { state in
                guard !state.isClosed, var member = state.members[id], !member.isRoused, !state.hasWork(id, member)
                else {
                    state.members[id]?.isRoused = false
                    return true
                }
                member.waiting = continuation
                state.members[id] = member
                return false
            }
            if goesOn { continuation.resume() }
        }
    }

    /// Ends the member's wait, now or the next time it begins one.
    func rouse(_ id: MemberID) {
        let waiting = state.withLock { state in
            guard var member = state.members[id] else { return nil as CheckedContinuation<Void, Never>? }
            defer { state.members[id] = member }
            member.isRoused = member.waiting == nil
            return member.waiting.take()
        }
        waiting?.resume()
    }

    /// Forgets a call that came too late to end the last wait.
    func calm(_ id: MemberID) { state.withLock { $0.members[id]?.isRoused = false } }
}

extension Coordinator.State {
    fileprivate func topic(_ name: String) throws -> TopicState {
        if isClosed { throw EventLogError.closed }
        guard let topic = topics[name] else { throw EventLogError.unknownTopic(name) }
        return topic
    }

    fileprivate func requireOwner(_ id: MemberID, _ partitions: [Int]) throws -> Coordinator.GroupKey {
        guard !isClosed, let member = members[id] else { throw EventLogError.closed }
        for partition in partitions where groups[member.key]?.owns(id, partition) != true {
            throw EventLogError.fenced(topic: member.key.topic, partition: partition)
        }
        return member.key
    }

    fileprivate mutating func settle(_ id: MemberID) throws -> (Coordinator.Turn, [CheckedContinuation<Void, Never>]) {
        guard !isClosed, var member = members[id] else { throw EventLogError.closed }
        let isMoving = groups[member.key]?.isUnsettled(id) == true
        let partitions = groups[member.key]?.settle(id) ?? []
        let bounds = try topic(member.key.topic).bounds
        member.positions = member.positions.filter { partitions.contains($0.key) }
        members[id] = member
        var turn = Coordinator.Turn()
        for index in partitions.indices {
            let partition = partitions[(index + member.turns) % partitions.count]
            guard let position = member.positions[partition] else {
                turn.unplaced.append(partition)
                continue
            }
            // From the position, though retention may have been there: a sink compares it with its own.
            if bounds[partition].holds(position) {
                turn.readable.append((partition, position, bounds[partition].end))
            }
        }
        return (turn, isMoving ? takeWaiting { $0.key == member.key } : [])
    }

    fileprivate func hasWork(_ id: MemberID, _ member: Coordinator.Member) -> Bool {
        if groups[member.key]?.isUnsettled(id) == true { return true }
        guard let bounds = topics[member.key.topic]?.bounds else { return true }
        return member.positions.contains { bounds[$0.key].holds($0.value) }
    }

    /// Takes the continuations of the members that have something to do.
    fileprivate mutating func takeWaiting(
        _ isConcerned: (Coordinator.Member) -> Bool
    ) -> [CheckedContinuation<Void, Never>] {
        var taken: [CheckedContinuation<Void, Never>] = []
        for (id, member) in members where member.waiting != nil && isConcerned(member) {
            guard isClosed || hasWork(id, member) else { continue }
            if let continuation = members[id]?.waiting.take() { taken.append(continuation) }
        }
        return taken
    }
}

extension PartitionBounds {
    /// Whether there is a record at the position or after it.
    fileprivate func holds(_ position: Int64) -> Bool { max(position, first) < end }
}
