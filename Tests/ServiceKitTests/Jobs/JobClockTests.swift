import ByteJSON
import Common
import Synchronization
import TestKit
import Testing

@testable import ServiceKit

/// The wall clock jumps, forwards and backwards, by hours, while jobs run.
@Suite("The job engine and a clock that jumps", .timeLimit(.minutes(5)))
struct JobClockTests {
    typealias Engine = TestDatabase.Engine

    @Test("each job ends once, and says why; none is stuck", arguments: Engine.allCases)
    func jumps(on engine: Engine) async throws {
        for seed in 0..<3 {
            let bench = try await JobBench(engine)
            var random = RandomSource(seed: UInt64(seed))
            let ends = Mutex<[JobID: Int]>([:])
            var definition = bench.kind { _ in try await Task.sleep(for: .milliseconds(Int.random(in: 0...20))) }
            definition = JobDefinition(
                "k",
                steps: [
                    definition.steps[0],
                    JobStep("end") { context in
                        StepResult { _ in ends.withLock { $0[context.job.id, default: 0] += 1 } }
                    },
                ])
            definition.retry = RetryPolicy(attempts: 1000, first: 0, most: 0)
            definition.deadline = .seconds(3600)
            let engines = ["w1", "w2"].map { worker in
                bench.engine([definition], worker: worker) { $0.lease = 0.3 }
            }
            var ids: [JobID] = []
            try await withRunning(engines) {
                for _ in 0..<12 {
                    for number in 0..<4 {
                        let request = JobRequest("k", workspace: number % 2 == 0 ? workspaceA : workspaceB)
                        ids.append(try await engines[0].enqueue(request).job.id)
                    }
                    bench.pass([-7200, -40, 1, 40, 5000, 20_000].randomElement(using: &random)!)
                    try await Task.sleep(for: .milliseconds(Int.random(in: 0...40, using: &random)))
                }
                try await waitUntil("all jobs are over") {
                    try await bench.database.read { connection in
                        try connection.first("SELECT 1 FROM job WHERE ended_at IS NULL LIMIT 1") { _ in true } == nil
                    }
                }
            }
            for id in ids {
                let job = try #require(try await bench.job(id))
                #expect(job.history.filter(\.state.isEnd).count == 1, "\(job.history)")
                switch job.state {
                case .completed: #expect(ends.withLock { $0[id] } == 1)
                case .expired:
                    #expect(job.reason == "was not done by its deadline, \(job.deadline)")
                    #expect(ends.withLock { $0[id] } == nil)
                default: Issue.record("\(id) is \(job.state): \(job.history)")
                }
            }
        }
    }

    @Test("a lost worker's job is taken over although the clock went back by hours", arguments: Engine.allCases)
    func lostBefore(on engine: Engine) async throws {
        let bench = try await JobBench(engine)
        let definition = bench.kind { _ in }
        let jobs = bench.engine([definition], worker: "w2") { $0.lease = 0.2 }
        let id = try await jobs.enqueue(JobRequest("k", workspace: nil)).job.id
        try await bench.table { table in
            _ = try table.claim(1, of: ["k": definition], by: "w1", leaseEnds: table.now.advanced(bySeconds: 0.2))
        }
        bench.pass(-7200)
        try await withRunning(jobs) {
            let job = try await bench.wait(for: id, .completed)
            #expect(job.history.map(\.reason).contains("worker w1 gave no sign of life"))
        }
    }

    @Test("a worker that lives keeps its job although the clock went back by hours", arguments: Engine.allCases)
    func livesBefore(on engine: Engine) async throws {
        let bench = try await JobBench(engine)
        let (held, release) = AsyncStream.makeStream(of: Void.self)
        let definition = bench.kind { _ in for await _ in held { break } }
        let engines = ["w1", "w2"].map { worker in bench.engine([definition], worker: worker) { $0.lease = 0.6 } }
        try await withRunning(engines) {
            defer { release.finish() }
            let id = try await engines[0].enqueue(JobRequest("k", workspace: nil)).job.id
            try await bench.wait(for: id, .running)
            bench.pass(-7200)
            try await Task.sleep(for: .milliseconds(1500))
            release.finish()
            let job = try await bench.wait(for: id, .completed)
            #expect(job.attempt == 1, "\(job.history)")
        }
    }

    @Test("a schedule does not run twice because the clock went back", arguments: Engine.allCases)
    func schedule(on engine: Engine) async throws {
        let bench = try await JobBench(engine)
        let schedule = JobSchedule(
            "hourly", try Cron("0 * * * *", timeZone: "UTC"), missed: .all(atMost: 100),
            request: JobRequest("k", workspace: workspaceA))
        for pass in [0.0, 3600, -7200, 3600, 3600, 3600, -3600, 7200] {
            bench.pass(pass)
            try await bench.table { try $0.runSchedules([schedule], [:]) }
        }
        let list = try await bench.table { try $0.list(.init(), limit: 100) }
        let runs = list.compactMap { $0.payload["scheduled_for"]?.string }
        #expect(Set(runs).count == runs.count)
        #expect(
            runs.sorted() == [
                "2026-01-05T13:00:00.000Z", "2026-01-05T14:00:00.000Z", "2026-01-05T15:00:00.000Z",
            ])
    }
}
