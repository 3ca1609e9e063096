import Common
import Foundation
import Logging
import SQLiteLog
import ServiceLifecycle
import SpooledLog
import TestKit
import Testing

@Suite("A spool in front of the event log")
struct SpooledLogTests {
    @Test("a log with a spool is a log", arguments: EventLogConformance.behaviours)
    func contract(behaviour: LogBehaviour) async throws {
        let folder = try TemporaryFolder()
        let opened = Opened()
        let bench = LogBench(
            prefix: "test", largestRecord: 2 << 20,
            open: {
                var limits = SQLiteLog.Limits()
                limits.recordBytes = 2 << 20
                let log = try SQLiteLog(folder: folder.file("log"), limits: limits)
                let store = try SQLiteLog(folder: folder.file("spool"))
                await opened.keep([log, store])
                return try await SpooledLog(
                    over: log, spool: store,
                    SpoolSettings(topic: Topic(name: "test.events", retention: .days(7), partitions: 4)),
                    logger: .silent)
            },
            close: { _ in await opened.close() })
        try await behaviour.check(bench)
    }

    @Test("touches the spool only while the log is away, and then forwards all in order, once")
    func outage() async throws {
        try await Self.with { bench in
            try await bench.append(0..<50)
            #expect(bench.spooled.spool == SpoolState())
            bench.log.become(.away)
            for number in 50..<300 { try await bench.append(number..<number + 1) }
            let waiting = bench.spooled.spool
            #expect(waiting.records == 250)
            #expect(waiting.bytes > 250 * 5)
            #expect(waiting.oldest != nil)
            #expect(waiting.reason?.contains("told to fail") == true)
            guard case .degraded(let reason) = await bench.spooled.health() else {
                Issue.record("the health does not tell of the spool")
                return
            }
            #expect(reason.contains("250 records"))
            #expect(try await bench.numbers().count == 50)
            bench.log.become(.well)
            try await bench.emptied()
            #expect(bench.spooled.spool.forwarded == 250)
            #expect(await bench.spooled.health() == .available)
            let appends = bench.log.appends
            try await bench.append(300..<301)
            #expect(bench.log.appends == appends + 1)
            try await bench.check(count: 301)
        }
    }

    @Test("what is in doubt is on the log once", arguments: [MoodyLog.Mood.losesAnswers, .takesHalf])
    func doubt(mood: MoodyLog.Mood) async throws {
        try await Self.with { bench in
            try await bench.append(0..<10)
            // Both the first appends and those that forward them are in doubt
            bench.log.become(mood)
            try await bench.append(10..<500)
            try await bench.append(500..<501)
            try await waitUntil("it tries to forward") { bench.log.appends > 2 }
            bench.log.become(.well)
            try await bench.emptied()
            try await bench.check(count: 501)
            let headers = try await bench.records().flatMap { $0.headers.all.map(\.name) }
            #expect(Set(headers) == ["how"])
        }
    }

    @Test("a log that answers nobody is given up for the next ones, and those in hand are kept waiting")
    func stalled() async throws {
        try await Self.with(patience: .milliseconds(50)) { bench in
            bench.log.become(.hangs)
            async let first: Void = bench.append(0..<10)
            try await waitUntil("the log has it in hand") { bench.log.hanging == 1 }
            try await Task.sleep(for: .milliseconds(60))
            try await bench.append(10..<20)
            #expect(bench.spooled.spool.records == 10)
            bench.log.become(.well)
            try await first
            try await bench.emptied()
            // In either order: the second was acknowledged while the first was still on its way.
            #expect(try await bench.numbers().sorted() == Array(0..<20))
        }
    }

    @Test("over its bound it refuses, says so, and takes again when there is room")
    func bound() async throws {
        try await Self.with(maximumBytes: 10_000) { bench in
            bench.log.become(.away)
            var taken = 0
            let refusal = await #expect(throws: EventLogError.self) {
                while taken < 10_000 {
                    try await bench.append(taken..<taken + 1)
                    taken += 1
                }
            }
            guard case .unavailable(let reason) = refusal else { throw try #require(refusal) }
            #expect(reason.contains("spool"))
            #expect(taken > 100)
            #expect(bench.spooled.spool.records == taken)
            #expect(bench.spooled.spool.bytes <= 10_000)
            bench.log.become(.well)
            try await bench.emptied()
            bench.log.become(.away)
            try await bench.append(taken..<taken + 50)
            bench.log.become(.well)
            try await bench.emptied()
            try await bench.check(count: taken + 50)
        }
    }

