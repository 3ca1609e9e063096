import Common

extension RecordBatch {
    /// Records with these keys and values.
    init(_ records: [(key: String?, value: String?)]) {
        self.init()
        for record in records { append(key: record.key, value: record.value.map { Array($0.utf8) }) }
    }

    /// Records `prefix0` … with their numbers as keys.
    init(numbered numbers: Range<Int>, prefix: String = "v") {
        self.init(numbers.map { (key: "k\($0)", value: "\(prefix)\($0)") })
    }

    func text(at index: Int) -> String? { value(at: index).map { String(decoding: $0, as: UTF8.self) } }
    func keyText(at index: Int) -> String? { key(at: index).map { String(decoding: $0, as: UTF8.self) } }
    var texts: [String?] { (0..<count).map { text(at: $0) } }
    var offsets: [Int64] { (0..<count).map { offset(at: $0) } }
}

extension EventLog {
    /// Everything that a partition holds.
    func all(_ topic: Topic, partition: Int) async throws -> RecordBatch {
        try await read(topic, partition: partition, from: 0, limit: 1_000_000)
    }

    /// Everything that a topic holds, in no order over partitions.
    func everything(_ topic: Topic) async throws -> [String?] {
        var texts: [String?] = []
        for partition in 0..<topic.partitions { texts += try await all(topic, partition: partition).texts }
        return texts
    }

    func join(_ topic: Topic, _ group: ConsumerGroup) async throws -> any LogConsumer {
        try await consumer(of: topic, group: group) { _ in nil }
    }
}

extension LogConsumer {
    /// Pulls until `count` records came, or until nothing comes any more.
    func draw(_ count: Int, limit: Int = 1000, patience: Duration = .seconds(20)) async throws -> [PartitionBatch] {
        var batches: [PartitionBatch] = []
        var left = count
        while left > 0 {
            let drawn = try await next(limit: min(limit, left), wait: patience)
            if drawn.isEmpty { break }
            left -= drawn.reduce(0) { $0 + $1.records.count }
            batches += drawn
        }
        return batches
    }

    /// Pulls a few at a time until every partition has given something.
    func drawFromAll(_ partitions: Int, of limit: Int = 8) async throws -> [PartitionBatch] {
        var batches: [PartitionBatch] = []
        while batches.partitions.count < partitions {
            let drawn = try await next(limit: limit, wait: .seconds(20))
            if drawn.isEmpty { break }
            batches += drawn
        }
        return batches
    }
}

extension [PartitionBatch] {
    var texts: [String?] { flatMap { $0.records.texts } }
    var partitions: Set<Int> { Set(map(\.partition)) }
    var recordCount: Int { reduce(0) { $0 + $1.records.count } }
}
