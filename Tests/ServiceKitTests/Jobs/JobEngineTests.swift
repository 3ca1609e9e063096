import ByteJSON
import Common
import Synchronization
import TestKit
import Testing

@testable import ServiceKit

/// What the engine does, on every database.
@Suite("The job engine", .timeLimit(.minutes(5)))
struct JobEngineTests {
    typealias Engine = TestDatabase.Engine

    // MARK: - Requests

    @Test(
        "a job is there when the transaction that causes it is committed, and not otherwise", arguments: Engine.allCases
    )
    func transaction(on engine: Engine) async throws {
        let bench = try await JobBench(engine)
        let jobs = bench.engine([bench.kind { _ in }])
        struct Refused: Error {}
        await #expect(throws: Refused.self) {
            try await bench.database.write { connection in
                _ = try jobs.enqueue(JobRequest("k", workspace: workspaceA), in: connection)
                throw Refused()
            }
        }
        let list = try await bench.table { try $0.list(.init(), limit: 10) }
        #expect(list.isEmpty)
        let id = try await jobs.enqueue(JobRequest("k", workspace: workspaceA)).job.id
        #expect(try await bench.job(id)?.state == .requested)
    }

    @Test("the same key is the same job, of its kind and workspace", arguments: Engine.allCases)
    func keys(on engine: Engine) async throws {
        let bench = try await JobBench(engine)
        let jobs = bench.engine([bench.kind { _ in }])
        @Sendable func request(_ key: JobRequest.Key, _ workspace: WorkspaceID = workspaceA) async throws -> (Job, Bool)
        {
            var request = JobRequest("k", workspace: workspace)
            request.key = key
            let (job, isNew) = try await jobs.enqueue(request)
            return (job, isNew)
        }
        let (once, isNew) = try await request(.once("1"))
        let open = try await request(.whileOpen("2")).0
        #expect(isNew)
        #expect(try await request(.once("1")).0.id == once.id)
        #expect(try await request(.once("1"), workspaceB).1)
        #expect(try await request(.whileOpen("2")).0.id == open.id)
        try await withRunning(jobs) {
            try await bench.wait(for: once.id, .completed)
            try await bench.wait(for: open.id, .completed)
        }
        #expect(try await request(.once("1")).1 == false)
        #expect(try await request(.whileOpen("2")).1)
    }

    // MARK: - Steps

    @Test(
        "steps run in order, see the results before them, and the last one completes the job",
        arguments: Engine.allCases)
    func steps(on engine: Engine) async throws {
        let bench = try await JobBench(engine)
        try await bench.database.write { try $0.execute("CREATE TABLE result (value INTEGER)") }
        let definition = JobDefinition(
            "k",
            steps: [
                JobStep("one") { context in
                    context.report(0.5, "half")
                    return StepResult(["number": .integer((context.job.payload["from"]?.integer ?? 0) + 1)])
                },
                JobStep("two") { context in
                    let number = context.result(of: "one")["number"]?.integer ?? 0
                    return StepResult { try $0.execute("INSERT INTO result (value) VALUES (\(number * 10))") }
                },
            ])
        let jobs = bench.engine([definition])
        try await withRunning(jobs) {
            let id = try await jobs.enqueue(JobRequest("k", workspace: workspaceA, payload: ["from": 41])).job.id
            let job = try await bench.wait(for: id, .completed)
            #expect(job.history.map(\.state) == [.requested, .running, .completed])
            #expect(job.history.map(\.reason) == ["requested", "taken up by w1", "completed"])
            #expect(job.progress == 1 && job.attempt == 1 && job.worker == nil && job.endedAt != nil)
        }
        #expect(try await bench.database.read { try $0.query("SELECT value FROM result") { $0.integer(0) } } == [420])
    }

    @Test("what may pass is tried again, without the steps that are done", arguments: Engine.allCases)
    func retries(on engine: Engine) async throws {
        let bench = try await JobBench(engine)
        var definition = JobDefinition(
            "k",
            steps: [
                JobStep("fetch") { _ in
                    bench.write("fetch")
                    return StepResult("fetched")
                },
                JobStep("send") { context in
                    bench.write("send \(context.result(of: "fetch").string ?? "")")
                    if context.job.attempt < 3 { throw JobFailure.unavailable("the provider is down") }
                    return StepResult()
                },
            ])
        definition.retry = RetryPolicy(attempts: 5, first: 60, most: 600)
        let jobs = bench.engine([definition])
        try await withRunning(jobs) {
            let id = try await jobs.enqueue(JobRequest("k", workspace: nil)).job.id
            for attempt in 1...2 {
                let waiting = try await waitForRetry(id, attempt, bench)
                #expect(waiting.reason == "the provider is down")
                #expect(waiting.due >= bench.now.advanced(bySeconds: 30))
                bench.pass(600)
            }
            let job = try await bench.wait(for: id, .completed)
            #expect(job.attempt == 3)
        }
        #expect(bench.lines == ["fetch", "send fetched", "send fetched", "send fetched"])
    }

    private func waitForRetry(_ id: JobID, _ attempt: Int, _ bench: JobBench) async throws -> Job {
        try await waitUntil("attempt \(attempt) is over") {
            let job = try await bench.job(id)
            return job?.state == .requested && job?.attempt == attempt
        }
        return try #require(try await bench.job(id))
    }

    @Test("what cannot be met fails at once, and so does a defect, which says so", arguments: Engine.allCases)
    func failures(on engine: Engine) async throws {
        struct Surprise: Error {}
        let bench = try await JobBench(engine)
        let jobs = bench.engine([
            bench.kind("bad") { _ in throw JobFailure.rejected("there is no such topic") },
            bench.kind("bug") { _ in throw Surprise() },
            bench.kind("down") { _ in throw JobFailure.unavailable("down") },
        ])
        try await withRunning(jobs) {
            for (kind, reason, attempts) in [
                ("bad", "there is no such topic", 1), ("bug", "a defect of this program: Surprise()", 1),
                ("down", "down (given up after 3 attempts)", 3),
            ] {
                let id = try await jobs.enqueue(JobRequest(kind, workspace: nil)).job.id
                let job = try await bench.wait(for: id, .failed)
                #expect(job.reason == reason)
                #expect(job.attempt == attempts)
            }
        }
    }

    @Test("a failed job can be tried again by hand; a completed one cannot", arguments: Engine.allCases)
    func retryByHand(on engine: Engine) async throws {
        let bench = try await JobBench(engine)
        let isMended = Mutex(false)
        let jobs = bench.engine([
            bench.kind { _ in if !isMended.withLock({ $0 }) { throw JobFailure.rejected("no") } }
        ])
        try await withRunning(jobs) {
            let id = try await jobs.enqueue(JobRequest("k", workspace: nil)).job.id
            try await bench.wait(for: id, .failed)
            isMended.withLock { $0 = true }
            #expect(try await jobs.retry(id, reason: "asked for")?.state == .requested)
            let job = try await bench.wait(for: id, .completed)
            #expect(job.history.map(\.state) == [.requested, .running, .failed, .requested, .running, .completed])
            #expect(try await jobs.retry(id, reason: "asked for") == nil)
        }
    }

    // MARK: - Time

    @Test("a step that hangs is stopped and tried again, even if it does not listen", arguments: Engine.allCases)
    func stepTimeout(on engine: Engine) async throws {
        let bench = try await JobBench(engine)
        let (held, release) = AsyncStream.makeStream(of: Void.self)
        let deaf = Task { for await _ in held {} }
        var definition = JobDefinition(
            "k",
            steps: [
                JobStep("slow", timeout: .milliseconds(20)) { context in
                    if context.job.attempt == 1 { try await hang() }
                    await deaf.value
                    return StepResult()
                }
            ])
        definition.retry = RetryPolicy(attempts: 2, first: 0, most: 0)
        let jobs = bench.engine([definition])
        try await withRunning(jobs) {
            // Also where an expectation fails: the engine waits for its steps.
            defer { release.finish() }
            let id = try await jobs.enqueue(JobRequest("k", workspace: nil)).job.id
            let job = try await bench.wait(for: id, .failed)
            #expect(job.reason?.hasPrefix("step slow was not done in") == true)
            #expect(job.attempt == 2)
        }
    }

    @Test("a job that is not done by its deadline expires, waiting or running", arguments: Engine.allCases)
    func deadline(on engine: Engine) async throws {
        let bench = try await JobBench(engine)
        let jobs = bench.engine([bench.kind { _ in try await hang() }]) { $0.lease = 1_000_000 }
        var late = JobRequest("k", workspace: nil)
        late.deadline = .seconds(100)
        let running = try await jobs.enqueue(late).job.id
        var later = JobRequest("unknown", workspace: nil)
        later.deadline = .seconds(100)
        let request = later
        let waiting = try await bench.table { try $0.enqueue(request, deadline: .seconds(100)).job.id }
        try await withRunning(jobs) {
            try await bench.wait(for: running, .running)
            bench.pass(101)
            for id in [running, waiting] {
                let job = try await bench.wait(for: id, .expired)
                #expect(job.reason?.hasPrefix("was not done by its deadline") == true)
            }
        }
    }

    @Test("a job that is for later waits for its time", arguments: Engine.allCases)
    func delayed(on engine: Engine) async throws {
        let bench = try await JobBench(engine)
        let definition = bench.kind { _ in }
        let jobs = bench.engine([definition])
        var request = JobRequest("k", workspace: nil)
        request.due = bench.now.advanced(bySeconds: 60)
        let id = try await jobs.enqueue(request).job.id
        let early = try await bench.table { table in
            try table.sweep([:])
            return try table.claim(9, of: ["k": definition], by: "w", leaseEnds: table.now)
        }
        #expect(early.isEmpty)
        bench.pass(60)
        _ = try await withRunning(jobs) { try await bench.wait(for: id, .completed) }
    }

    @Test("schedules request each run once, whatever the number of processes", arguments: Engine.allCases)
    func schedules(on engine: Engine) async throws {
        let bench = try await JobBench(engine)
        let schedule = JobSchedule(
            "digest", try Cron("0 8 * * MON", timeZone: "Europe/Berlin"), missed: .all(atMost: 10),
            request: JobRequest("k", workspace: workspaceA))
        let engines = (1...3).map { bench.engine([bench.kind { _ in }], schedules: [schedule], worker: "w\($0)") }
        try await bench.database.write { [now = bench.now] in
            try JobTable($0, at: now).runSchedules([schedule], [:])
        }
        bench.pass(3 * 7 * 86_400)
        try await withRunning(engines) {
            try await waitUntil("all runs are done") {
                try await bench.table { try $0.list(.init(states: [.completed]), limit: 100) }.count == 3
            }
        }
        let list = try await bench.table { try $0.list(.init(), limit: 100) }
        #expect(
            Set(list.compactMap { $0.payload["scheduled_for"]?.string }) == [
                "2026-01-12T07:00:00.000Z", "2026-01-19T07:00:00.000Z", "2026-01-26T07:00:00.000Z",
            ])
        #expect(list.count == 3)
    }

    @Test("what ended long ago is deleted, with what goes with it", arguments: Engine.allCases)
    func pruning(on engine: Engine) async throws {
        let bench = try await JobBench(engine)
        var definition = bench.kind { _ in }
        definition.keptFor = .seconds(1000)
        definition.onDelete = { _, job in bench.write("gone \(job.id)") }
        let jobs = bench.engine([definition])
        let ids = try await withRunning(jobs) {
            let old = try await jobs.enqueue(JobRequest("k", workspace: nil)).job.id
            try await bench.wait(for: old, .completed)
            bench.pass(600)
            let young = try await jobs.enqueue(JobRequest("k", workspace: nil)).job.id
            try await bench.wait(for: young, .completed)
            return (old: old, young: young)
        }
        bench.pass(600)
        let kept = definition
        #expect(try await bench.table { try $0.prune(kept) } == 1)
        #expect(try await bench.job(ids.old) == nil)
        #expect(try await bench.job(ids.young) != nil)
        #expect(bench.lines == ["gone \(ids.old)"])
    }

    // MARK: - Ends by hand, and undoing

    @Test("a cancelled job ends, and its step is stopped", arguments: Engine.allCases)
    func cancel(on engine: Engine) async throws {
        let bench = try await JobBench(engine)
        let jobs = bench.engine([
            bench.kind { _ in
                bench.write("begun")
                do { try await hang() } catch {
                    bench.write("stopped")
                    throw error
                }
            }
        ])
        try await withRunning(jobs) {
            let id = try await jobs.enqueue(JobRequest("k", workspace: nil)).job.id
            try await waitUntil("it runs") { bench.lines == ["begun"] }
            #expect(try await jobs.cancel(id, reason: "not wanted any more")?.state == .cancelled)
            try await waitUntil("it stops") { bench.lines == ["begun", "stopped"] }
            #expect(try await bench.job(id)?.reason == "not wanted any more")
            #expect(try await jobs.cancel(id, reason: "again") == nil)
        }
    }

    /// Three steps that can be undone; what the last one does is the test's.
    private func saga(
        _ bench: JobBench, undoFailures: Int = 0, last: @escaping @Sendable (JobContext) async throws -> Void
    ) -> JobDefinition {
        let left = Mutex(undoFailures)
        func step(_ name: String, _ run: @escaping @Sendable (JobContext) async throws -> Void) -> JobStep {
            JobStep(
                name,
                undo: { _ in
                    let fails = left.withLock { left in
                        left -= 1
                        return left >= 0
                    }
                    if fails { throw JobFailure.unavailable("cannot undo yet") }
                    bench.write("undo \(name)")
                },
                run: { context in
                    bench.write(name)
                    try await run(context)
                    return StepResult()
                })
        }
        var definition = JobDefinition(
            "saga", steps: [step("hook") { _ in }, step("backfill") { _ in }, step("tell", last)])
        definition.retry = RetryPolicy(attempts: 3, first: 0, most: 0)
        return definition
    }

    @Test("if a step fails for good, what was done is undone in reverse", arguments: Engine.allCases, [0, 2])
    func compensation(on engine: Engine, undoFailures: Int) async throws {
        let bench = try await JobBench(engine)
        let jobs = bench.engine([
            saga(bench, undoFailures: undoFailures) { _ in throw JobFailure.rejected("nobody to tell") }
        ])
        try await withRunning(jobs) {
            let id = try await jobs.enqueue(JobRequest("saga", workspace: nil)).job.id
            let job = try await bench.wait(for: id, .failed)
            #expect(job.reason == "nobody to tell")
            #expect(job.history.last?.reason == "what it did is undone")
        }
        #expect(bench.lines == ["hook", "backfill", "tell", "undo tell", "undo backfill", "undo hook"])
    }

    @Test("what cannot be undone ends all the same, and says so", arguments: Engine.allCases)
    func failedCompensation(on engine: Engine) async throws {
        let bench = try await JobBench(engine)
        let jobs = bench.engine([saga(bench, undoFailures: 99) { _ in throw JobFailure.rejected("nobody to tell") }])
        try await withRunning(jobs) {
            let id = try await jobs.enqueue(JobRequest("saga", workspace: nil)).job.id
            let job = try await bench.wait(for: id, .failed)
            #expect(job.reason == "nobody to tell")
            #expect(job.history.last?.reason.hasPrefix("could not be undone: cannot undo yet") == true)
        }
    }

    @Test(
        "a job that is cancelled, or too late, undoes what it did before it ends", arguments: Engine.allCases,
        [true, false])
    func cancelledSaga(on engine: Engine, byHand: Bool) async throws {
        let bench = try await JobBench(engine)
        let jobs = bench.engine([saga(bench) { _ in try await hang() }]) { $0.lease = 3 }
        try await withRunning(jobs) {
            let id = try await jobs.enqueue(JobRequest("saga", workspace: nil)).job.id
            try await waitUntil("its last step runs") { bench.lines.last == "tell" }
            if byHand {
                #expect(try await jobs.cancel(id, reason: "no")?.isUndoing == true)
            } else {
                bench.pass(2 * 86_400)
            }
            let job = try await bench.wait(for: id, byHand ? .cancelled : .expired)
            #expect(job.history.last?.reason == "what it did is undone")
        }
        #expect(bench.lines.suffix(3) == ["undo tell", "undo backfill", "undo hook"])
    }

    // MARK: - Many workers

    @Test("a job of a worker that is lost is taken over, and the lost one writes nothing", arguments: Engine.allCases)
    func takeOver(on engine: Engine) async throws {
        let bench = try await JobBench(engine)
        let definition = bench.kind { context in bench.write("attempt \(context.job.attempt)") }
        let jobs = bench.engine([definition], worker: "w2")
        let id = try await jobs.enqueue(JobRequest("k", workspace: nil)).job.id
        let claimed = try await bench.table { table in
            try table.claim(1, of: ["k": definition], by: "w1", leaseEnds: table.now.advanced(bySeconds: 30))
        }
        let lost = try #require(claimed.first)
        bench.pass(31)
        try await withRunning(jobs) {
            let job = try await bench.wait(for: id, .completed)
            #expect(
                job.history.map(\.reason) == [
                    "requested", "taken up by w1", "worker w1 gave no sign of life", "taken up by w2", "completed",
                ])
        }
        #expect(bench.lines == ["attempt 2"])
        await #expect(throws: JobLost.self) {
            try await bench.table { try $0.finish("only", of: lost, StepResult(), isLast: true) }
        }
        await #expect(throws: JobLost.self) {
            _ = try await bench.table { try $0.settle(lost, .end(reason: "late")) }
        }
        let claim = JobClaim(id: lost.id, fence: lost.fence)
        let stopped = try await bench.table { table in
            try table.renew([Heartbeat(claim: claim, isUndoing: false, progress: 0)], leaseEnds: table.now)
        }
        #expect(stopped == [claim])
    }

    @Test("where no other process works, what ran at the start is taken up at once", arguments: Engine.allCases)
    func alone(on engine: Engine) async throws {
        let bench = try await JobBench(engine)
        let definition = bench.kind { _ in }
        let jobs = bench.engine([definition], worker: "w2") { $0.isAlone = true }
        let id = try await jobs.enqueue(JobRequest("k", workspace: nil)).job.id
        try await bench.table { table in
            _ = try table.claim(
                1, of: ["k": definition], by: "w1", leaseEnds: table.now.advanced(bySeconds: 1_000_000))
        }
        _ = try await withRunning(jobs) { try await bench.wait(for: id, .completed) }
    }

    @Test("a job that costs a worker each time ends as failed", arguments: Engine.allCases)
    func poison(on engine: Engine) async throws {
        let bench = try await JobBench(engine)
        let definition = bench.kind { _ in }
        let id = try await bench.engine([definition]).enqueue(JobRequest("k", workspace: nil)).job.id
        for _ in 1...3 {
            try await bench.table { table in
                let taken = try table.claim(1, of: ["k": definition], by: "w", leaseEnds: table.now)
                #expect(taken.count == 1)
                try table.sweep(["k": definition])
            }
        }
        let job = try #require(try await bench.job(id))
        #expect(job.state == .failed)
        #expect(job.reason == "worker w gave no sign of life in the last of 3 attempts")
    }

    @Test("several workers do each job once, within the limits", arguments: Engine.allCases)
    func manyWorkers(on engine: Engine) async throws {
        let bench = try await JobBench(engine)
        let running = Mutex<[String: Int]>([:])
        let most = Mutex<[String: Int]>([:])
        var definition = bench.kind { context in
            let names = ["all", context.job.workspace?.rawValue ?? "-"]
            let counts = running.withLock { running in
                for name in names { running[name, default: 0] += 1 }
                return running
            }
            most.withLock { $0.merge(counts) { max($0, $1) } }
            bench.write(context.job.id.rawValue)
            await Task.yield()
            running.withLock { running in for name in names { running[name]? -= 1 } }
        }
        definition.limit = 5
        definition.workspaceLimit = 3
        let engines = ["w1", "w2", "w3"].map { bench.engine([definition], worker: $0) }
        try await bench.database.write { connection in
            for number in 0..<120 {
                let request = JobRequest("k", workspace: number % 3 == 0 ? workspaceA : workspaceB)
                _ = try engines[0].enqueue(request, in: connection)
            }
        }
        try await withRunning(engines) {
            try await waitUntil("all jobs are done") {
                try await bench.table { try $0.list(.init(states: [.completed]), limit: 200) }.count == 120
            }
        }
        #expect(bench.lines.count == 120 && Set(bench.lines).count == 120)
        let counts = most.withLock { $0 }
        #expect(counts["all", default: 0] <= 5)
        #expect(counts["ws_a", default: 0] <= 3 && counts["ws_b", default: 0] <= 3)
    }

    @Test("one workspace's flood does not hold up another one", arguments: Engine.allCases)
    func fairness(on engine: Engine) async throws {
        let bench = try await JobBench(engine)
        let jobs = bench.engine([bench.kind { bench.write($0.job.workspace?.rawValue ?? "-") }]) { $0.slots = 1 }
        try await bench.database.write { connection in
            for _ in 0..<60 {
                var flood = JobRequest("k", workspace: workspaceA)
                flood.priority = 9
                _ = try jobs.enqueue(flood, in: connection)
            }
            for _ in 0..<3 { _ = try jobs.enqueue(JobRequest("k", workspace: workspaceB), in: connection) }
        }
        try await withRunning(jobs) {
            try await waitUntil("most is done") { bench.lines.count > 20 }
        }
        #expect(bench.lines.prefix(8).filter { $0 == "ws_b" }.count == 3)
    }

    @Test("a worker that shuts down gives its jobs back, and it counts as no attempt", arguments: Engine.allCases)
    func shutdown(on engine: Engine) async throws {
        let bench = try await JobBench(engine)
        let jobs = bench.engine([bench.kind { _ in try await hang() }])
        let id = try await withRunning(jobs) {
            let id = try await jobs.enqueue(JobRequest("k", workspace: nil)).job.id
            try await bench.wait(for: id, .running)
            return id
        }
        let job = try #require(try await bench.job(id))
        #expect(job.state == .requested && job.attempt == 0)
        #expect(job.reason == "worker w1 shut down")
    }
}
