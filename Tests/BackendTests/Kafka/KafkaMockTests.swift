import Common
import Foundation
import KafkaLog
import Logging
import Synchronization
import TestKit
import Testing

@Suite("The event log over Kafka, on librdkafka's mock cluster")
struct KafkaMockTests {
    /// What the mock cluster does not have: settings of topics, retention by time, removal, compaction. And each time
    /// it shares partitions anew it waits for most of a session's time-out, which must be over three seconds.
    static let beyondTheMock: Set<LogAbility> = [
        .checksRetention, .removesAtOnce, .compactsAtOnce, .neverReadsAhead, .rebalancesSoon,
    ]

    @Test(
        "keeps the contract of an event log",
        arguments: EventLogConformance.behaviours.filter { $0.needs.isDisjoint(with: beyondTheMock) })
    func contract(behaviour: LogBehaviour) async throws {
        try await behaviour.check(try bench(MockCluster()))
    }

    @Test("says what only a real broker can show")
    func skipped() {
        for behaviour in EventLogConformance.behaviours where !behaviour.needs.isDisjoint(with: Self.beyondTheMock) {
            let why = behaviour.needs.map { "no mock cluster \($0.rawValue)" }.sorted().joined(separator: ", ")
            print("SKIPPED on the mock cluster: \(behaviour) (\(why))")
        }
    }

    @Test("keeps a partition that is worked on, and lets go of it when its work is committed")
    func handover() async throws {
        let mock = try MockCluster()
        let topic = Topic(name: "handover", retention: .days(1), partitions: 2)
        try mock.create(topic: topic.name, partitions: 2)
        try await KafkaHandover.check(
            settings(mock), topic: topic, group: ConsumerGroup("handover"), settling: .seconds(8))
    }

    @Test("waits for a broker that is away, loses nothing and doubles nothing")
    func outage() async throws {
        let mock = try MockCluster()
        let topic = Topic(name: "outage", retention: .days(1), partitions: 2)
        try mock.create(topic: topic.name, partitions: 2)
        let log = try KafkaLog(settings(mock), logger: .silent)
        try await log.create([topic])
        try await log.append(KafkaHandover.records(0..<100), to: topic)
        try mock.goDown()
        #expect(await log.health() != .available)
        async let appended = log.append(KafkaHandover.records(100..<200), to: topic)
        try mock.comeUp()
        #expect(try await appended.count == 100)
        #expect(await log.health() == .available)
        var values: [String] = []
        for partition in 0..<2 {
            let records = try await log.read(topic, partition: partition, from: 0, limit: 1000)
            values += (0..<records.count).compactMap { index in
                records.value(at: index).map { String(decoding: $0, as: UTF8.self) }
            }
        }
        #expect(values.sorted() == (0..<200).map { "v\($0)" }.sorted())
        await log.close()
    }

