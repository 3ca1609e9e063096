import CRdKafka
import Common
import Foundation
import Synchronization
import Threads

/// A member of a consumer group. Everything is done on the thread that owns it.
///
/// It learns of rebalances only when it is asked for records, so a partition moves only when its work came back.
final class GroupMember: @unchecked Sendable {
    /// What a pull came to.
    enum Outcome: Sendable {
        case batches([PartitionBatch])
        /// Partitions that were assigned and whose start must be found out first.
        case unplaced([Int])
        case nothing
    }

    /// Ends a pull early.
    final class Turn: Sendable {
        let isCancelled = Atomic(false)
    }

    private static let patience: Int32 = 30_000

    private var handle: ClientHandle
    private let topic: Topic
    private let group: String
    private let problem: ConnectionProblem
    private var partitions: [Int: AssignedPartition] = [:]
    private var former = FormerPartitions()
    /// Partitions that the group has given and that are not begun yet; nil if there was no such news.
    private var assigning: [Int]?
    /// Partitions that the group wants back and that were not let go yet.
    private var revoking: [Int]?
    private var wasAssigned = false
    /// Why this member cannot go on.
    private var failure: EventLogError?
    /// Which of the partitions is served first.
    private var turns = 0
    let messages: MessageBuffer

    init(
        of group: String, topic: Topic, settings: KafkaSettings, context: ClientContext, problem: ConnectionProblem
    ) throws {
        handle = try ClientHandle(
            RD_KAFKA_CONSUMER, try .member(of: group, settings), isMember: true, context: context)
        self.topic = topic
        self.group = group
        self.problem = problem
        messages = MessageBuffer(context)
        let topics = PartitionList(topic.name, CollectionOfOne(Int(RD_KAFKA_PARTITION_UA)))
        try KafkaFailure.check(
            rd_kafka_subscribe(handle.pointer, topics.pointer), "\(group) cannot subscribe to \(topic)",
            topic: topic.name)
    }

    /// Leaves the group. The client itself goes with this object.
    func leave() {
        serveEvents()
        // Before 2.3 librdkafka aborts when a member goes that was let in and never got its first assignment
        // (confluentinc/librdkafka#4312).
        if !wasAssigned, wasLetIn, rd_kafka_version() < 0x0203_0000 { handle.abandon() }
        letGo()
        former.add(Array(partitions.values), messages)
        partitions = [:]
        // A commit that waits for its coordinator keeps the client for a session more.
        handle.leaveGroup(within: Double(Self.patience) / 1000)
        former.discard(messages)
    }

    private var wasLetIn: Bool {
        guard let name = rd_kafka_memberid(handle.pointer) else { return false }
        defer { rd_kafka_mem_free(handle.pointer, name) }
        return name.pointee != 0
    }

    // MARK: Pulling

    /// Takes records, or waits for them until the deadline, a cancellation or the end of the mailbox.
    ///
    /// Without a deadline it only looks ahead: then what was handed out is still worked on, and its partitions stay.
    func pull<Work>(_ limit: Int, until deadline: Date?, _ turn: Turn, in mailbox: Mailbox<Work>) throws -> Outcome {
        while true {
            if mailbox.isClosed { throw EventLogError.closed }
            serveEvents()
            if deadline != nil || !isWorkedOn(revoking ?? []) { letGo() }
            if let failure { throw problem.explaining(failure) }
            if let assigning { return .unplaced(assigning) }
            let batches = try take(limit)
            if !batches.isEmpty { return .batches(batches) }
            guard let deadline, deadline > Date(), !turn.isCancelled.load(ordering: .acquiring) else {
                return .nothing
            }
            mailbox.wait(until: deadline)
        }
    }

    private func take(_ limit: Int) throws -> [PartitionBatch] {
        let numbers = partitions.keys.sorted().filter { revoking?.contains($0) != true }
        let ready = numbers.indices.compactMap { partitions[numbers[($0 + turns) % numbers.count]] }
            .filter { $0.available > 0 }
        guard !ready.isEmpty else { return [] }
        turns += 1
        var batches: [PartitionBatch] = []
        for (partition, share) in zip(ready, fairShares(of: limit, over: ready.map(\.available))) where share > 0 {
            let pulled = partition.pull(share, of: topic.name, through: messages)
            if !pulled.records.isEmpty {
                batches.append(
                    PartitionBatch(
                        topic: topic, partition: partition.number, from: partition.position, next: partition.floor,
                        records: pulled.records))
                partition.position = partition.floor
            }
            if pulled.isOutOfRange { try giveUp(partition) }
            if let failure = pulled.failure { self.failure = failure }
        }
        return batches
    }

