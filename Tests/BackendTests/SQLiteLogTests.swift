import Common
import Foundation
import GRDB
import SQLiteLog
import TestKit
import Testing

@Suite("The event log over SQLite")
struct SQLiteLogTests {
    private let topic = Topic(name: "events", retention: .days(7), partitions: 2)

    @Test("keeps the contract of an event log", arguments: EventLogConformance.behaviours)
    func contract(behaviour: LogBehaviour) async throws {
        let folder = try TemporaryFolder()
        let bench = LogBench(
            prefix: "test", largestRecord: 2 << 20,
            open: {
                var limits = SQLiteLog.Limits()
                limits.recordBytes = 2 << 20
                return try SQLiteLog(folder: folder.path, limits: limits)
            },
            close: { await ($0 as? SQLiteLog)?.close() })
        try await behaviour.check(bench)
    }

    @Test("is unavailable when its space is full, keeps what it has, and recovers")
    func full() async throws {
        let folder = try TemporaryFolder()
        var limits = SQLiteLog.Limits()
        limits.fileBytes = 2 << 20
        let log = try SQLiteLog(folder: folder.path, limits: limits)
        try await log.create([topic])
        var count: Int64 = 0
        let refusal = await #expect(throws: EventLogError.self) {
            while count < 10_000 {
                try await log.append(batch(of: 10, bytes: 1000), to: topic)
                count += 10
            }
        }
        guard case .unavailable(let reason) = refusal else { throw try #require(refusal) }
        #expect(reason.contains("space"))
        #expect(count > 1000)
        guard case .unavailable = await log.health() else {
            Issue.record("healthy without space")
            return
        }
        #expect(try await log.bounds(of: topic).reduce(0) { $0 + $1.end } == count)

        try await log.maintain(now: Timestamp.now.advanced(bySeconds: 30 * 86_400))
        #expect(await log.health() == .available)
        try await log.append(batch(of: 10, bytes: 1000), to: topic)
        #expect(try await log.bounds(of: topic).reduce(0) { $0 + $1.end } == count + 10)
        await log.close()
    }

