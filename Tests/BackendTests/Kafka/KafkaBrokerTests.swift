import Common
import Foundation
import KafkaLog
import Logging
import TestKit
import Testing

/// A real broker: `EARSHOT_TEST_KAFKA=host:port`.
private let broker = ProcessInfo.processInfo.environment["EARSHOT_TEST_KAFKA"]

@Suite(
    "The event log over Kafka, on a real broker",
    .enabled(if: broker != nil, "SKIPPED: EARSHOT_TEST_KAFKA=host:port names no broker"))
struct KafkaBrokerTests {
    /// Kafka compacts when it sees fit, and clients fetch ahead: the latter is shown below in another way.
    static let beyondKafka: Set<LogAbility> = [.compactsAtOnce, .neverReadsAhead]

    /// `EARSHOT_TEST_BEHAVIOUR` picks those whose names contain it.
    private static let chosen = ProcessInfo.processInfo.environment["EARSHOT_TEST_BEHAVIOUR"]

    @Test(
        "keeps the contract of an event log",
        arguments: EventLogConformance.behaviours.filter {
            $0.needs.isDisjoint(with: beyondKafka) && (chosen.map($0.description.contains) ?? true)
        })
    func contract(behaviour: LogBehaviour) async throws {
        var settings = try settings
        settings.recordBytes = 2 << 20
        let bench = LogBench(
            prefix: prefix, largestRecord: settings.recordBytes,
            // Less than a session: whoever leaves says so.
            settling: .seconds(3),
            open: { [settings] in try KafkaLog(settings, logger: .silent) },
            close: { await ($0 as? KafkaLog)?.close() })
        try await behaviour.check(bench)
    }

    @Test("knows all topics when several processes make them at the same time")
    func made() async throws {
        let topics = (0..<6).map { Topic(name: "\(prefix).made\($0)", retention: .days(1), partitions: 4) }
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<5 {
                group.addTask {
                    let log = try KafkaLog(try settings, logger: .silent)
                    try await log.create(topics)
                    for topic in topics { #expect(try await log.bounds(of: topic).count == 4) }
                    await log.close()
                }
            }
            try await group.waitForAll()
        }
    }

    @Test("keeps a partition that is worked on, and lets go of it when its work is committed")
    func handover() async throws {
        try await KafkaHandover.check(
            try settings, topic: Topic(name: "\(prefix).handover", retention: .days(1), partitions: 2),
            group: ConsumerGroup("handover"), settling: .seconds(3))
    }

    @Test("tells a consumer that its place is gone while it read, and begins anew at the first record that is left")
    func overtaken() async throws {
        var settings = try settings
        // Fetches little ahead.
        settings.client["queued.min.messages"] = Secret("1")
        settings.client["fetch.message.max.bytes"] = Secret("2000")
        // Longer than any record is old, so that the broker itself removes nothing meanwhile.
        let topic = Topic(name: "\(prefix).overtaken", retention: .days(60), partitions: 1)
        let log = try KafkaLog(settings, logger: .silent)
        try await log.create([topic])
        let old = Timestamp.now.advanced(bySeconds: -30 * 86_400)
        for number in 0..<200 {
            var batch = RecordBatch()
            batch.append(
                key: "k", value: [UInt8](repeating: UInt8(number), count: 1000), timestamp: number < 195 ? old : .now)
            try await log.append(batch, to: topic)
        }
        let consumer = try await log.consumer(of: topic, group: ConsumerGroup("overtaken")) { _ in nil }
        var last: Int64 = -1
        while last < 5 {
            for batch in try await consumer.next(limit: 1, wait: .seconds(20)) { last = batch.next - 1 }
        }
        try await log.maintain(now: Timestamp.now.advanced(bySeconds: 40 * 86_400))
        #expect(try await log.bounds(of: topic)[0].first == 195)
        // What was fetched before is handed out; then it says that its place is gone.
        await #expect {
            while last < 199 {
                let batches = try await consumer.next(limit: 10, wait: .seconds(20))
                try #require(!batches.isEmpty)
                for batch in batches { last = batch.next - 1 }
            }
        } throws: {
            if case EventLogError.unavailable(let reason) = $0 { reason.contains("join again") } else { false }
        }
        await consumer.close()
        #expect(last < 194)
        let position = last + 1
        let heir = try await log.consumer(of: topic, group: ConsumerGroup("overtaken")) { _ in position }
        let rest = try await heir.next(limit: 10, wait: .seconds(20))
        #expect(rest.first?.from == position)
        #expect(rest.first?.next == 200)
        #expect(rest.first?.records.count == 5)
        await heir.close()
        await log.close()
    }

    private var settings: KafkaSettings { get throws { KafkaSettings.quick(try #require(broker)) } }

    private var prefix: String { "test-\(UUID().uuidString.prefix(8).lowercased())" }
}
