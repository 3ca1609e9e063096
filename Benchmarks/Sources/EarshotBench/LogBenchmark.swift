import ArgumentParser
import Common
import Foundation
import GRDBSQLite
import Glibc
import SQLiteLog

/// The event log beside what the disk allows: a plain file that is synced, and a bare SQLite loop.
struct LogBenchmark: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "log", abstract: "Append and consume 955-byte records: the log, a synced file, bare SQLite.")

    @Option(help: "How often each way is timed.") var repetitions = 3

    private static let recordBytes = 955
    private static let topic = Topic(name: "bench", retention: .days(1), partitions: 4)

    func run() async throws {
        var table = Table(
            "records a commit", "file, records/s", "bare SQLite", "log append", "of the file", "of SQLite",
            "log consume")
        for (batch, total) in [(1, 1000), (10, 10_000), (100, 100_000), (1000, 300_000)] {
            var rates: [[Double]] = [[], [], [], []]
            for _ in 0..<repetitions {
                rates[0].append(try Self.file(batch: batch, total: total))
                rates[1].append(try Self.bareSQLite(batch: batch, total: total))
                let (append, consume) = try await Self.log(batch: batch, total: total, tasks: 1)
                rates[2].append(append)
                rates[3].append(consume)
            }
            let medians = rates.map(median)
            table.add(
                grouped(Double(batch)), grouped(medians[0]), grouped(medians[1]), grouped(medians[2]),
                fixed(medians[2] / medians[0], 2), fixed(medians[2] / medians[1], 2), grouped(medians[3]))
        }
        print("records of \(Self.recordBytes) bytes, one writer, every commit synced, median of \(repetitions)")
        table.show()
        var together = Table("appends of one record at once", "records/s", "µs an append")
        for tasks in [1, 16, 64, 256] {
            let total = tasks == 1 ? 1000 : 600 * tasks
            let rate = try await Self.log(batch: 1, total: total, tasks: tasks).append
            together.add("\(tasks)", grouped(rate), fixed(Double(tasks) / rate * 1e6, 0))
        }
        print()
        together.show()
    }

    /// Appends to a file, with a sync after each batch: what the disk allows.
    private static func file(batch: Int, total: Int) throws -> Double {
        try inNewFolder { folder in
            let file = open(folder + "/file", O_WRONLY | O_CREAT | O_APPEND, 0o600)
            defer { close(file) }
            let bytes = [UInt8](repeating: 0x78, count: batch * recordBytes)
            return try rate(of: total) {
                for _ in 0..<total / batch {
                    let written = bytes.withUnsafeBytes { write(file, $0.baseAddress, $0.count) }
                    guard written == bytes.count, fdatasync(file) == 0 else {
                        throw BenchmarkFailure(what: "cannot write in \(folder)")
                    }
                }
            }
        }
    }

    /// One row a record through the C interface, with nothing else around.
    private static func bareSQLite(batch: Int, total: Int) throws -> Double {
        try inNewFolder { folder in
            var database: OpaquePointer?
            var insert: OpaquePointer?
            sqlite3_open(folder + "/bare.sqlite", &database)
            sqlite3_exec(
                database,
                "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; CREATE TABLE record (id INTEGER PRIMARY KEY, value BLOB)",
                nil, nil, nil)
            sqlite3_prepare_v2(database, "INSERT INTO record (value) VALUES (?)", -1, &insert, nil)
            defer {
                sqlite3_finalize(insert)
                sqlite3_close(database)
            }
            let value = [UInt8](repeating: 0x78, count: recordBytes)
            return try rate(of: total) {
                for _ in 0..<total / batch {
                    sqlite3_exec(database, "BEGIN", nil, nil, nil)
                    for _ in 0..<batch {
                        value.withUnsafeBytes {
                            _ = sqlite3_bind_blob(insert, 1, $0.baseAddress, Int32($0.count), nil)
                            sqlite3_step(insert)
                        }
                        sqlite3_reset(insert)
                    }
                    guard sqlite3_exec(database, "COMMIT", nil, nil, nil) == SQLITE_OK else {
                        throw BenchmarkFailure(what: String(cString: sqlite3_errmsg(database)))
                    }
                }
            }
        }
    }

    /// Appends through the log, then consumes all of it in batches of 1,000.
    private static func log(batch: Int, total: Int, tasks: Int) async throws -> (append: Double, consume: Double) {
        let folder = newFolder()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let log = try SQLiteLog(folder: folder)
        try await log.create([topic])
        let records = Self.records(batch)
        let count = total / batch / tasks
        let begun = ContinuousClock.now
        try await withThrowingTaskGroup(of: Void.self) { group in
            for task in 0..<tasks {
                group.addTask {
                    for turn in 0..<count { try await log.append(records[(turn + task) % records.count], to: topic) }
                }
            }
            try await group.waitForAll()
        }
        let appended = ContinuousClock.now
        let consumer = try await log.consumer(of: topic, group: ConsumerGroup("bench")) { _ in nil }
        var left = count * tasks * batch
        while left > 0 {
            left -= try await consumer.next(limit: 1000, wait: .seconds(5)).reduce(0) { $0 + $1.records.count }
        }
        let consumed = ContinuousClock.now
        await consumer.close()
        await log.close()
        let all = Double(count * tasks * batch)
        return (all / (appended - begun).inSeconds, all / (consumed - appended).inSeconds)
    }

    /// Batches with different keys, so that the records spread over the partitions.
    private static func records(_ batch: Int) -> [RecordBatch] {
        (0..<max(8, 64 / batch)).map { turn in
            var records = RecordBatch()
            let headers: RecordHeaders = ["workspace": "ws_bench", "how": "pull"]
            let value = [UInt8](repeating: 0x78, count: recordBytes - headers.encoded.count - 12)
            for number in 0..<batch {
                records.append(key: "key-\(10_000_000 + turn * batch + number)", headers: headers, value: value)
            }
            return records
        }
    }

    private static func newFolder() -> String {
        let folder = FileManager.default.temporaryDirectory.path + "/earshot-bench-log-\(UUID().uuidString)"
        try? FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        return folder
    }

    private static func inNewFolder(_ body: (String) throws -> Double) rethrows -> Double {
        let folder = newFolder()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        return try body(folder)
    }

    private static func rate(of count: Int, _ body: () throws -> Void) rethrows -> Double {
        let begun = ContinuousClock.now
        try body()
        return Double(count) / (ContinuousClock.now - begun).inSeconds
    }
}
