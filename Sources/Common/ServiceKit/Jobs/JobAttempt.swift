import ByteJSON
import Common
import Logging

/// One worker's time with a job: does what is left of it, or undoes what was done, and keeps what became of it.
struct JobAttempt: Sendable {
    let database: any Database
    let definition: JobDefinition
    let active: ActiveJob
    /// How long a step has to stop.
    let grace: Duration
    let logger: Logger
    let now: @Sendable () -> Timestamp
    /// Whether this process shuts down.
    let isStopping: @Sendable () -> Bool

    /// - Returns: How the job ended; nil if it did not, or it is somebody else's.
    func run(_ claimed: Job) async -> JobState? {
        var job = claimed
        while true {
            do {
                try await job.isUndoing ? undo(job) : advance(job)
                return job.phase.ending ?? .completed
            } catch {
                guard let next = await settle(job, error) else { return nil }
                if next.state.isEnd { return next.state }
                guard next.state == .running else { return nil }
                job = next
                active.beginUndoing()
            }
        }
    }

    private func advance(_ job: Job) async throws {
        let kept = try await database.read { [now] in try JobTable($0, at: now()).steps(of: job.id) }
        var results = kept.compactMapValues(\.result)
        let open = definition.steps.filter { results[$0.name] == nil }
        for step in open {
            if step.undo != nil {
                try await database.write { [now] in try JobTable($0, at: now()).begin(step.name, of: job) }
            }
            let context = JobContext(job: job, step: step.name, results: results, active: active)
            let result = try await active.limit(step.name, to: time(for: step, of: job), grace: grace) {
                try await step.run(context)
            }
            try await database.write { [now] in
                try JobTable($0, at: now()).finish(step.name, of: job, result, isLast: step.name == open.last?.name)
            }
            results[step.name] = result.value
        }
        guard open.isEmpty else { return }
        try await database.write { [now] in
            let table = JobTable($0, at: now())
            _ = try table.apply(.finished, to: table.owned(job), "completed")
        }
    }

    private func undo(_ job: Job) async throws {
        active.clear()
        let kept = try await database.read { [now] in try JobTable($0, at: now()).steps(of: job.id) }
        let results = kept.compactMapValues(\.result)
        for step in definition.steps.reversed() where kept[step.name]?.isUndoable == true {
            guard let undo = step.undo else { continue }
            let context = JobContext(job: job, step: step.name, results: results, active: active)
            try await active.limit("undoing \(step.name)", to: time(for: step, of: job), grace: grace) {
                try await undo(context)
            }
            try await database.write { [now] in try JobTable($0, at: now()).forget(step.name, of: job) }
        }
        try await database.write { [now, definition] in
            let table = JobTable($0, at: now())
            try table.tell(definition, of: table.undone(job))
        }
    }

    /// A step's time, within what is left until the deadline.
    private func time(for step: JobStep, of job: Job) -> Duration {
        min(step.timeout, .milliseconds(max(0, job.deadline.milliseconds - now().milliseconds)))
    }

    /// Keeps what became of an attempt that did not succeed.
    ///
    /// - Returns: The job as it is now; nil if it is somebody else's, or its lease will tell.
    private func settle(_ job: Job, _ error: any Error) async -> Job? {
        if error is JobLost { return nil }
        let failure = JobFailure(error)
        let wasStopped = active.isStopped && !(error is StepTimedOut)
        let isStopping = isStopping()
        if case .defect(let reason) = failure, !wasStopped {
            logger.error(
                "a job met a defect", metadata: ["job": "\(job.id)", "kind": "\(job.kind)", "error": "\(reason)"])
        }
        do {
            return try await database.write { [now, definition] connection in
                let table = JobTable(connection, at: now())
                let current = try table.owned(job)
                // It was told to stop because somebody cancelled it, or its deadline passed.
                if current.isUndoing, !job.isUndoing { return current }
                if wasStopped, isStopping {
                    try table.release(job, reason: "worker \(current.worker ?? "") shut down")
                    return nil
                }
                let verdict = definition.retry.verdict(
                    failure, attempt: current.attempt, random: Double.random(in: 0...1))
                let next = try table.settle(job, verdict, failure: failure)
                try table.tell(definition, of: next)
                return next
            }
        } catch {
            if !(error is JobLost) {
                logger.warning("what became of a job is not kept; its lease will end", metadata: ["error": "\(error)"])
            }
            return nil
        }
    }
}
