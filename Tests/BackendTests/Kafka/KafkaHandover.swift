import Common
import KafkaLog
import TestKit
import Testing

/// How a partition changes hands while its owner works on one batch and looks ahead for the next, as services do.
enum KafkaHandover {
    static func check(_ settings: KafkaSettings, topic: Topic, group: ConsumerGroup, settling: Duration) async throws {
        let log = try KafkaLog(settings, logger: .silent)
        try await log.create([topic])
        try await log.append(records(0..<200), to: topic)
        let old = try await log.consumer(of: topic, group: group) { _ in nil }
        var inHand: [PartitionBatch] = []
        while Set(inHand.map(\.partition)).count < topic.partitions {
            inHand += try await old.next(limit: 4, wait: .seconds(20))
        }
        let new = try await log.consumer(of: topic, group: group) { _ in nil }
        // The group wants partitions back all this time.
        let deadline = ContinuousClock.now + settling
        while ContinuousClock.now < deadline {
            inHand += try await old.next(limit: 1, wait: .zero)
            #expect(try await new.next(limit: 1, wait: .milliseconds(100)).isEmpty)
        }
        try await old.commit(inHand)
        // Committed: now it looks ahead and lets go.
        var taken: [PartitionBatch] = []
        for _ in 0..<300 where taken.isEmpty {
            _ = try await old.next(limit: 1, wait: .zero)
            taken = try await new.next(limit: 100, wait: .milliseconds(100))
        }
        try #require(!taken.isEmpty)
        let done = Dictionary(inHand.map { ($0.partition, $0.next) }, uniquingKeysWith: { $1 })
        #expect(taken[0].from == done[taken[0].partition])
        await old.close()
        await new.close()
        await log.close()
    }

    static func records(_ numbers: Range<Int>) -> RecordBatch {
        var batch = RecordBatch()
        for number in numbers { batch.append(key: "k\(number)", value: Array("v\(number)".utf8)) }
        return batch
    }
}
