import Common
import Foundation

/// How far a spool was forwarded, as it is kept in the spool.
struct SpoolPosition: Codable, Sendable, Hashable {
    /// The first record of the spool that is not known to be on the log.
    var next: Int64 = 0
    /// Where the log's partitions ended at the least when that record was not on it yet: it cannot be before.
    var ends = LogEnds()

    static let topic = Topic(name: "spool.position", retention: .compacted, partitions: 1)

    /// The last one that was stored.
    static func load(from store: any EventLog) async throws -> SpoolPosition? {
        guard let bounds = try await store.bounds(of: topic).first, bounds.end > bounds.first else { return nil }
        let records = try await store.read(topic, partition: 0, from: bounds.end - 1, limit: 1)
        guard !records.isEmpty, let value = records.value(at: 0) else {
            throw EventLogError.corrupt("the spool does not say how far it was forwarded")
        }
        return try JSONDecoder().decode(SpoolPosition.self, from: Data(value))
    }

    func store(in store: any EventLog) async throws {
        var batch = RecordBatch()
        batch.append(key: "position", value: Array(try JSONEncoder().encode(self)))
        try await store.append(batch, to: Self.topic)
    }
}

/// Ends of a topic's partitions that were seen: whatever is appended from now on has these offsets or higher ones.
struct LogEnds: Codable, Sendable, Hashable {
    /// By partition; 0 where none was seen.
    private var offsets: [Int64] = []

    subscript(partition: Int) -> Int64 { offsets.indices.contains(partition) ? offsets[partition] : 0 }

    mutating func reach(_ end: Int64, in partition: Int) {
        while offsets.count <= partition { offsets.append(0) }
        offsets[partition] = max(offsets[partition], end)
    }

    /// Notes where records went; a place that the log did not tell is passed over.
    mutating func note(_ positions: [LogPosition]) {
        for position in positions where position.offset >= 0 && position.partition >= 0 {
            reach(position.offset + 1, in: position.partition)
        }
    }

    mutating func reach(_ other: LogEnds) {
        for (partition, offset) in other.offsets.enumerated() { reach(offset, in: partition) }
    }

    /// In each partition the lower of both.
    func lowest(_ other: LogEnds) -> LogEnds {
        LogEnds(offsets: (0..<min(offsets.count, other.offsets.count)).map { min(offsets[$0], other.offsets[$0]) })
    }

    init() {}

    private init(offsets: [Int64]) { self.offsets = offsets }
}
