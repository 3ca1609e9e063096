import Common
import Foundation
import SQLiteLog
import TestKit
import Testing

@Suite("The event log over SQLite, killed")
struct SQLiteLogKillTests {
    private static let topic = Topic(name: "probe", retention: .days(7), partitions: 3)

    @Test("has every acknowledged record after SIGKILL at any time, without a gap")
    func survivesKills() async throws {
        let folder = try TemporaryFolder()
        var random = RandomSource(seed: 20)
        var acknowledged: [LogPosition: Int] = [:]
        for round in 0..<8 {
            let lines = try await runProbe(
                in: folder, first: round * 1_000_000, killAfter: .milliseconds(Int.random(in: 5...250, using: &random)))
            for line in lines {
                let fields = line.split(separator: " ").compactMap { Int($0) }
                if fields.count == 3 {
                    acknowledged[LogPosition(partition: fields[0], offset: Int64(fields[1]))] = fields[2]
                }
            }
            try await check(acknowledged, in: folder)
        }
        #expect(acknowledged.count > 100)
    }

    private func check(_ acknowledged: [LogPosition: Int], in folder: TemporaryFolder) async throws {
        let log = try SQLiteLog(folder: folder.path)
        try await log.create([Self.topic])
        var found: [LogPosition: String] = [:]
        for bounds in try await log.bounds(of: Self.topic) {
            let records = try await log.read(Self.topic, partition: bounds.partition, from: 0, limit: 10_000_000)
            #expect(Int64(records.count) == bounds.end)
            for index in 0..<records.count {
                #expect(records.offset(at: index) == Int64(index))
                let position = LogPosition(partition: bounds.partition, offset: records.offset(at: index))
                found[position] = records.value(at: index).map { String(decoding: $0, as: UTF8.self) }
            }
        }
        let missing = acknowledged.filter { found[$0.key] != "value \($0.value)" }
        #expect(missing.isEmpty, "\(missing.count) of \(acknowledged.count) acknowledged records are not there")
        await log.close()
    }

    /// Runs the probe, kills it some time after its first acknowledgement, and gives what it said.
    private func runProbe(in folder: TemporaryFolder, first: Int, killAfter delay: Duration) async throws -> [Substring]
    {
        let process = Process()
        process.executableURL = Bundle.main.bundleURL.appendingPathComponent("LogProbe")
        process.arguments = [folder.path, "\(first)"]
        let pipe = Pipe()
        process.standardOutput = pipe
        try process.run()
        let killer = Task {
            try? await Task.sleep(for: delay + .milliseconds(50))
            kill(process.processIdentifier, SIGKILL)
        }
        let output = await withCheckedContinuation { continuation in
            Thread.detachNewThread {
                continuation.resume(returning: pipe.fileHandleForReading.readDataToEndOfFile())
            }
        }
        await killer.value
        process.waitUntilExit()
        #expect(process.terminationReason == .uncaughtSignal)
        // The last line may be cut off.
        return String(decoding: output, as: UTF8.self).split(separator: "\n", omittingEmptySubsequences: false)
            .dropLast()
    }
}
