import Common

/// One partition's batch with the facts of its events.
struct Intake: Sendable {
    let batch: PartitionBatch
    let facts: [RawFacts]
    /// Events of the batch that were left out: another installation read them.
    var carried = 0
}

extension Intake {
    /// All that is to be read for the first time.
    init(_ batch: PartitionBatch) {
        let facts = (0..<batch.records.count).map { RawFacts(batch.records.headers(at: $0)) }
        guard facts.contains(where: \.isCarried) else {
            self.init(batch: batch, facts: facts)
            return
        }
        let fresh = facts.indices.filter { !facts[$0].isCarried }
        var records = RecordBatch()
        for i in fresh { records.append(batch.records, at: i) }
        self.init(
            batch: PartitionBatch(
                topic: batch.topic, partition: batch.partition, from: batch.from, next: batch.next, records: records),
            facts: fresh.map { facts[$0] }, carried: facts.count - fresh.count)
    }
}

extension RecordBatch {
    /// Adds a record of another batch, in its place.
    mutating func append(_ other: RecordBatch, at i: Int) {
        append(
            key: other.key(at: i), headers: other.headers(at: i), value: other.value(at: i),
            offset: other.offset(at: i), timestamp: other.timestamp(at: i))
    }
}
