import ByteJSON
import Common

/// What the owner of a job writes.
extension JobTable {
    /// Makes leases last longer and keeps how far the jobs are.
    ///
    /// - Returns: The jobs that are not their owner's any more, or are to be stopped and undone.
    func renew(_ beats: [Heartbeat], leaseEnds: Timestamp) throws -> Set<JobClaim> {
        var stopped: Set<JobClaim> = []
        for beat in beats {
            let goesOn = try connection.first(
                """
                UPDATE job SET lease_ends = \(leaseEnds), progress = \(beat.progress), note = \(beat.note)
                WHERE id = \(beat.claim.id) AND fence = \(beat.claim.fence) AND state = 'RUNNING'
                RETURNING ending
                """
            ) { row in row.isNull(0) || beat.isUndoing }
            if goesOn != true { stopped.insert(beat.claim) }
        }
        return stopped
    }

    /// The job as it is now.
    ///
    /// - Throws: ``JobLost`` if it has another owner.
    func owned(_ job: Job) throws -> Job {
        guard let current = try self.job(job.id), current.fence == job.fence, current.state == .running else {
            throw JobLost(id: job.id)
        }
        return current
    }

    /// Notes that a step with a compensation is begun.
    func begin(_ step: String, of job: Job) throws {
        guard try !owned(job).isUndoing else { throw JobLost(id: job.id) }
        try connection.execute(
            "INSERT INTO job_step (job, name, undoable) VALUES (\(job.id), \(step), 1) ON CONFLICT (job, name) DO NOTHING"
        )
    }

    /// Keeps what a step came to, and completes the job with its last one.
    func finish(_ step: String, of job: Job, _ result: StepResult, isLast: Bool) throws {
        let current = try owned(job)
        guard !current.isUndoing else { throw JobLost(id: job.id) }
        let text = String(decoding: result.value.bytes, as: UTF8.self)
        try connection.execute(
            """
            INSERT INTO job_step (job, name, undoable, result) VALUES (\(job.id), \(step), 0, \(text))
            ON CONFLICT (job, name) DO UPDATE SET result = excluded.result
            """)
        try result.record(connection)
        if let provider = job.provider { try succeeded(provider) }
        if isLast { _ = try apply(.finished, to: current, "completed") }
    }

    /// Forgets a step that is undone.
    func forget(_ step: String, of job: Job) throws {
        _ = try owned(job)
        try connection.execute("DELETE FROM job_step WHERE job = \(job.id) AND name = \(step)")
    }

    /// Ends an attempt that failed, and perhaps the job.
    func settle(_ job: Job, _ verdict: RetryPolicy.Verdict, failure: JobFailure? = nil) throws -> Job {
        let current = try owned(job)
        if let provider = job.provider, let failure { try note(failure, of: provider) }
        let next: Job?
        switch verdict {
        case .again(let seconds, let reason):
            next = try apply(.interrupted, to: current, reason, due: now.advanced(bySeconds: seconds))
        case .end(let reason):
            next = try apply(
                current.isUndoing ? .undone : .failed, to: current,
                current.isUndoing ? "could not be undone: \(reason)" : reason)
        }
        guard let next else { throw JobLost(id: job.id) }
        return next
    }

    /// Everything is undone: the job ends.
    func undone(_ job: Job) throws -> Job? { try apply(.undone, to: owned(job), "what it did is undone") }

    /// Has its kind do what goes with the end of a job that failed or expired; nothing, if it is none of these.
    func tell(_ definition: JobDefinition?, of job: Job?) throws {
        guard let job, job.state == .failed || job.state == .expired else { return }
        try definition?.onFailure(connection, job)
    }

    /// Gives a job back that nothing is wrong with.
    func release(_ job: Job, reason: String) throws {
        _ = try apply(.interrupted, to: owned(job), reason, isAttempt: false)
    }
}

/// One ownership of a job.
struct JobClaim: Sendable, Hashable {
    var id: JobID
    var fence: Int64
}

/// A sign of life of one job.
struct Heartbeat: Sendable {
    var claim: JobClaim
    var isUndoing: Bool
    var progress: Double
    var note: String?
}
