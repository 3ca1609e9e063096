import Common
import Glibc
import TestKit
import Testing

@testable import ServiceKit

/// A process hears of jobs that another one requests.
@Suite("The bell of jobs, between processes", .timeLimit(.minutes(2)))
struct JobRingTests {
    @Test("a job that another process requests is taken up by the ring, not by the next look")
    func ring() async throws {
        let bench = try await JobBench(.postgres)
        try await bench.database.write { try $0.execute("CREATE TABLE ended (job TEXT NOT NULL)") }
        let files = try TemporaryFolder()
        // By itself it looks at its start, and then hours later.
        let process = try await TestDatabase.launch(
            "JobProbe", on: .postgres, path: bench.folder.file("jobs.sqlite"), arguments: [files.path, "0", "3600"])
        defer {
            process.send(SIGKILL)
            process.wait()
        }
        // Until one was heard of, it may not listen yet.
        var heard = false
        while !heard {
            _ = try await request(bench)
            try await Task.sleep(for: .milliseconds(100))
            heard = try await bench.database.read { try $0.first("SELECT 1 FROM ended") { _ in true } ?? false }
        }
        try await waitUntil("it has nothing to do") {
            try await bench.table { try $0.list(.init(states: [.requested, .running]), limit: 1) }.isEmpty
        }
        for _ in 0..<3 {
            let id = try await request(bench)
            try await waitUntil("\(id) is done", timeout: .seconds(30)) {
                try await bench.job(id)?.state == .completed
            }
        }
    }

    private func request(_ bench: JobBench) async throws -> JobID {
        try await bench.database.write {
            try JobTable($0, at: .now).enqueue(JobRequest("probe", workspace: nil), deadline: .seconds(600)).job.id
        }
    }
}
