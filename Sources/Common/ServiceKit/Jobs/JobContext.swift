public import ByteJSON
public import Common
import Synchronization

/// What a step knows and may do.
public struct JobContext: Sendable {
    public let job: Job
    /// The step's own name.
    public let step: String
    let results: [String: JSON]
    let active: ActiveJob

    /// What an earlier step came to; null if it has no result.
    public func result(of step: String) -> JSON { results[step] ?? .null }

    /// Differs between all attempts of a job, for the names of files that one attempt writes.
    public var attemptName: String { String(job.fence) }

    /// Tells how far the job is, from 0 to 1, and what it is doing. Costs nothing: it is written with the next heartbeat.
    public func report(_ progress: Double, _ note: String? = nil) { active.report(progress, note) }

    /// Whether the step is to stop: it was cancelled, took too long, or belongs to another worker by now. For loops that
    /// run on other threads; in a task this is cancellation.
    public var isStopped: Bool { active.isStopped }
}

/// A job that this worker has.
final class ActiveJob: Sendable {
    private struct State {
        var progress: Double
        var note: String?
        var isUndoing: Bool
        var isDirty = false
        var isStopped = false
        var hasTimedOut = false
        var stop: (@Sendable () -> Void)?
    }
    let claim: JobClaim
    private let state: Mutex<State>

    init(_ job: Job) {
        claim = JobClaim(id: job.id, fence: job.fence)
        state = Mutex(State(progress: job.progress, note: job.note, isUndoing: job.isUndoing))
    }

    var isStopped: Bool { state.withLock { $0.isStopped } }

    func report(_ progress: Double, _ note: String?) {
        state.withLock { state in
            state.progress = min(max(progress, 0), 1)
            state.note = note ?? state.note
            state.isDirty = true
        }
    }

    func beginUndoing() { state.withLock { $0.isUndoing = true } }

    /// What is to be written; nil if nothing is new and no lease is near its end.
    func heartbeat(isDue: Bool) -> Heartbeat? {
        state.withLock { state in
            guard isDue || state.isDirty else { return nil }
            state.isDirty = false
            return Heartbeat(
                claim: claim, isUndoing: state.isUndoing, progress: state.progress, note: state.note)
        }
    }

    /// Stops the step that is running.
    func stop() {
        let stop = state.withLock { state in
            state.isStopped = true
            return state.stop
        }
        stop?()
    }

    /// Runs a step, but no longer than this. One that is told to stop has a while to do so; then it is left behind, and
    /// whatever it writes is refused.
    ///
    /// - Throws: ``StepTimedOut``; `CancellationError` if it was stopped.
    func limit<Value: Sendable>(
        _ name: String, to time: Duration, grace: Duration, _ body: @escaping @Sendable () async throws -> Value
    ) async throws -> Value {
        let (ends, end) = AsyncStream.makeStream(
            of: Result<Value, any Error>.self, bufferingPolicy: .bufferingOldest(1))
        let work = Task {
            do {
                end.yield(.success(try await body()))
            } catch {
                let isLate = self.state.withLock { $0.hasTimedOut }
                end.yield(.failure(isLate ? StepTimedOut(step: name, after: time) : error))
            }
        }
        let leave = { @Sendable (error: any Error) async throws in
            work.cancel()
            try await Task.sleep(for: grace)
            end.yield(.failure(error))
        }
        let clock = Task {
            try await Task.sleep(for: time)
            self.state.withLock { state in
                state.isStopped = true
                state.hasTimedOut = true
            }
            try await leave(StepTimedOut(step: name, after: time))
        }
        defer { clock.cancel() }
        let wasStopped = state.withLock { state in
            if state.isStopped { return true }
            state.stop = { Task { try await leave(CancellationError()) } }
            return false
        }
        if wasStopped { work.cancel() }
        defer { state.withLock { $0.stop = nil } }
        for await outcome in ends { return try outcome.get() }
        work.cancel()
        throw CancellationError()
    }

    /// Makes it possible to go on with another step.
    func clear() {
        state.withLock { state in
            state.isStopped = false
            state.hasTimedOut = false
        }
    }
}