    @Test("says unavailable when a broker stays away for longer than a delivery may take")
    func longOutage() async throws {
        let mock = try MockCluster()
        try mock.create(topic: "outage", partitions: 1)
        var settings = settings(mock)
        settings.client["message.timeout.ms"] = Secret("1000")
        let log = try KafkaLog(settings, logger: .silent)
        let topic = Topic(name: "outage", retention: .days(1), partitions: 1)
        try await log.create([topic])
        try mock.goDown()
        await #expect {
            try await log.append(KafkaHandover.records(0..<10), to: topic)
        } throws: {
            if case EventLogError.unavailable = $0 { true } else { false }
        }
        await log.close()
    }

    @Test(
        "says denied when the broker does not let us, and recordTooLarge when the topic takes less",
        arguments: [29, 10])
    func refused(code: Int32) async throws {
        let mock = try MockCluster()
        let topic = Topic(name: "refused", retention: .days(1), partitions: 1)
        try mock.create(topic: topic.name, partitions: 1)
        let log = try KafkaLog(settings(mock), logger: .silent)
        try await log.create([topic])
        try await log.append(KafkaHandover.records(0..<1), to: topic)
        // Produce, answered with TOPIC_AUTHORIZATION_FAILED or MESSAGE_TOO_LARGE.
        try mock.fail(api: 0, with: code, times: 1)
        await #expect {
            try await log.append(KafkaHandover.records(1..<2), to: topic)
        } throws: {
            switch $0 {
            case EventLogError.denied: code == 29
            case EventLogError.recordTooLarge: code == 10
            default: false
            }
        }
        await log.close()
    }

    @Test("holds senders back when its queue is full, and loses nothing")
    func backPressure() async throws {
        let mock = try MockCluster()
        let topic = Topic(name: "full", retention: .days(1), partitions: 2)
        try mock.create(topic: topic.name, partitions: 2)
        var settings = settings(mock)
        settings.client["queue.buffering.max.messages"] = Secret("50")
        let log = try KafkaLog(settings, logger: .silent)
        try await log.create([topic])
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            for task in 0..<20 {
                tasks.addTask {
                    let positions = try await log.append(
                        KafkaHandover.records(task * 500..<task * 500 + 500), to: topic)
                    #expect(positions.count == 500)
                }
            }
            try await tasks.waitForAll()
        }
        #expect(try await log.bounds(of: topic).reduce(0) { $0 + $1.end } == 10_000)
        await log.close()
    }

    @Test("reads on after it was thrown out of the group while its start was looked up")
    func thrownOut() async throws {
        let mock = try MockCluster()
        let topic = Topic(name: "thrown", retention: .days(1), partitions: 2)
        try mock.create(topic: topic.name, partitions: 2)
        let log = try KafkaLog(settings(mock), logger: .silent)
        try await log.create([topic])
        try await log.append(KafkaHandover.records(0..<100), to: topic)
        let lookUps = Mutex(0)
        let consumer = try await log.consumer(of: topic, group: ConsumerGroup("thrown")) { _ in
            let isFirst = lookUps.withLock { count in
                count += 1
                return count == 1
            }
            if isFirst {
                // Heartbeat, answered with UNKNOWN_MEMBER_ID; there are ten in a second.
                try mock.fail(api: 12, with: 25, times: 1)
                try await Task.sleep(for: .seconds(1))
            }
            return nil
        }
        var values: [String] = []
        for _ in 0..<100 where values.count < 100 {
            let batches = try await consumer.next(limit: 30, wait: .seconds(1))
            do {
                try await consumer.commit(batches)
            } catch EventLogError.fenced {
                continue
            }
            for records in batches.map(\.records) {
                values += (0..<records.count).compactMap { index in
                    records.value(at: index).map { String(decoding: $0, as: UTF8.self) }
                }
            }
        }
        #expect(values.sorted() == (0..<100).map { "v\($0)" }.sorted())
        #expect(lookUps.withLock { $0 } > 2)
        await consumer.close()
        await log.close()
    }

    @Test("hands out keys, headers and values of every size as they were appended", arguments: ["none", "lz4"])
    func shapes(codec: String) async throws {
        let mock = try MockCluster()
        let topic = Topic(name: "shapes", retention: .days(1), partitions: 1)
        try mock.create(topic: topic.name, partitions: 1)
        var settings = settings(mock)
        settings.client["compression.codec"] = Secret(codec)
        let log = try KafkaLog(settings, logger: .silent)
        try await log.create([topic])
        var batch = RecordBatch()
        let headers: [RecordHeaders] = [
            [:], ["how": "pull"], ["empty": "", String(repeating: "n", count: 255): "v"],
            ["long": String(repeating: "x", count: 900)], ["longer": String(repeating: "y", count: 5000)],
        ]
        // On both sides of where a length takes one more byte, as Kafka writes it and as it did before.
        let lengths: [Int?] = [nil, 0, 1, 2, 63, 64, 127, 128, 255, 256, 8191, 8192]
        for headers in headers {
            for length in lengths {
                let value = length.map { (0..<$0).map { UInt8(truncatingIfNeeded: $0 &* 7) } }
                batch.append(key: "key", headers: headers, value: value)
                batch.append(key: String?.none, headers: headers, value: value)
            }
        }
        // The mock cluster keeps five megabytes.
        for length in [1 << 20, (1 << 20) - 1] {
            batch.append(key: "key", headers: headers[1], value: [UInt8](repeating: 7, count: length))
        }
        try await log.append(batch, to: topic)
        let consumer = try await log.consumer(of: topic, group: ConsumerGroup("shapes")) { _ in nil }
        var at = 0
        while at < batch.count {
            let pulled = try await consumer.next(limit: 50, wait: .seconds(20))
            try #require(!pulled.isEmpty)
            for records in pulled.map(\.records) {
                for index in 0..<records.count {
                    #expect(records.key(at: index) == batch.key(at: at))
                    #expect(records.headers(at: index) == batch.headers(at: at))
                    #expect(records.value(at: index) == batch.value(at: at))
                    at += 1
                }
            }
        }
        await consumer.close()
        await log.close()
    }

    @Test("goes on when the broker forgot the topic while records were on their way")
    func forgotten() async throws {
        let mock = try MockCluster()
        let topic = Topic(name: "forgotten", retention: .days(1), partitions: 2)
        try mock.create(topic: topic.name, partitions: 2)
        var settings = settings(mock)
        settings.client["topic.metadata.refresh.interval.ms"] = Secret("300")
        let log = try KafkaLog(settings, logger: .silent)
        try await log.create([topic])
        try await log.append(KafkaHandover.records(0..<1000), to: topic)
        var group = 0
        // One that is asked for more meanwhile, and one that works on what it has.
        for isAsked in [true, false] {
            group += 1
            let consumer = try await log.consumer(of: topic, group: ConsumerGroup("forgotten\(group)")) { _ in nil }
            #expect(try await consumer.next(limit: 1, wait: .seconds(20)).count == 1)
            try await Task.sleep(for: .milliseconds(200))
            try mock.forget(topic: topic.name)
            for _ in 0..<15 {
                if isAsked { _ = try? await consumer.next(limit: 1, wait: .milliseconds(1)) }
                try await Task.sleep(for: .milliseconds(100))
            }
            try mock.recall(topic: topic.name)
            let begun = ContinuousClock.now
            await consumer.close()
            #expect(ContinuousClock.now - begun < .seconds(4))
        }
        await log.close()
    }

    private func settings(_ mock: MockCluster) -> KafkaSettings {
        var settings = KafkaSettings.quick(mock.address)
        // The mock cluster makes no topics for its clients.
        settings.topics = .expect
        settings.client["session.timeout.ms"] = Secret("4000")
        return settings
    }

    private func bench(_ mock: MockCluster) throws -> LogBench {
        var settings = settings(mock)
        settings.recordBytes = 2 << 20
        return LogBench(
            prefix: "test", largestRecord: settings.recordBytes, settling: .seconds(8),
            prepare: { topics in
                for topic in topics { try mock.create(topic: topic.name, partitions: topic.partitions) }
            },
            open: { [settings] in try KafkaLog(settings, logger: .silent) },
            close: { await ($0 as? KafkaLog)?.close() })
    }
}

extension KafkaSettings {
    /// Settings with which members of a group notice each other soon.
    static func quick(_ broker: String) -> KafkaSettings {
        var settings = KafkaSettings(brokers: [broker])
        settings.client = ["heartbeat.interval.ms": Secret("100"), "session.timeout.ms": Secret("6000")]
        return settings
    }
}

extension Logger {
    static var silent: Logger { Logger(label: "test") { _ in SwiftLogNoOpLogHandler() } }
}
