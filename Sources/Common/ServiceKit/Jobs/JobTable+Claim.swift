public import Common

extension JobTable {
    /// Whether there is anything to claim or to tidy up: a look that locks nothing.
    public func hasWork() throws -> Bool {
        try connection.first(
            """
            SELECT 1 WHERE EXISTS (SELECT 1 FROM job WHERE lane IS NOT NULL)
                OR EXISTS (SELECT 1 FROM job WHERE lane IS NULL AND state = 'REQUESTED' AND due <= \(now))
                OR EXISTS (SELECT 1 FROM job WHERE state = 'RUNNING' AND lease_ends <= \(now))
                OR EXISTS (SELECT 1 FROM job WHERE ended_at IS NULL AND deadline <= \(now))
                OR EXISTS (SELECT 1 FROM job_schedule WHERE next_at <= \(now))
            """
        ) { _ in true } ?? false
    }

    /// Takes up jobs that are in line, by ``ClaimPlan``.
    ///
    /// - Parameters:
    ///   - served: When each workspace was served last.
    public func claim(
        _ limit: Int, of definitions: [String: JobDefinition], by worker: String, leaseEnds: Timestamp,
        served: [String: UInt64] = [:]
    ) throws -> [Job] {
        let lanes = try lanes()
        guard !lanes.isEmpty else { return [] }
        let plan = ClaimPlan(
            limits: definitions.mapValues { (all: $0.limit, workspace: $0.workspaceLimit) }, running: try running(),
            served: served)
        let line = JobTransition(at: now, state: .running, reason: "taken up by \(worker)").line
        return try plan.shares(of: limit, lanes: lanes).flatMap { lane, count in
            try connection.query(
                """
                UPDATE job SET state = 'RUNNING', lane = NULL, attempt = attempt + 1, fence = fence + 1,
                    worker = \(worker), lease_ends = \(leaseEnds), started_at = COALESCE(started_at, \(now)),
                    history = history || \(line)
                WHERE id IN (
                    SELECT id FROM job WHERE lane = \(lane.text) ORDER BY id LIMIT \(count)
                    \(raw: connection.dialect.forUpdateSkippingLocked))
                RETURNING \(raw: Self.columns)
                """
            ) { try Self.job($0) }
        }
    }

    /// The lanes that have jobs: as many looks into an index as there are lanes, however many jobs.
    private func lanes() throws -> [Lane] {
        try connection.query(
            """
            WITH RECURSIVE found (lane) AS (
                SELECT min(lane) FROM job WHERE lane IS NOT NULL
                UNION ALL
                SELECT (SELECT min(job.lane) FROM job WHERE job.lane IS NOT NULL AND job.lane > found.lane)
                FROM found WHERE found.lane IS NOT NULL)
            SELECT lane FROM found WHERE lane IS NOT NULL
            """
        ) { Lane($0.text(0)) }.compactMap { $0 }
    }

    private func running() throws -> [ClaimPlan.Place: Int] {
        let rows = try connection.query(
            "SELECT kind, COALESCE(workspace, '-'), count(*) FROM job WHERE state = 'RUNNING' GROUP BY 1, 2"
        ) { (ClaimPlan.Place(kind: $0.text(0), workspace: $0.text(1)), Int($0.integer(2))) }
        return Dictionary(rows) { $0 + $1 }
    }

    // MARK: - Tidying up

    /// Ends what is over its deadline, takes jobs from workers that are lost, and puts in line what is due.
    ///
    /// - Parameter takesAll: Whether all workers are lost, whatever their leases say.
    func sweep(_ definitions: [String: JobDefinition], takesAll: Bool = false) throws {
        for job in try jobs("ended_at IS NULL AND deadline <= \(now) ORDER BY deadline LIMIT 500") {
            if job.isUndoing {
                _ = try apply(.undone, to: job, "could not be undone in time")
            } else {
                _ = try apply(.expired, to: job, "was not done by its deadline, \(job.deadline)")
            }
        }
        let lost = takesAll ? Timestamp(milliseconds: .max) : now
        for job in try jobs("state = 'RUNNING' AND lease_ends <= \(lost) ORDER BY lease_ends LIMIT 500") {
            try takeOver(job, attempts: definitions[job.kind]?.retry.attempts ?? .max)
        }
        try connection.execute(
            "UPDATE job SET lane = queue WHERE lane IS NULL AND state = 'REQUESTED' AND due <= \(now)")
    }

    /// Puts a job in line again whose worker is lost; one that has cost too many workers ends.
    private func takeOver(_ job: Job, attempts: Int) throws {
        let lost = "worker \(job.worker ?? "?") gave no sign of life"
        var job = job
        if job.attempt >= attempts {
            let reason = "\(lost) in the last of \(job.attempt) attempts"
            guard let next = try apply(job.isUndoing ? .undone : .failed, to: job, reason) else { return }
            job = next
        }
        if job.state == .running { _ = try apply(.interrupted, to: job, lost) }
    }

    /// Deletes jobs that ended long enough ago, so many at most.
    ///
    /// - Returns: How many.
    func prune(_ definition: JobDefinition, limit: Int = 200) throws -> Int {
        let old = now.advanced(bySeconds: -definition.keptFor.seconds)
        let ended = try jobs("kind = \(definition.kind) AND ended_at IS NOT NULL AND ended_at <= \(old) LIMIT \(limit)")
        for job in ended {
            _ = try delete(job.id)
            try definition.onDelete(connection, job)
        }
        return ended.count
    }
}
