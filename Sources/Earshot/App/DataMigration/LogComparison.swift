import Common

/// What two logs hold of a topic.
struct LogComparison: Sendable, Codable, Hashable {
    var topic: String
    /// Records that the source keeps, of a compacted topic the keys that have a value.
    var source: Int
    var target: Int
    /// Whether every record that was compared is the same; nil if only numbers were compared.
    var isSame: Bool?

    enum CodingKeys: String, CodingKey { case topic, source, target, isSame = "is_same" }

    var isEqual: Bool { source == target && isSame ?? true }

    /// - Parameter deep: Whether to read all records and not only where they begin and end; compacted topics are read
    ///   in any case.
    init(_ topic: Topic, source: any EventLog, target: any EventLog, deep: Bool) async throws {
        self.topic = topic.name
        if topic.retention == .compacted {
            let (here, there) = (try await Self.values(topic, in: source), try await Self.values(topic, in: target))
            (self.source, self.target, isSame) = (here.count, there.count, here == there)
            return
        }
        let (here, there) = (try await source.bounds(of: topic), try await target.bounds(of: topic))
        self.source = here.reduce(0) { $0 + Int($1.end - $1.first) }
        // What stands in for records that are gone does not count
        self.target = zip(here, there).reduce(0) { sum, pair in
            sum + Int(max(0, pair.1.end - max(pair.0.first, pair.1.first)))
        }
        guard deep else { return }
        var isSame = true
        for bounds in here where isSame {
            isSame = try await Self.isSame(topic, bounds, source, target)
        }
        self.isSame = isSame
    }

    private static func isSame(
        _ topic: Topic, _ bounds: PartitionBounds, _ source: any EventLog, _ target: any EventLog
    ) async throws -> Bool {
        var at = bounds.first
        while at < bounds.end {
            let here = try await source.read(topic, partition: bounds.partition, from: at, limit: 1000)
            guard !here.isEmpty else { break }
            let there = try await target.read(topic, partition: bounds.partition, from: at, limit: here.count)
            guard there.count == here.count else { return false }
            for index in 0..<here.count {
                guard here.offset(at: index) == there.offset(at: index), here.key(at: index) == there.key(at: index),
                    here.headers(at: index) == there.headers(at: index), here.value(at: index) == there.value(at: index)
                else { return false }
            }
            at = here.offset(at: here.count - 1) + 1
        }
        return true
    }

    /// The last value of each key.
    private static func values(_ topic: Topic, in log: any EventLog) async throws -> [[UInt8]: [UInt8]] {
        var values: [[UInt8]: [UInt8]] = [:]
        for bounds in try await log.bounds(of: topic) {
            var at = bounds.first
            while at < bounds.end {
                let records = try await log.read(topic, partition: bounds.partition, from: at, limit: 1000)
                guard !records.isEmpty else { break }
                for index in 0..<records.count {
                    values[Array(records.key(at: index) ?? [])] = records.value(at: index).map(Array.init)
                }
                at = records.offset(at: records.count - 1) + 1
            }
        }
        return values
    }
}
