import ByteJSON
import Common
import Foundation
import Logging
import Synchronization
import TestKit

@testable import ServiceKit

/// A database with the engine's tables, and a clock that tests move.
final class JobBench: Sendable {
    let folder: TemporaryFolder
    let database: any Database
    let clock = Mutex(Timestamp("2026-01-05T12:00:00Z")!)
    /// What steps did, in order.
    let diary = Mutex<[String]>([])

    init(_ engine: TestDatabase.Engine) async throws {
        folder = try TemporaryFolder()
        database = try await TestDatabase.open(folder.file("jobs.sqlite"), on: engine)
        try await database.migrate([
            Migration(1, "jobs") { try JobSchema.create(on: $0) },
            Migration(2, "providers") { try JobSchema.addProviders(on: $0) },
        ])
    }

    var now: Timestamp { clock.withLock { $0 } }
    func pass(_ seconds: Double) { clock.withLock { $0 = $0.advanced(bySeconds: seconds) } }
    func write(_ line: String) { diary.withLock { $0.append(line) } }
    var lines: [String] { diary.withLock { $0 } }

    /// An engine that looks often and waits little.
    func engine(
        _ definitions: [JobDefinition], schedules: [JobSchedule] = [], worker: String = "w1",
        _ change: (inout JobSettings) -> Void = { _ in }
    ) -> JobEngine {
        var settings = JobSettings()
        settings.poll = 0.01
        settings.grace = 0.05
        change(&settings)
        return JobEngine(
            database: database, definitions: definitions, schedules: schedules, settings: settings, worker: worker,
            metrics: Metrics(), logger: .quiet, now: { [self] in now })
    }

    /// A kind with one step.
    func kind(_ name: String = "k", _ run: @escaping @Sendable (JobContext) async throws -> Void) -> JobDefinition {
        var definition = JobDefinition(
            name,
            steps: [
                JobStep("only") { context in
                    try await run(context)
                    return StepResult()
                }
            ])
        definition.retry = RetryPolicy(attempts: 3, first: 0, most: 0)
        return definition
    }

    func job(_ id: JobID) async throws -> Job? {
        try await database.read { [now] in try JobTable($0, at: now).job(id) }
    }

    func table<Value: Sendable>(_ body: @escaping @Sendable (JobTable) throws -> Value) async throws -> Value {
        try await database.write { [now] in try body(JobTable($0, at: now)) }
    }

    /// Waits until a job is where it is to be.
    @discardableResult
    func wait(for id: JobID, _ state: JobState) async throws -> Job {
        try await waitUntil("\(id) is \(state.rawValue)") { try await self.job(id)?.state == state }
        return try await job(id)!
    }
}

/// Waits until its task is cancelled.
func hang() async throws -> Never {
    while true { try await Task.sleep(for: .seconds(3600)) }
}

let workspaceA = WorkspaceID("ws_a")!
let workspaceB = WorkspaceID("ws_b")!
