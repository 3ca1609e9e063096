import Common
import Foundation
import SQLiteLog
import TestKit
import Testing

@Suite("The event log over SQLite")
struct SQLiteLogTests {
    @Test("keeps the contract of an event log", arguments: EventLogConformance.behaviours)
    func contract(behaviour: LogBehaviour) async throws {
        let folder = try TemporaryFolder()
        try await behaviour.check(bench(in: folder))
    }

    private func bench(in folder: TemporaryFolder) -> LogBench {
        LogBench(
            prefix: "test", largestRecord: 2 << 20,
            open: {
                var limits = SQLiteLog.Limits()
                limits.recordBytes = 2 << 20
                return try SQLiteLog(folder: folder.path, limits: limits)
            },
            close: { await ($0 as? SQLiteLog)?.close() })
    }
}
