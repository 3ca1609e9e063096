import ByteJSON
import Common
import Crypto

/// A record of `earshot.feedback`, read.
struct Incoming: Sendable {
    enum Content: Sendable {
        case item(Arrival)
        indirect case dead(DeadLetter)  // it is large, and the others are many
    }
    var partition: Int
    /// The raw event that it came from; nil if the record does not tell.
    var raw: Feedback.RawReference?
    /// Whether the raw event was read again: its items are in the ledger and below the watermarks already.
    var isReprocessed = false
    /// The raw event whose item is to be taken back, if it is still what that event said.
    var withdraws: (partition: Int, offset: Int64)?
    var content: Content
}

extension Incoming {
    /// Reads all records of a batch; what is not feedback becomes a dead letter.
    static func read(_ batch: PartitionBatch, at now: Timestamp) -> [Incoming] {
        (0..<batch.records.count).map { read(batch, $0, at: now) }
    }

    private static func read(_ batch: PartitionBatch, _ index: Int, at now: Timestamp) -> Incoming {
        var raw: Feedback.RawReference?
        let headers = batch.records.headers(at: index)
        let isReprocessed = headers.bytes(FeedbackHeader.reprocess) != nil
        let reason: String
        do {
            guard let value = batch.records.value(at: index) else { throw NoValue() }
            let bytes = Array(value)
            let json = try JSONDocument(parsing: bytes).root
            raw = rawReference(in: json)
            guard let raw else { throw FeedbackError(member: "context_info.raw") }
            return Incoming(
                partition: batch.partition, raw: raw, isReprocessed: isReprocessed,
                withdraws: headers[FeedbackHeader.withdraws].flatMap(Self.position),
                content: .item(try Arrival(json, document: bytes, raw: raw)))
        } catch {
            reason = "\(error)"
        }
        return Incoming(
            partition: batch.partition, raw: raw, isReprocessed: isReprocessed,
            content: .dead(deadLetter(batch, index, reason: reason, at: now)))
    }

    /// `2/1234`.
    private static func position(_ text: String) -> (partition: Int, offset: Int64)? {
        let parts = text.split(separator: "/")
        guard parts.count == 2, let partition = Int(parts[0]), let offset = Int64(parts[1]) else { return nil }
        return (partition, offset)
    }

    private struct NoValue: Error, CustomStringConvertible {
        var description: String { "not feedback: the record has no value" }
    }

    private static func rawReference(in json: JSONValue) -> Feedback.RawReference? {
        guard let raw = json["context_info"]?["raw"], let partition = raw["partition"]?.int64,
            let offset = raw["offset"]?.int64, let item = raw["item"]?.int64
        else { return nil }
        return Feedback.RawReference(partition: Int(partition), offset: offset, item: Int(item))
    }

    private static func deadLetter(_ batch: PartitionBatch, _ index: Int, reason: String, at now: Timestamp)
        -> DeadLetter
    {
        let records = batch.records
        let place = "\(batch.topic.name)\0\(batch.partition)\0\(records.offset(at: index))"
        let headers = records.headers(at: index)
        return DeadLetter(
            id: DeadLetterID(digest: SHA256.hash(data: Array(place.utf8)).prefix(16)),
            workspace: headers[RawHeader.workspace].flatMap { WorkspaceID($0) },
            stream: headers[RawHeader.stream].flatMap { StreamID($0) }, stage: .store, reason: reason, attempts: 1,
            at: now, topic: batch.topic.name, partition: batch.partition, offset: records.offset(at: index), item: 0,
            key: records.key(at: index).map(Base64.encode),
            headers: headers.all.map { [$0.name, String(decoding: $0.value, as: UTF8.self)] },
            payload: records.value(at: index).map(Base64.encode))
    }
}
