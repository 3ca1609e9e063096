import ArgumentParser
import CKafkaLoop
import Common
import Foundation
import KafkaLog
import Logging

/// The event log over Kafka beside bare C loops over librdkafka, and kcat: same broker, same messages, one run.
struct KafkaBenchmark: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "kafka",
        abstract: "Produce and consume 955-byte records: the log, a bare C loop over librdkafka, kcat.",
        discussion: "EARSHOT_TEST_KAFKA=host:port names the broker; without one nothing is measured.")

    @Option(help: "Records of a round.") var records = 300_000
    @Option(help: "How often each way is timed.") var repetitions = 5
    @Option(help: "Batches of 1,000 on their way at once.") var tasks = 8

    private static let batch = 1000
    private static let values: [[UInt8]] = (0..<1000).map { number in
        var text = #"{"id":\#(number),"text":"The update of version 3.\#(number % 17) broke the export"#
        var state = UInt64(number + 1)
        while text.utf8.count < 950 {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            text += " " + String(state >> 40, radix: 36)
        }
        return Array(text.utf8.prefix(953)) + Array(#""}"#.utf8)
    }

    func run() async throws {
        guard let broker = ProcessInfo.processInfo.environment["EARSHOT_TEST_KAFKA"] else {
            print("SKIPPED: EARSHOT_TEST_KAFKA=host:port names no broker")
            return
        }
        let kcat = Kcat(broker: broker, values: Self.values, count: records)
        var produced: [[Double]] = [[], [], []]
        var consumed: [[Double]] = [[], [], []]
        let log = try KafkaLog(KafkaSettings(brokers: [broker]), logger: Logger(label: "bench"))
        for _ in 0..<repetitions {
            let name = "bench-\(UUID().uuidString.prefix(8).lowercased())"
            let topics = ["log", "bare", "kcat"].map {
                Topic(name: "\(name).\($0)", retention: .days(1), partitions: 4)
            }
            try await log.create(topics)
            produced[0].append(try await append(to: topics[0], of: log))
            produced[1].append(try bareProduce(to: topics[1], broker))
            if let rate = try kcat?.produce(to: topics[2].name) { produced[2].append(rate) }
            consumed[0].append(try await consume(topics[0], of: log, as: "\(name).log"))
            consumed[1].append(try bareConsume(topics[0], broker, as: "\(name).bare"))
            if let rate = try kcat?.consume(topics[0].name) { consumed[2].append(rate) }
        }
        await log.close()
        print("\(records) records of 955 bytes with a key and two headers, 4 partitions, median of \(repetitions)")
        var table = Table("", "log, records/s", "bare C loop", "of it", "kcat")
        for (what, rates) in [("produce, acks=all, idempotent, lz4", produced), ("consume, 1,000 at once", consumed)] {
            let medians = rates.map(median)
            table.add(
                what, grouped(medians[0]), grouped(medians[1]), fixed(medians[0] / medians[1], 2),
                rates[2].isEmpty ? "not installed" : grouped(medians[2]))
        }
        table.show()
    }

    private func append(to topic: Topic, of log: KafkaLog) async throws -> Double {
        let headers: RecordHeaders = ["workspace": "ws_bench", "how": "pull"]
        let batches = (0..<records / Self.batch).map { turn in
            var batch = RecordBatch()
            for number in 0..<Self.batch {
                batch.append(
                    key: "key-\(10_000_000 + turn * Self.batch + number)", headers: headers, value: Self.values[number])
            }
            return batch
        }
        let begun = ContinuousClock.now
        try await withThrowingTaskGroup(of: Void.self) { group in
            for task in 0..<tasks {
                group.addTask {
                    for index in stride(from: task, to: batches.count, by: tasks) {
                        try await log.append(batches[index], to: topic)
                    }
                }
            }
            try await group.waitForAll()
        }
        return Double(batches.count * Self.batch) / (ContinuousClock.now - begun).inSeconds
    }

    private func consume(_ topic: Topic, of log: KafkaLog, as group: String) async throws -> Double {
        let consumer = try await log.consumer(of: topic, group: ConsumerGroup(group)) { _ in nil }
        var (first, got, bytes) = (0, 0, 0)
        var begun = ContinuousClock.now
        while got < records {
            let batches = try await consumer.next(limit: 1000, wait: .seconds(30))
            guard !batches.isEmpty else { throw BenchmarkFailure(what: "nothing comes of \(topic)") }
            for batch in batches {
                got += batch.records.count
                bytes += batch.records.arena.count
            }
            if first == 0 {
                first = got
                begun = .now
            }
        }
        let rate = Double(got - first) / (ContinuousClock.now - begun).inSeconds
        await consumer.close()
        return bytes > 0 ? rate : 0
    }

    private func bareProduce(to topic: Topic, _ broker: String) throws -> Double {
        let seconds = Array(Self.values.joined()).withUnsafeBytes {
            kafka_loop_produce(
                broker, topic.name, Int32(records), $0.baseAddress, Int32(Self.values.count), Self.values[0].count)
        }
        guard seconds > 0 else { throw BenchmarkFailure(what: "the bare loop could not deliver all") }
        return Double(records) / seconds
    }

    private func bareConsume(_ topic: Topic, _ broker: String, as group: String) throws -> Double {
        let rate = kafka_loop_consume(broker, topic.name, group, Int32(records))
        guard rate > 0 else { throw BenchmarkFailure(what: "the bare loop could not read all") }
        return rate
    }
}

/// kcat, if it is installed, on the same messages; its start and end are within its time.
private struct Kcat {
    let broker: String
    let count: Int
    private let file: String

    init?(broker: String, values: [[UInt8]], count: Int) {
        guard FileManager.default.isExecutableFile(atPath: "/usr/bin/kcat") else { return nil }
        self.broker = broker
        self.count = count
        file = FileManager.default.temporaryDirectory.path + "/earshot-bench-kcat"
        var lines: [UInt8] = []
        for number in 0..<count {
            lines += Array("key-\(10_000_000 + number)\t".utf8) + values[number % values.count] + [10]
        }
        guard FileManager.default.createFile(atPath: file, contents: Data(lines)) else { return nil }
    }

    func produce(to topic: String) throws -> Double {
        try time([
            "-P", "-t", topic, "-K", "\\t", "-l", "-H", "workspace=ws_bench", "-H", "how=pull", "-X", "acks=all", "-X",
            "enable.idempotence=true", "-X", "compression.codec=lz4", "-X", "linger.ms=1", file,
        ])
    }

    func consume(_ topic: String) throws -> Double { try time(["-C", "-t", topic, "-o", "beginning", "-e", "-q"]) }

    private func time(_ arguments: [String]) throws -> Double {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/kcat")
        process.arguments = ["-b", broker] + arguments
        process.standardOutput = FileHandle.nullDevice
        let begun = ContinuousClock.now
        try process.run()
        process.waitUntilExit()
        guard process.terminationStatus == 0 else { throw BenchmarkFailure(what: "kcat failed") }
        return Double(count) / (ContinuousClock.now - begun).inSeconds
    }
}
