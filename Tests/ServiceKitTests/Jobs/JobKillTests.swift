import ByteJSON
import Common
import Foundation
import Glibc
import TestKit
import Testing

@testable import ServiceKit

/// Workers are killed at the boundaries of steps and at any time; nothing is lost, doubled or left behind.
@Suite("The job engine, killed", .timeLimit(.minutes(15)))
struct JobKillTests {
    /// Of each worker.
    private static let kills = Int(ProcessInfo.processInfo.environment["EARSHOT_TEST_KILLS"] ?? "") ?? 60
    private static let jobs = kills * 3 / 2

    @Test("each job ends once, each file is as if nothing had happened", arguments: TestDatabase.Engine.allCases)
    func kills(on engine: TestDatabase.Engine) async throws {
        let bench = try await JobBench(engine)
        try await bench.database.write { connection in
            try connection.execute("CREATE TABLE ended (job TEXT NOT NULL)")
            for number in 0..<Self.jobs {
                let payload: JSON = ["number": .integer(Int64(number))]
                let request = JobRequest(
                    "probe", workspace: number % 2 == 0 ? workspaceA : workspaceB, payload: payload)
                _ = try JobTable(connection, at: .now).enqueue(request, deadline: .seconds(600))
            }
        }
        let files = try TemporaryFolder()
        // A file has one process that writes; a server has several.
        let killed = try await withThrowingTaskGroup(of: Int.self) { workers in
            for worker in 0..<(engine == .sqlite ? 1 : 2) {
                workers.addTask { try await work(bench, engine, in: files.path, seed: UInt64(worker)) }
            }
            return try await workers.reduce(0, +)
        }
        #expect(killed >= Self.kills)
        try await check(bench, files)
    }

    /// Runs one worker after the other until all jobs are over.
    ///
    /// - Returns: How many were killed.
    private func work(
        _ bench: JobBench, _ engine: TestDatabase.Engine, in folder: String, seed: UInt64
    ) async throws -> Int {
        var random = RandomSource(seed: seed)
        var killed = 0
        while try await isOpen(bench) {
            let odds = killed < Self.kills ? 6 : 0
            let process = try await TestDatabase.launch(
                "JobProbe", on: engine, path: bench.folder.file("jobs.sqlite"), arguments: [folder, "\(odds)"])
            let life = Duration.milliseconds(Int.random(in: 60...600, using: &random))
            let end = ContinuousClock.now + life
            var hasEnded = false
            while !hasEnded, odds == 0 || ContinuousClock.now < end {
                hasEnded = !process.isRunning
                if odds == 0, try await !isOpen(bench) { break }
                try await Task.sleep(for: .milliseconds(5))
            }
            process.send(SIGKILL)
            process.wait()
            killed += 1
        }
        return killed
    }

    private func isOpen(_ bench: JobBench) async throws -> Bool {
        try await bench.database.read { connection in
            try connection.first("SELECT 1 FROM job WHERE ended_at IS NULL LIMIT 1") { _ in true } ?? false
        }
    }

    private func check(_ bench: JobBench, _ files: TemporaryFolder) async throws {
        let list = try await bench.table { try $0.list(.init(), limit: 1000) }
        #expect(list.count == Self.jobs)
        let ended = try await bench.database.read { try $0.query("SELECT job FROM ended") { $0.text(0) } }
        #expect(ended.sorted() == list.map(\.id.rawValue).sorted(), "each job notes its end once")
        for job in list {
            #expect(job.state == .completed, "\(job.id): \(job.reason ?? "")")
            #expect(job.history.filter { $0.state.isEnd }.count == 1)
            #expect(try #require(job.endedAt) <= job.deadline)
            let number = job.payload["number"]?.integer ?? -1
            let expected = (0..<200).map { "\(number * 1000 + Int64($0))\n" }.joined() + "end\n"
            let found = try String(contentsOfFile: files.file("\(job.id).txt"), encoding: .utf8)
            #expect(found == expected, "\(job.id)")
        }
    }
}