    @Test("a record that the log would refuse for its size is refused at once")
    func tooLarge() async throws {
        try await Self.with(maximumRecordBytes: 1000) { bench in
            bench.log.become(.away)
            var batch = RecordBatch()
            batch.append(key: "large", value: [UInt8](repeating: 0, count: 2000))
            await #expect {
                try await bench.spooled.append(batch, to: topic)
            } throws: {
                if case EventLogError.recordTooLarge = $0 { true } else { false }
            }
            #expect(bench.spooled.spool.records == 0)
        }
    }

    @Test("a record that the log refuses after all holds nobody up, and is kept")
    func refused() async throws {
        let folder = try TemporaryFolder()
        var limits = SQLiteLog.Limits()
        limits.recordBytes = 1000
        let log = try SQLiteLog(folder: folder.file("log"), limits: limits)
        try await log.create([topic])
        let moody = MoodyLog(log)
        let store = try SQLiteLog(folder: folder.file("spool"))
        let spooled = try await SpooledLog(over: moody, spool: store, SpoolSettings(topic: topic), logger: .silent)
        let bench = Bench(spooled: spooled, log: moody, store: MoodyLog(store))
        try await withRunning(spooled, logger: .silent) {
            moody.become(.away)
            try await bench.append(0..<5)
            var batch = RecordBatch()
            batch.append(key: "large", value: [UInt8](repeating: 0, count: 2000))
            try await spooled.append(batch, to: topic)
            try await bench.append(5..<10)
            moody.become(.well)
            try await bench.emptied()
        }
        #expect(spooled.spool.refused == 1)
        #expect(spooled.spool.forwarded == 10)
        try await bench.check(count: 10)
        let refused = Topic(name: "spool.refused", retention: .days(90), partitions: 1)
        #expect(try await store.read(refused, partition: 0, from: 0, limit: 10).value(at: 0)?.count == 2000)
        await store.close()
        await log.close()
    }

    @Test("what a process left is forwarded by the next one, and what it had forwarded without noting so is not again")
    func restarted() async throws {
        let folder = try TemporaryFolder()
        let log = try SQLiteLog(folder: folder.file("log"))
        try await log.create([topic])
        for round in 0..<4 {
            let store = try SQLiteLog(folder: folder.file("spool"))
            let moody = MoodyLog(log)
            let positions = MoodyLog(
                store, topic: Topic(name: "spool.position", retention: .compacted, partitions: 1))
            let spooled = try await SpooledLog(
                over: moody, spool: positions, SpoolSettings(topic: topic), logger: .silent)
            #expect(spooled.spool.records == (round == 0 ? 0 : 3000))
            let bench = Bench(spooled: spooled, log: moody, store: positions)
            try await withRunning(spooled, logger: .silent) {
                // What is left is forwarded, then the log is away again
                moody.become(.well)
                try await bench.emptied()
                let noted = positions.answered
                moody.become(.away)
                try await bench.append(round * 3000..<round * 3000 + 3000)
                // The first of it is forwarded, and nothing can be noted any more
                try await waitUntil("it has noted where the outage began") { positions.answered > noted }
                positions.become(.away)
                moody.become(.well)
                try await waitUntil("some of it was forwarded") {
                    try await log.bounds(of: topic).reduce(0) { $0 + $1.end } > Int64(round * 3000)
                }
            }
            await store.close()
        }
        let store = try SQLiteLog(folder: folder.file("spool"))
        let spooled = try await SpooledLog(over: log, spool: store, SpoolSettings(topic: topic), logger: .silent)
        let bench = Bench(spooled: spooled, log: MoodyLog(log), store: MoodyLog(store))
        try await withRunning(spooled, logger: .silent) { try await bench.emptied() }
        try await bench.check(count: 12_000)
        await store.close()
        await log.close()
    }

    @Test("room that was forwarded is used again")
    func room() async throws {
        let folder = try TemporaryFolder()
        let log = try SQLiteLog(folder: folder.file("log"))
        try await log.create([topic])
        let moody = MoodyLog(log)
        var limits = SQLiteLog.Limits()
        limits.fileBytes = 12 << 20
        let store = try SQLiteLog(folder: folder.file("spool"), limits: limits)
        let spooled = try await SpooledLog(over: moody, spool: store, SpoolSettings(topic: topic), logger: .silent)
        try await withRunning(spooled, logger: .silent) {
            for round in 0..<6 {
                moody.become(.away)
                for number in 0..<60 {
                    var batch = RecordBatch()
                    batch.append(key: "\(round) \(number)", value: [UInt8](repeating: 1, count: 100_000))
                    try await spooled.append(batch, to: topic)
                }
                moody.become(.well)
                try await waitUntil("the spool is empty") { spooled.spool.reason == nil }
            }
        }
        #expect(try await log.bounds(of: topic).reduce(0) { $0 + $1.end } == 360)
        await store.close()
        await log.close()
    }

    /// A log with a spool on real storage, and what was appended to it: the numbers from 0 on, each with one of ten
    /// keys.
    struct Bench: Sendable {
        let spooled: SpooledLog
        let log: MoodyLog
        let store: MoodyLog

        func append(_ numbers: Range<Int>) async throws {
            var batch = RecordBatch()
            for number in numbers {
                batch.append(key: "k\(number % 10)", headers: ["how": "push"], value: Array("\(number)".utf8))
            }
            try await spooled.append(batch, to: topic)
        }

        func emptied() async throws {
            try await waitUntil("the spool is empty, and the way to the log open") { spooled.spool.reason == nil }
        }

        func records() async throws -> [(headers: RecordHeaders, number: Int)] {
            var found: [(headers: RecordHeaders, number: Int)] = []
            for bounds in try await log.bounds(of: topic) {
                let records = try await log.read(topic, partition: bounds.partition, from: 0, limit: 100_000)
                for index in 0..<records.count {
                    let text = String(decoding: records.value(at: index) ?? [], as: UTF8.self)
                    found.append((records.headers(at: index), try #require(Int(text))))
                }
            }
            return found
        }

        func numbers() async throws -> [Int] { try await records().map(\.number) }

        /// All numbers are there once, those of each key in their order.
        func check(count: Int) async throws {
            let numbers = try await numbers()
            #expect(numbers.sorted() == Array(0..<count))
            for key in 0..<10 {
                let ofKey = numbers.filter { $0 % 10 == key }
                #expect(ofKey == ofKey.sorted())
            }
        }
    }

    private static func with(
        maximumBytes: Int = 1 << 30, maximumRecordBytes: Int = 16 << 20, patience: Duration = .seconds(1),
        _ body: (Bench) async throws -> Void
    ) async throws {
        let folder = try TemporaryFolder()
        let log = try SQLiteLog(folder: folder.file("log"))
        let store = try SQLiteLog(folder: folder.file("spool"))
        try await log.create([topic])
        let moody = MoodyLog(log)
        var settings = SpoolSettings(topic: topic)
        settings.maximumBytes = maximumBytes
        settings.maximumRecordBytes = maximumRecordBytes
        settings.patience = patience
        settings.longestPause = .milliseconds(300)
        let spooled = try await SpooledLog(over: moody, spool: store, settings, logger: .silent)
        let bench = Bench(spooled: spooled, log: moody, store: MoodyLog(store))
        try await withRunning(spooled, logger: .silent) { try await body(bench) }
        await store.close()
        await log.close()
    }
}

private let topic = Topic(name: "events", retention: .days(7), partitions: 3)

/// Logs that are open, to be closed together.
private actor Opened {
    private var logs: [SQLiteLog] = []

    func keep(_ logs: [SQLiteLog]) { self.logs = logs }

    func close() async { for log in logs { await log.close() } }
}
