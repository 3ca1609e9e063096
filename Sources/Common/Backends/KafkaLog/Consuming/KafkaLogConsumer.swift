import Common
import Foundation
import Synchronization
import Threads

/// A consumer of the log: a member of a group, on a thread of its own.
final class KafkaLogConsumer: LogConsumer {
    let membership: Membership
    private let start: @Sendable (Int) async throws -> Int64?

    init(_ membership: Membership, start: @escaping @Sendable (Int) async throws -> Int64?) {
        self.membership = membership
        self.start = start
    }

    deinit { membership.abandon() }

    func next(limit: Int, wait: Duration) async throws -> [PartitionBatch] {
        let deadline = wait > .zero ? Date(timeIntervalSinceNow: wait / .seconds(1)) : nil
        while true {
            try Task.checkCancellation()
            switch try await pull(max(1, limit), until: deadline) {
            case .batches(let batches): return batches
            case .nothing:
                try Task.checkCancellation()
                return []
            case .unplaced(let partitions):
                var starts: [Int: Int64?] = [:]
                for partition in partitions { starts.updateValue(try await start(partition), forKey: partition) }
                try await membership.perform { [starts] in try $0.place(starts) }
            }
        }
    }

    private func pull(_ limit: Int, until deadline: Date?) async throws -> GroupMember.Outcome {
        let turn = GroupMember.Turn()
        return try await withTaskCancellationHandler {
            try await membership.perform { [mailbox = membership.mailbox] member in
                try member.pull(limit, until: deadline, turn, in: mailbox)
            }
        } onCancel: { [membership] in
            turn.isCancelled.store(true, ordering: .releasing)
            membership.mailbox.ring()
        }
    }

    func commit(_ batches: [PartitionBatch]) async throws {
        guard !batches.isEmpty else { return }
        let positions = Dictionary(batches.map { ($0.partition, $0.next) }, uniquingKeysWith: { $1 })
        try await membership.perform { try $0.commit(positions) }
    }

    func seek(partition: Int, to offset: Int64) async throws {
        try await membership.perform { try $0.seek(partition, to: offset) }
    }

    func close() async { await membership.close() }
}

/// The thread of a member. It ends when it is told to, and the member has left the group by then.
final class Membership: Sendable {
    typealias Work = @Sendable (GroupMember) -> Void

    let mailbox: Mailbox<Work>
    private let thread: WorkerThread

    /// - Parameters:
    ///   - mailbox: Where the member's context rings.
    ///   - onEnd: Called when the member has left.
    init(_ member: GroupMember, mailbox: Mailbox<Work>, onEnd: @escaping @Sendable () -> Void) {
        self.mailbox = mailbox
        thread = WorkerThread(name: "kafka-consumer") {
            while let work = mailbox.takeOne() { work(member) }
            member.leave()
            onEnd()
        }
    }

    func perform<Value: Sendable>(_ body: @escaping @Sendable (GroupMember) throws -> Value) async throws -> Value {
        try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Value, any Error>) in
            let isTaken = mailbox.put { member in continuation.resume(with: Result { try body(member) }) }
            if !isTaken { continuation.resume(throwing: EventLogError.closed) }
        }
    }

    func close() async {
        mailbox.close()
        await thread.finished()
    }

    func abandon() { mailbox.close() }
}
