import CRdKafka
import Common
import Foundation

/// A batch on its way: what of it librdkafka has taken, and what was reported.
///
/// Whoever appends makes it; after that only the producer's thread touches it.
final class PendingAppend: @unchecked Sendable {
    /// What librdkafka carries for a record and hands back with its report.
    struct Slot {
        let append: Unmanaged<PendingAppend>
        var partition: Int32 = -1
        var offset: Int64 = -1
    }

    let topic: String
    let batch: RecordBatch
    /// When it is given up; nil until librdkafka gets the first record.
    var deadline: Date?
    /// Records that librdkafka has taken.
    private(set) var enqueued = 0
    private var reported = 0
    private var failure: EventLogError?
    private let slots: UnsafeMutablePointer<Slot>
    private let continuation: CheckedContinuation<[LogPosition], any Error>

    init(_ batch: RecordBatch, topic: String, continuation: CheckedContinuation<[LogPosition], any Error>) {
        self.batch = batch
        self.topic = topic
        self.continuation = continuation
        slots = .allocate(capacity: batch.count)
        slots.initialize(repeating: Slot(append: Unmanaged.passUnretained(self)), count: batch.count)
        // Reports come through the slots: it lives until it has answered.
        _ = Unmanaged.passRetained(self)
    }

    deinit { slots.deallocate() }

    var bytes: Int { batch.arena.count }

    /// Hands the records that are left to librdkafka.
    ///
    /// - Returns: Whether it has all of them that it will get; false if its queue is full.
    func enqueue(on client: borrowing ClientHandle, topic: OpaquePointer) -> Bool {
        batch.arena.withUnsafeBytes { arena in
            while enqueued < batch.count, failure == nil {
                let code = Self.produce(
                    batch.entries[enqueued], of: arena, on: client, topic: topic, slot: slots + enqueued)
                switch code {
                case RD_KAFKA_RESP_ERR_NO_ERROR: enqueued += 1
                case RD_KAFKA_RESP_ERR__QUEUE_FULL: return false
                default: fail(code, bytes: batch.entries[enqueued].length)
                }
            }
            return true
        }
    }

    /// Notes a report.
    static func note(_ message: UnsafePointer<rd_kafka_message_t>) -> PendingAppend {
        let slot = message.pointee._private.assumingMemoryBound(to: Slot.self)
        slot.pointee.partition = message.pointee.partition
        slot.pointee.offset = message.pointee.offset
        let append = slot.pointee.append.takeUnretainedValue()
        append.reported += 1
        if message.pointee.err != RD_KAFKA_RESP_ERR_NO_ERROR {
            append.fail(message.pointee.err, bytes: message.pointee.len + message.pointee.key_len)
        }
        return append
    }

    /// Ends it with an error: what librdkafka has not taken it will not get.
    func fail(_ error: EventLogError) { if failure == nil { failure = error } }

    private func fail(_ code: rd_kafka_resp_err_t, bytes: Int) {
        switch code {
        case RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE, RD_KAFKA_RESP_ERR_RECORD_LIST_TOO_LARGE:
            // The topic takes less than we were told; the record's own size is all that is known of the limit.
            fail(.recordTooLarge(bytes: bytes, limit: bytes - 1))
        case RD_KAFKA_RESP_ERR__PURGE_QUEUE, RD_KAFKA_RESP_ERR__PURGE_INFLIGHT, RD_KAFKA_RESP_ERR__FATAL:
            fail(.unavailable("the producer had to begin anew; append to \(topic) again"))
        default: fail(KafkaFailure.error(code, "cannot append to \(topic)", topic: topic))
        }
    }

    /// Whether nothing more is to come.
    var isSettled: Bool { reported == enqueued && (enqueued == batch.count || failure != nil) }

    /// Answers; call it once, when it is settled.
    func answer(explainedBy problem: ConnectionProblem) {
        if let failure {
            continuation.resume(throwing: problem.explaining(failure))
        } else {
            problem.clear()
            continuation.resume(
                returning: UnsafeBufferPointer(start: slots, count: batch.count).map {
                    LogPosition(partition: Int($0.partition), offset: $0.offset)
                })
        }
        Unmanaged.passUnretained(self).release()
    }

    private static func produce(
        _ entry: RecordBatch.Entry, of arena: UnsafeRawBufferPointer, on client: borrowing ClientHandle,
        topic: OpaquePointer, slot: UnsafeMutablePointer<Slot>
    ) -> rd_kafka_resp_err_t {
        // Null means no key and a tombstone; an empty one has an address.
        let base = arena.baseAddress ?? UnsafeRawPointer(slot)
        let key = base + entry.start
        let headersStart = entry.start + max(0, entry.keyLength)
        let value = base + headersStart + entry.headersLength
        var headers: OpaquePointer?
        if entry.headersLength > 0 {
            headers = MessageHeaders.make(
                UnsafeRawBufferPointer(rebasing: arena[headersStart..<headersStart + entry.headersLength]))
        }
        let code = earshot_rdkafka_produce(
            client.pointer, topic, entry.keyLength < 0 ? nil : key, max(0, entry.keyLength),
            entry.valueLength < 0 ? nil : value, max(0, entry.valueLength), entry.timestamp, headers, slot)
        if code != RD_KAFKA_RESP_ERR_NO_ERROR, let headers { rd_kafka_headers_destroy(headers) }
        return code
    }
}