    /// Ends this membership, because retention was faster than we: whoever joins anew begins at what is left.
    private func giveUp(_ partition: AssignedPartition) throws {
        let bounds = try bounds(of: partition.number)
        try requireReached(partition.position, bounds)
        throw EventLogError.unavailable(
            "retention has removed offset \(partition.position) of partition \(partition.number) of \(topic); "
                + "join again to go on at \(bounds.first)")
    }

    // MARK: The group's news

    private func serveEvents() {
        handle.drain { type, event in
            switch type {
            case RD_KAFKA_EVENT_REBALANCE: rebalance(event)
            case RD_KAFKA_EVENT_ERROR: note(event)
            default: break
            }
        }
    }

    private func rebalance(_ event: OpaquePointer) {
        guard let list = rd_kafka_event_topic_partition_list(event) else { return }
        let numbers = list.pointee.entries.map { Int($0.partition) }
        if rd_kafka_event_error(event) == RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS {
            wasAssigned = true
            if numbers.isEmpty {
                ignore(rd_kafka_incremental_assign(handle.pointer, list))
            } else {
                assigning = numbers
            }
            return
        }
        revoking = numbers
        // Lost, not asked back: others may have them already.
        if rd_kafka_assignment_lost(handle.pointer) != 0 { letGo() }
    }

    private func isWorkedOn(_ numbers: [Int]) -> Bool {
        numbers.contains { number in partitions[number].map { $0.settled != $0.position } ?? false }
    }

    /// Lets go of what the group wants back.
    private func letGo() {
        guard let numbers = revoking else { return }
        revoking = nil
        // librdkafka knows only of those that were begun.
        let begun = numbers.compactMap { partitions.removeValue(forKey: $0) }
        assigning = assigning.map { $0.filter { !numbers.contains($0) } }.flatMap { $0.isEmpty ? nil : $0 }
        unassign(begun.map(\.number))
        former.add(begun, messages)
    }

    private func unassign(_ numbers: [Int]) {
        let list = PartitionList(topic.name, numbers)
        guard let error = rd_kafka_incremental_unassign(handle.pointer, list.pointer) else { return }
        rd_kafka_error_destroy(error)
        // One that librdkafka no longer counts as ours keeps it from letting go of the others.
        for number in numbers {
            let one = PartitionList(topic.name, CollectionOfOne(number))
            ignore(rd_kafka_incremental_unassign(handle.pointer, one.pointer))
        }
    }

    private func note(_ event: OpaquePointer) {
        let code = rd_kafka_event_error(event)
        let reason = rd_kafka_event_error_string(event).map { String(cString: $0) } ?? ""
        switch KafkaFailure.error(code, "\(group): \(reason)", topic: topic.name) {
        // librdkafka looks for brokers by itself; the member stays what it is.
        case .unavailable where code != RD_KAFKA_RESP_ERR__FATAL: break
        case let error: failure = error
        }
    }

    private func ignore(_ error: OpaquePointer?) {
        // The group has moved on meanwhile; its next news will say how.
        if let error { rd_kafka_error_destroy(error) }
    }

    /// Begins the partitions that were assigned.
    ///
    /// - Parameter starts: Where the sink wants each to begin; nil leaves it to what the group committed.
    func place(_ starts: [Int: Int64?]) throws {
        guard let assigning, Set(assigning).isSubset(of: starts.keys) else { return }
        let committed = try committed(assigning.filter { starts[$0] == .some(nil) })
        var begun: [AssignedPartition] = []
        let ends = try PartitionEnds.find(handle.pointer, topic.name, assigning, patience: Self.patience)
        for bounds in ends {
            let number = bounds.partition
            let position = (starts[number] ?? nil) ?? committed[number] ?? bounds.first
            try requireReached(position, bounds)
            begun.append(
                try AssignedPartition(
                    number, of: topic.name, position: position, floor: max(position, bounds.first), client: handle))
        }
        let list = PartitionList(topic.name, begun.map { ($0.number, $0.floor) })
        var error = rd_kafka_incremental_assign(handle.pointer, list.pointer)
        if error.map({ rd_kafka_error_code($0) }) == RD_KAFKA_RESP_ERR__CONFLICT {
            // Given anew although we have it: it is left over from a share that was lost.
            ignore(error)
            unassign(assigning)
            error = rd_kafka_incremental_assign(handle.pointer, list.pointer)
        }
        try KafkaFailure.check(error, "\(group) cannot begin \(topic)", topic: topic.name)
        for partition in begun { partitions[partition.number] = partition }
        self.assigning = nil
    }

