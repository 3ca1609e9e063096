import ByteJSON
import Common
import Synchronization
import TestKit
import Testing

@testable import ServiceKit

/// Jobs that are stopped in the middle of what they do or undo.
@Suite("The job engine, half way", .timeLimit(.minutes(5)))
struct JobSagaTests {
    typealias Engine = TestDatabase.Engine

    /// Two steps that can be undone; a third that fails for good unless it is mended.
    private func saga(
        _ bench: JobBench, isMended: @escaping @Sendable () -> Bool = { false },
        undo: @escaping @Sendable (String) async throws -> Void = { _ in }
    ) -> JobDefinition {
        func step(_ name: String) -> JobStep {
            JobStep(
                name,
                undo: { _ in
                    try await undo(name)
                    bench.write("undo \(name)")
                },
                run: { _ in
                    bench.write(name)
                    return StepResult()
                })
        }
        var definition = JobDefinition(
            "saga",
            steps: [
                step("hook"), step("backfill"),
                JobStep("tell") { _ in
                    if !isMended() { throw JobFailure.rejected("nobody to tell") }
                    bench.write("tell")
                    return StepResult()
                },
            ])
        definition.retry = RetryPolicy(attempts: 2, first: 0, most: 0)
        return definition
    }

    @Test("one that could be undone by half is tried again by hand: what is undone is done again, what is left is not")
    func retryOfHalfUndone() async throws {
        for engine in Engine.allCases {
            let bench = try await JobBench(engine)
            let isMended = Mutex(false)
            let definition = saga(
                bench, isMended: { isMended.withLock { $0 } },
                undo: { step in if step == "hook" { throw JobFailure.unavailable("cannot undo") } })
            let jobs = bench.engine([definition])
            try await withRunning(jobs) {
                let id = try await jobs.enqueue(JobRequest("saga", workspace: nil)).job.id
                let failed = try await bench.wait(for: id, .failed)
                #expect(failed.reason == "nobody to tell")
                #expect(failed.history.last?.reason.hasPrefix("could not be undone: cannot undo") == true)
                isMended.withLock { $0 = true }
                #expect(try await jobs.retry(id, reason: "mended")?.state == .requested)
                try await bench.wait(for: id, .completed)
            }
            #expect(bench.lines == ["hook", "backfill", "undo backfill", "backfill", "tell"])
        }
    }

    @Test("one that is being undone cannot be cancelled, and ends as it was to end", arguments: Engine.allCases)
    func cancelWhileUndoing(on engine: Engine) async throws {
        let bench = try await JobBench(engine)
        let (held, release) = AsyncStream.makeStream(of: Void.self)
        let definition = saga(
            bench,
            undo: { step in
                guard step == "backfill" else { return }
                bench.write("undoing")
                for await _ in held { break }
            })
        let jobs = bench.engine([definition])
        try await withRunning(jobs) {
            defer { release.finish() }
            let id = try await jobs.enqueue(JobRequest("saga", workspace: nil)).job.id
            try await waitUntil("it is being undone") { bench.lines.last == "undoing" }
            #expect(try await jobs.cancel(id, reason: "no") == nil)
            #expect(try await jobs.retry(id, reason: "again") == nil)
            release.finish()
            let job = try await bench.wait(for: id, .failed)
            #expect(job.reason == "nobody to tell")
        }
        #expect(bench.lines == ["hook", "backfill", "undoing", "undo backfill", "undo hook"])
    }

    @Test("a worker that dies while it keeps a result leaves none, and the step runs again", arguments: Engine.allCases)
    func crashWhileKeeping(on engine: Engine) async throws {
        let bench = try await JobBench(engine)
        try await bench.database.write { try $0.execute("CREATE TABLE noted (line TEXT)") }
        let definition = JobDefinition(
            "k",
            steps: ["one", "two"].map { name in
                JobStep(name) { _ in
                    StepResult(.string(name)) { try $0.execute("INSERT INTO noted (line) VALUES (\(name))") }
                }
            })
        let id = try await bench.engine([definition]).enqueue(JobRequest("k", workspace: nil)).job.id
        struct Died: Error {}
        await #expect(throws: Died.self) {
            try await bench.table { table in
                let job = try #require(
                    try table.claim(1, of: ["k": definition], by: "w1", leaseEnds: table.now.advanced(bySeconds: 1))
                        .first)
                try table.finish("one", of: job, StepResult("one"), isLast: false)
                throw Died()
            }
        }
        // The claim was undone with it: nothing happened.
        #expect(try await bench.job(id)?.history.map(\.reason) == ["requested"])
        let claimed = try await bench.table { table in
            try table.claim(1, of: ["k": definition], by: "w1", leaseEnds: table.now.advanced(bySeconds: 1))
        }
        let job = try #require(claimed.first)
        await #expect(throws: Died.self) {
            try await bench.table { table in
                try table.finish(
                    "one", of: job,
                    StepResult("one") { connection in
                        try connection.execute("INSERT INTO noted (line) VALUES ('lost')")
                        throw Died()
                    }, isLast: false)
            }
        }
        #expect(try await bench.table { try $0.steps(of: id) }.isEmpty)
        bench.pass(2)
        let jobs = bench.engine([definition], worker: "w2")
        _ = try await withRunning(jobs) { try await bench.wait(for: id, .completed) }
        #expect(
            try await bench.database.read { try $0.query("SELECT line FROM noted ORDER BY line") { $0.text(0) } } == [
                "one", "two",
            ])
    }

    @Test("who hangs at a provider costs it a failure: the end says which step, and the breaker opens")
    func hungProvider() async throws {
        for engine in Engine.allCases {
            let bench = try await JobBench(engine)
            var definition = JobDefinition(
                "k", steps: [JobStep("call", timeout: .milliseconds(20)) { _ in try await hang() }])
            definition.retry = RetryPolicy(attempts: 1, first: 0, most: 0)
            let jobs = bench.engine([definition])
            try await withRunning(jobs) {
                for _ in 0..<ProviderBreaker.threshold {
                    var request = JobRequest("k", workspace: nil)
                    request.provider = "slow.example.org"
                    let id = try await jobs.enqueue(request).job.id
                    let job = try await bench.wait(for: id, .failed)
                    #expect(job.reason?.hasPrefix("step call was not done in") == true)
                }
                var request = JobRequest("k", workspace: nil)
                request.provider = "slow.example.org"
                let id = try await jobs.enqueue(request).job.id
                try await Task.sleep(for: .milliseconds(100))
                #expect(try await bench.job(id)?.attempt == 0, "nobody asks while the breaker is open")
            }
        }
    }
}