    @Test("belongs to one opener at a time")
    func oneOpener() async throws {
        let folder = try TemporaryFolder()
        let first = try SQLiteLog(folder: folder.path)
        #expect {
            _ = try SQLiteLog(folder: folder.path)
        } throws: {
            if case EventLogError.unavailable(let reason) = $0 { reason.contains(folder.path) } else { false }
        }
        await first.close()
        await (try SQLiteLog(folder: folder.path)).close()
    }

    @Test("takes back the partitions of a consumer that is gone without goodbye")
    func lostConsumer() async throws {
        let folder = try TemporaryFolder()
        let log = try SQLiteLog(folder: folder.path)
        try await log.create([topic])
        try await log.append(batch(of: 20, bytes: 10), to: topic)
        let group = ConsumerGroup("readers")
        var lost: (any LogConsumer)? = try await log.consumer(of: topic, group: group) { _ in nil }
        #expect(try await lost?.next(limit: 5, wait: .seconds(1)).isEmpty == false)
        lost = nil
        let heir = try await log.consumer(of: topic, group: group) { _ in nil }
        var count = 0
        while case let batches = try await heir.next(limit: 100, wait: .milliseconds(100)), !batches.isEmpty {
            count += batches.reduce(0) { $0 + $1.records.count }
        }
        #expect(count == 20)
        await log.close()
    }

    @Test("commits what comes at once together")
    func groupCommit() async throws {
        let folder = try TemporaryFolder()
        let log = try SQLiteLog(folder: folder.path)
        try await log.create([topic])
        let batch = batch(of: 1, bytes: 100)
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            for _ in 0..<1000 { tasks.addTask { try await log.append(batch, to: topic) } }
            try await tasks.waitForAll()
        }
        await log.close()
        // A commit writes at least one chunk.
        let chunks = try await DatabaseQueue(path: folder.file("log.sqlite")).read { db in
            try Int.fetchOne(db, sql: "SELECT (SELECT count(*) FROM chunk_1_0) + (SELECT count(*) FROM chunk_1_1)") ?? 0
        }
        #expect(chunks > 0)
        #expect(chunks < 700)
    }

    @Test("keeps its write-ahead log bounded while much is appended and read")
    func boundedWAL() async throws {
        let folder = try TemporaryFolder()
        let log = try SQLiteLog(folder: folder.path)
        try await log.create([topic])
        let batch = batch(of: 1000, bytes: 1000)
        let consumer = try await log.consumer(of: topic, group: ConsumerGroup("readers")) { _ in nil }
        async let read: Int = {
            var count = 0
            while count < 200_000 {
                count += try await consumer.next(limit: 1000, wait: .seconds(5)).reduce(0) { $0 + $1.records.count }
            }
            return count
        }()
        var largest = 0
        for _ in 0..<200 {
            try await log.append(batch, to: topic)
            let attributes = try FileManager.default.attributesOfItem(atPath: folder.file("log.sqlite-wal"))
            largest = max(largest, (attributes[.size] as? NSNumber)?.intValue ?? 0)
        }
        #expect(try await read == 200_000)
        #expect(largest > 0)
        #expect(largest < 128 << 20)
        await log.close()
    }

    @Test("takes a record of 64 MiB and none that is larger")
    func largestRecord() async throws {
        let folder = try TemporaryFolder()
        let log = try SQLiteLog(folder: folder.path)
        let topic = Topic(name: "large", retention: .days(1), partitions: 1)
        try await log.create([topic])
        var value = [UInt8](repeating: 1, count: 64 << 20)
        value[value.count - 1] = 99
        var batch = RecordBatch()
        batch.append(key: String?.none, value: value)
        try await log.append(batch, to: topic)
        let records = try await log.read(topic, partition: 0, from: 0, limit: 10)
        #expect(records.value(at: 0)?.count == value.count)
        #expect(records.value(at: 0)?.last == 99)
        var larger = RecordBatch()
        larger.append(key: "k", value: value)
        await #expect(throws: EventLogError.self) { try await log.append(larger, to: topic) }
        await log.close()
    }

    @Test("runs as a service until shutdown, then is closed")
    func service() async throws {
        let folder = try TemporaryFolder()
        let log = try SQLiteLog(folder: folder.path)
        try await withRunning(log) {
            try await log.create([topic])
            try await log.append(batch(of: 1, bytes: 1), to: topic)
        }
        await #expect(throws: EventLogError.self) { try await log.append(batch(of: 1, bytes: 1), to: topic) }
        // The folder is free again, and what was appended is there.
        let again = try SQLiteLog(folder: folder.path)
        #expect(try await again.bounds(of: topic).reduce(0) { $0 + $1.end } == 1)
        await again.close()
    }

    @Test("refuses a file that a newer program made")
    func newerFormat() async throws {
        let folder = try TemporaryFolder()
        await (try SQLiteLog(folder: folder.path)).close()
        try await DatabaseQueue(path: folder.file("log.sqlite")).write {
            try $0.execute(sql: "PRAGMA user_version = 99")
        }
        #expect {
            _ = try SQLiteLog(folder: folder.path)
        } throws: {
            if case EventLogError.unavailable(let reason) = $0 { reason.contains("99") } else { false }
        }
    }

    @Test("says that a file is no log")
    func noLog() async throws {
        let folder = try TemporaryFolder()
        try writeText(String(repeating: "this is no log, only text. ", count: 400), to: folder.file("log.sqlite"))
        #expect {
            _ = try SQLiteLog(folder: folder.path)
        } throws: {
            if case EventLogError.corrupt = $0 { true } else { false }
        }
    }

    private func batch(of count: Int, bytes: Int) -> RecordBatch {
        var batch = RecordBatch()
        let value = [UInt8](repeating: UInt8(ascii: "x"), count: bytes)
        for _ in 0..<count { batch.append(key: String?.none, value: value) }
        return batch
    }
}
