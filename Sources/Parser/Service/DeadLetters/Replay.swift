import ByteJSON
import Common
import Foundation

/// Brings what failed back to the raw topic.
///
/// A raw event goes back whole: of a delivery with several items those that went well are duplicates then, which
/// Reports counts and drops.
struct Replay: Sendable {
    let log: any EventLog
    let store: DeadLetterStore
    let now: @Sendable () -> Timestamp

    private static let ownHeaders: Set<String> = [
        RawHeader.replayOf, RawHeader.attempt, RawHeader.carriedFrom,
    ]

    /// What a replay did.
    struct Outcome: Sendable {
        /// Raw events that went back to the log.
        var events = 0
        /// Dead letters that cannot go back, and why.
        var refused: [ReplayError] = []
    }

    /// Appends the original of each event once, and notes it on all dead letters of these events.
    ///
    /// - Parameter payload: What takes the place of the original's payload, mended.
    func callAsFunction(_ entries: [DeadLetterStore.Entry], payload: [UInt8]? = nil) async throws -> Outcome {
        var outcome = Outcome()
        var batch = RecordBatch()
        var events: Set<DeadLetterStore.Event> = []
        for entry in entries where events.insert(entry.event).inserted {
            let original: DeadLetterStore.Original
            do {
                original = try await rawOriginal(of: entry)
            } catch let error as ReplayError {
                events.remove(entry.event)
                outcome.refused.append(error)
                continue
            }
            var headers = RecordHeaders()
            for header in original.headers where header.count == 2 && !Self.ownHeaders.contains(header[0]) {
                headers.append(header[0], header[1])
            }
            headers.append(RawHeader.replayOf, entry.id.rawValue)
            headers.append(RawHeader.attempt, String(entry.attempts + 1))
            batch.append(key: original.key, headers: headers, value: payload ?? original.payload, timestamp: now())
        }
        guard !events.isEmpty else { return outcome }
        let closed = try await store.tombstones(of: Array(events))
        if closed.count > 0 { try await log.append(closed, to: .deadLetters) }
        try await log.append(batch, to: .raw)
        try await store.markReplayed(Array(events), at: now())
        outcome.events = events.count
        return outcome
    }

    /// What failed, as it came: from the store, or from the log if it was too large for the store.
    func original(of entry: DeadLetterStore.Entry) async throws -> DeadLetterStore.Original {
        if let original = try await store.original(of: entry.event) { return original }
        guard let topic = Topic.all.first(where: { $0.name == entry.event.topic }), entry.event.partition >= 0,
            let original = try await record(of: topic, partition: entry.event.partition, offset: entry.event.offset)
        else { throw ReplayError.originalGone(entry.id) }
        return original
    }

    /// The raw event behind a dead letter, also where a later stage failed.
    private func rawOriginal(of entry: DeadLetterStore.Entry) async throws -> DeadLetterStore.Original {
        let original = try await original(of: entry)
        guard entry.event.topic != Topic.raw.name else { return original }
        guard entry.event.topic == Topic.feedback.name, let payload = original.payload,
            let document = try? JSONDocument(parsing: payload), let raw = document.root["context_info"]?["raw"],
            let partition = raw["partition"]?.int64, let offset = raw["offset"]?.int64
        else { throw ReplayError.notRaw(entry.id, topic: entry.event.topic) }
        guard let event = try await record(of: .raw, partition: Int(clamping: partition), offset: offset) else {
            throw ReplayError.originalGone(entry.id)
        }
        return event
    }

    private func record(of topic: Topic, partition: Int, offset: Int64) async throws -> DeadLetterStore.Original? {
        guard (0..<topic.partitions).contains(partition) else { return nil }
        let records = try await log.read(topic, partition: partition, from: offset, limit: 1)
        guard !records.isEmpty, records.offset(at: 0) == offset else { return nil }
        return DeadLetterStore.Original(
            key: records.key(at: 0).map(Array.init),
            headers: records.headers(at: 0).all.map { [$0.name, String(decoding: $0.value, as: UTF8.self)] },
            payload: records.value(at: 0).map(Array.init))
    }
}

/// Why a dead letter cannot go back.
enum ReplayError: Error, CustomStringConvertible {
    case originalGone(DeadLetterID)
    case notRaw(DeadLetterID, topic: String)

    var description: String {
        switch self {
        case .originalGone(let id): "the original of \(id) is no longer kept on the log; send it again at its source"
        case .notRaw(let id, let topic): "\(id) is of \(topic) and names no raw event; only raw events can be replayed"
        }
    }
}
