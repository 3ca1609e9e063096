import Common
import Foundation
import TestKit
import Testing

@testable import SQLiteLog

@Suite("The journal before the log's tables")
struct SQLiteLogJournalTests {
    private let topic = Topic(name: "events", retention: .days(7), partitions: 2)

    @Test("lets what was acknowledged be read at once, in a flood of small appends")
    func flood() async throws {
        let folder = try TemporaryFolder()
        let log = try SQLiteLog(folder: folder.path)
        try await log.create([topic])
        let values = try await withThrowingTaskGroup(of: [LogPosition: String].self) { tasks in
            for task in 0..<32 {
                tasks.addTask {
                    var mine: [LogPosition: String] = [:]
                    for number in 0..<40 {
                        let value = "\(task) \(number)"
                        var batch = RecordBatch()
                        batch.append(key: "\(task)", value: Array(value.utf8))
                        let position = try #require(try await log.append(batch, to: topic).first)
                        mine[position] = value
                        if number % 10 == 0 {
                            let records = try await log.read(
                                topic, partition: position.partition, from: position.offset, limit: 1)
                            #expect(records.value(at: 0).map(Array.init) == Array(value.utf8))
                        }
                    }
                    return mine
                }
            }
            return try await tasks.reduce(into: [:]) { $0.merge($1) { $1 } }
        }
        #expect(values.count == 32 * 40)
        #expect(try await contents(of: log) == values)
        await log.close()

        let again = try SQLiteLog(folder: folder.path)
        #expect(try await contents(of: again) == values)
        await again.close()
    }

    @Test("is brought into the tables when the log is opened, whole frames only, and each record once")
    func recovery() async throws {
        let folder = try TemporaryFolder()
        var log = try SQLiteLog(folder: folder.path)
        try await log.create([topic])
        try await append("table", to: log)
        await log.close()
        let partition = try #require(try await positions(in: folder).first).partition

        // As a crash leaves it: a frame that is in the tables already, one that is not, and one that was cut off.
        var journal: Journal? = try Journal(folder: folder.path)
        try note(["table"], from: 0, in: partition, journal)
        try note(["second", "third"], from: 1, in: partition, journal)
        try note(["lost"], from: 3, in: partition, journal)
        journal = nil
        let path = folder.file("log.journal")
        var bytes = try Data(contentsOf: URL(fileURLWithPath: path))
        let cut = try #require(bytes.firstRange(of: Data("lost".utf8)))
        bytes.replaceSubrange(cut, with: [0, 0, 0, 0])
        try bytes.write(to: URL(fileURLWithPath: path))

        for _ in 0..<2 {
            log = try SQLiteLog(folder: folder.path)
            let records = try await log.read(topic, partition: partition, from: 0, limit: 10)
            #expect(values(of: records) == ["table", "second", "third"])
            #expect((0..<records.count).map { records.offset(at: $0) } == [0, 1, 2])
            await log.close()
        }
    }

    @Test("does not take what is left of an earlier turn for the end of this one")
    func turns() throws {
        let folder = try TemporaryFolder()
        var journal: Journal? = try Journal(folder: folder.path)
        for number in 0..<10 { try note(["old"], from: Int64(number), in: 0, journal) }
        journal?.reset()
        for number in 10..<13 { try note(["new"], from: Int64(number), in: 0, journal) }
        journal = nil
        var offsets: [Int64] = []
        try Journal(folder: folder.path).recover { found, _ in offsets = found.map(\.entry.offset) }
        #expect(offsets == [10, 11, 12])
        // It was cleared.
        try Journal(folder: folder.path).recover { _, _ in Issue.record("it has records still") }
    }

    @Test("is refused if the tables end before it begins")
    func gap() async throws {
        let folder = try TemporaryFolder()
        let log = try SQLiteLog(folder: folder.path)
        try await log.create([topic])
        await log.close()
        try note(["late"], from: 7, in: 0, try Journal(folder: folder.path))
        #expect(throws: EventLogError.self) { try SQLiteLog(folder: folder.path) }
    }

    private func note(_ values: [String], from offset: Int64, in partition: Int, _ journal: Journal?) throws {
        for (index, value) in values.enumerated() {
            var batch = RecordBatch()
            batch.append(key: "key", value: Array(value.utf8))
            batch.arena.withUnsafeBytes {
                journal?.add(
                    batch.entries[0], of: $0, topic: 1, partition: partition, offset: offset + Int64(index),
                    timestamp: 1_700_000_000_000)
            }
        }
        try journal?.commit()
    }

    private func append(_ value: String, to log: SQLiteLog) async throws {
        var batch = RecordBatch()
        batch.append(key: "key", value: Array(value.utf8))
        try await log.append(batch, to: topic)
    }

    private func positions(in folder: TemporaryFolder) async throws -> [LogPosition] {
        let log = try SQLiteLog(folder: folder.path)
        let positions = Array(try await contents(of: log).keys)
        await log.close()
        return positions
    }

    private func contents(of log: SQLiteLog) async throws -> [LogPosition: String] {
        var contents: [LogPosition: String] = [:]
        for bounds in try await log.bounds(of: topic) {
            let records = try await log.read(topic, partition: bounds.partition, from: 0, limit: 100_000)
            for (index, value) in values(of: records).enumerated() {
                contents[LogPosition(partition: bounds.partition, offset: records.offset(at: index))] = value
            }
        }
        return contents
    }

    private func values(of records: RecordBatch) -> [String] {
        (0..<records.count).map { String(decoding: records.value(at: $0) ?? [], as: UTF8.self) }
    }
}
