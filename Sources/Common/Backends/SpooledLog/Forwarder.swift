import Common
import Logging

/// Moves what waits from the spool to the log, in order, each record once.
///
/// What may be on the log already is looked for there first: what was sent when an append failed or when the process
/// was killed. Used by one task.
final class Forwarder {
    /// What one append to the log holds. Not to be changed from one version to the next to anything smaller: what a
    /// killed process may have sent is what its successor looks for.
    private static let sliceRecords = 1000
    private static let sliceBytes = 4 << 20
    /// So much is forwarded before its room is freed.
    private static let unfreedBytes = 16 << 20
    /// Records that the log does not take, even one by one, are kept here for the operator.
    static let refused = Topic(name: "spool.refused", retention: .days(90), partitions: 1)

    private let log: any EventLog
    private let store: any EventLog
    private let topic: Topic
    /// The spool's own.
    private let waiting: Topic
    private let logger: Logger
    private(set) var position: SpoolPosition
    /// Whether what comes next may have been sent before.
    private var mayBeThere: Bool
    /// When the last record that was forwarded was taken in.
    private var lastForwarded: Timestamp?
    private var unfreed = 0

    /// What a step moved.
    struct Progress {
        var records = 0
        var bytes = 0
        /// Of these, what the log did not take.
        var refused = 0
        /// When the record after these was taken in, if it is known.
        var nextTakenIn: Timestamp?
    }

    init(
        from waiting: Topic, in store: any EventLog, to topic: Topic, of log: any EventLog, position: SpoolPosition,
        mayBeThere: Bool, logger: Logger
    ) {
        self.waiting = waiting
        self.store = store
        self.topic = topic
        self.log = log
        self.position = position
        self.mayBeThere = mayBeThere
        self.logger = logger
    }

    /// Notes where the log ends before anything of an outage is sent.
    func begin(at ends: LogEnds) async {
        guard !mayBeThere else { return }
        position.ends = ends
        // An older note is as right; it only has a successor look through more of the log.
        try? await position.store(in: store)
    }

    /// Moves the next records.
    ///
    /// - Returns: Whether there were any.
    func forward(_ report: (Progress) -> Void) async throws -> Bool {
        let records = try await store.read(waiting, partition: 0, from: position.next, limit: Self.sliceRecords)
        guard !records.isEmpty else { return false }
        var at = 0
        while at < records.count {
            try Task.checkCancellation()
            let slice = Self.slice(of: records, from: at)
            var progress = try await forward(records, slice)
            progress.nextTakenIn = slice.upperBound < records.count ? records.timestamp(at: slice.upperBound) : nil
            report(progress)
            at = slice.upperBound
        }
        lastForwarded = records.timestamp(at: records.count - 1)
        unfreed += records.arena.count
        if unfreed >= Self.unfreedBytes { try await free() }
        return true
    }

    /// Frees the room of what was forwarded.
    ///
    /// The spool keeps its records for no time at all, so what it removes is what is older than "now": from the front,
    /// up to the first chunk whose newest record is not older. The last forwarded record is in such a chunk, or behind
    /// one, and all that wait are behind that record.
    func free() async throws {
        guard let lastForwarded, unfreed > 0 else { return }
        try await store.maintain(now: lastForwarded)
        unfreed = 0
    }

    private static func slice(of records: RecordBatch, from start: Int) -> Range<Int> {
        var end = start
        var bytes = 0
        while end < records.count, bytes < sliceBytes {
            bytes += records.entries[end].length
            end += 1
        }
        return start..<end
    }

    private func forward(_ records: RecordBatch, _ slice: Range<Int>) async throws -> Progress {
        var progress = Progress()
        var batch = RecordBatch()
        var suspects: Set<Digest128> = []
        var ends = position.ends
        for index in slice {
            var headers = records.headers(at: index)
            let suspicion = Suspicion.ends(of: headers)
            if let suspicion {
                headers = Suspicion.removed(from: headers)
                ends = ends.lowest(suspicion)
            }
            progress.bytes += records.entries[index].length
            batch.append(
                key: records.key(at: index), headers: headers, value: records.value(at: index),
                timestamp: records.timestamp(at: index))
            if suspicion != nil || mayBeThere { suspects.insert(batch.fingerprint(at: batch.count - 1)) }
        }
        progress.records = slice.count
        let there = suspects.isEmpty ? [] : try await onTheLog(suspects, from: ends)
        let missing = there.isEmpty ? batch : batch.filtered { !there.contains(batch.fingerprint(at: $0)) }
        if !there.isEmpty {
            logger.info("records of the spool were on the log already", metadata: ["records": "\(there.count)"])
        }
        // From here on they may be there, until it is known.
        mayBeThere = true
        var done = position
        done.next = records.offset(at: slice.upperBound - 1) + 1
        do {
            if !missing.isEmpty { done.ends.note(try await log.append(missing, to: topic)) }
        } catch EventLogError.recordTooLarge {
            progress.refused = try await appendOneByOne(missing, &done.ends)
        }
        try await done.store(in: store)
        position = done
        mayBeThere = false
        return progress
    }

    /// Appends what the log does not take as a whole; what it does not take alone is set aside.
    private func appendOneByOne(_ batch: RecordBatch, _ ends: inout LogEnds) async throws -> Int {
        var refused = 0
        for index in 0..<batch.count {
            let one = batch.filtered { $0 == index }
            do {
                ends.note(try await log.append(one, to: topic))
            } catch let error as EventLogError {
                guard case .recordTooLarge = error else { throw error }
                logger.error(
                    "the log does not take a record that was acknowledged; it is kept in the spool",
                    metadata: ["error": "\(error)"])
                try await store.append(one, to: Self.refused)
                refused += 1
            }
        }
        return refused
    }

    /// Which of these records the log has.
    private func onTheLog(_ suspects: Set<Digest128>, from ends: LogEnds) async throws -> Set<Digest128> {
        var found: Set<Digest128> = []
        for bounds in try await log.bounds(of: topic) {
            var at = max(bounds.first, ends[bounds.partition])
            while at < bounds.end, found.count < suspects.count {
                let records = try await log.read(topic, partition: bounds.partition, from: at, limit: 1000)
                guard !records.isEmpty else { break }
                for index in 0..<records.count {
                    let fingerprint = records.fingerprint(at: index)
                    if suspects.contains(fingerprint) { found.insert(fingerprint) }
                }
                at = records.offset(at: records.count - 1) + 1
            }
        }
        return found
    }
}

extension RecordBatch {
    /// The records whose index passes.
    fileprivate func filtered(_ passes: (Int) -> Bool) -> RecordBatch {
        var batch = RecordBatch()
        for index in 0..<count where passes(index) {
            batch.append(
                key: key(at: index), headers: headers(at: index), value: value(at: index),
                timestamp: timestamp(at: index))
        }
        return batch
    }
}