    private func committed(_ numbers: [Int]) throws -> [Int: Int64] {
        guard !numbers.isEmpty else { return [:] }
        let list = PartitionList(topic.name, numbers)
        let what = "cannot find what \(group) committed"
        try KafkaFailure.check(rd_kafka_committed(handle.pointer, list.pointer, Self.patience), what, topic: topic.name)
        var offsets: [Int: Int64] = [:]
        for entry in list.entries {
            try KafkaFailure.check(entry.err, what, topic: topic.name)
            if entry.offset >= 0 { offsets[Int(entry.partition)] = entry.offset }
        }
        return offsets
    }

    private func bounds(of number: Int) throws -> PartitionBounds {
        try PartitionEnds.find(handle.pointer, topic.name, CollectionOfOne(number), patience: Self.patience)[0]
    }

    private func requireReached(_ offset: Int64, _ bounds: PartitionBounds) throws {
        guard offset > bounds.end else { return }
        throw EventLogError.corrupt(
            "group \(group) wants to go on at offset \(offset) of partition \(bounds.partition) of \(topic), which ends at "
                + "\(bounds.end): was the topic made anew?")
    }

    // MARK: Positions

    /// Makes positions the group's.
    func commit(_ positions: [Int: Int64]) throws {
        for number in positions.keys.sorted() where partitions[number] == nil {
            throw EventLogError.fenced(topic: topic.name, partition: number)
        }
        let queue = rd_kafka_queue_new(handle.pointer)
        defer { rd_kafka_queue_destroy(queue) }
        let deadline = Date(timeIntervalSinceNow: Double(Self.patience) / 1000)
        while true {
            // Thrown out of the group: the news of it is still to be heard.
            let isLost = rd_kafka_assignment_lost(handle.pointer) != 0
            let code = isLost ? RD_KAFKA_RESP_ERR_UNKNOWN_MEMBER_ID : try commitOnce(positions, queue)
            switch code {
            case RD_KAFKA_RESP_ERR_NO_ERROR:
                for (number, offset) in positions { partitions[number]?.settled = offset }
                return
            case RD_KAFKA_RESP_ERR_UNKNOWN_MEMBER_ID, RD_KAFKA_RESP_ERR_FENCED_INSTANCE_ID:
                throw EventLogError.fenced(topic: topic.name, partition: positions.keys.min() ?? 0)
            case RD_KAFKA_RESP_ERR_REBALANCE_IN_PROGRESS where Date() < deadline,
                RD_KAFKA_RESP_ERR_ILLEGAL_GENERATION where Date() < deadline:
                // The group shares anew. What we have stays ours until we come for more, so we commit it as soon as
                // this member is told the new generation.
                if let event = rd_kafka_queue_poll(queue, 50) { rd_kafka_event_destroy(event) }
            default: throw problem.explaining(KafkaFailure.error(code, "\(group) cannot commit", topic: topic.name))
            }
        }
    }

    private func commitOnce(_ positions: [Int: Int64], _ queue: OpaquePointer?) throws -> rd_kafka_resp_err_t {
        let list = PartitionList(topic.name, positions.map { ($0.key, $0.value) })
        let code = rd_kafka_commit_queue(handle.pointer, list.pointer, queue, nil, nil)
        guard code == RD_KAFKA_RESP_ERR_NO_ERROR else { return code }
        guard let event = rd_kafka_queue_poll(queue, Self.patience) else { return RD_KAFKA_RESP_ERR__TIMED_OUT }
        defer { rd_kafka_event_destroy(event) }
        let whole = rd_kafka_event_error(event)
        guard whole == RD_KAFKA_RESP_ERR_NO_ERROR else { return whole }
        for entry in rd_kafka_event_topic_partition_list(event)?.pointee.entries
            ?? UnsafeBufferPointer(start: nil, count: 0)
        where entry.err != RD_KAFKA_RESP_ERR_NO_ERROR {
            return entry.err
        }
        return RD_KAFKA_RESP_ERR_NO_ERROR
    }

    /// Goes on elsewhere in a partition.
    func seek(_ number: Int, to offset: Int64) throws {
        guard let partition = partitions[number] else {
            throw EventLogError.fenced(topic: topic.name, partition: number)
        }
        let bounds = try bounds(of: number)
        try requireReached(offset, bounds)
        partition.position = max(0, offset)
        partition.settled = partition.position
        partition.floor = max(offset, bounds.first)
        try fetch(partition)
    }

    /// Has a partition fetched from its floor on; what was fetched before is dropped.
    private func fetch(_ partition: AssignedPartition) throws {
        let what = "cannot go to offset \(partition.floor) of partition \(partition.number) of \(topic)"
        let list = PartitionList(topic.name, [(partition.number, partition.floor)])
        try KafkaFailure.check(
            rd_kafka_seek_partitions(handle.pointer, list.pointer, Self.patience), what, topic: topic.name)
        for entry in list.entries { try KafkaFailure.check(entry.err, what, topic: topic.name) }
    }
}
