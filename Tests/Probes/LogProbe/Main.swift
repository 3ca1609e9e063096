import Common
import Foundation
import SQLiteLog

/// Appends to a log until it is killed, and says what was acknowledged. `SQLiteLogKillTests` kills it.
///
/// Usage: `LogProbe FOLDER FIRST`. Each line is `partition offset number`, written after the append returned;
/// numbers count from FIRST.
@main
struct LogProbe {
    static let topic = Topic(name: "probe", retention: .days(7), partitions: 3)

    static func main() async throws {
        let arguments = CommandLine.arguments
        guard arguments.count == 3, let first = Int(arguments[2]) else {
            throw EventLogError.unavailable("usage: LogProbe FOLDER FIRST")
        }
        let log = try SQLiteLog(folder: arguments[1])
        try await log.create([topic])
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            // Small appends that meet in one commit, and now and then a larger one.
            for task in 0..<16 {
                tasks.addTask {
                    var number = first + task * 10_000_000
                    while true {
                        let count = number % 17 == 0 ? 300 : 1
                        var batch = RecordBatch()
                        for n in number..<number + count {
                            batch.append(key: "\(n)", value: Array("value \(n)".utf8))
                        }
                        let positions = try await log.append(batch, to: topic)
                        let lines = positions.enumerated().map { "\($1.partition) \($1.offset) \(number + $0)\n" }
                        FileHandle.standardOutput.write(Data(lines.joined().utf8))
                        number += count
                    }
                }
            }
            try await tasks.waitForAll()
        }
    }
}
