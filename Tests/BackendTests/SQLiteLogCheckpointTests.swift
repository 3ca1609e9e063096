import Common
import TestKit
import Testing

@testable import SQLiteLog

@Suite("Checkpoints of the log over SQLite")
struct SQLiteLogCheckpointTests {
    @Test("copy the write-ahead log, on a connection that has done nothing else")
    func copies() async throws {
        let folder = try TemporaryFolder()
        let log = try SQLiteLog(folder: folder.path)
        let topic = Topic(name: "events", retention: .days(7), partitions: 1)
        try await log.create([topic])
        var batch = RecordBatch()
        for number in 0..<1000 { batch.append(key: "\(number)", value: [UInt8](repeating: 1, count: 500)) }
        try await log.append(batch, to: topic)

        let checkpointer = try Checkpointer(connection: LogConnection(path: folder.file("log.sqlite")))
        checkpointer.wake()
        await checkpointer.close()
        let copied = try #require(checkpointer.takeCopied())
        // Half a megabyte, in pages of 16 KiB.
        #expect(copied > 30)
        await log.close()
    }
}
