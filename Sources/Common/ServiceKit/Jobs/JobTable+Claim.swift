public import Common

extension JobTable {
    /// Whether there is anything to claim or to tidy up: a look that locks nothing.
    public func hasWork() throws -> Bool {
        try connection.first(
            """
            SELECT 1 WHERE EXISTS (SELECT 1 FROM job WHERE lane IS NOT NULL)
                OR EXISTS (SELECT 1 FROM job WHERE lane IS NULL AND state = 'REQUESTED' AND due <= \(now))
                OR EXISTS (SELECT 1 FROM job WHERE state = 'RUNNING' AND lease_ends <= \(now))
                OR EXISTS (SELECT 1 FROM job WHERE state = 'REQUESTED' AND ended_at IS NULL AND deadline <= \(now))
                OR EXISTS (SELECT 1 FROM job WHERE state = 'RUNNING' AND ended_at IS NULL AND deadline <= \(now))
                OR EXISTS (SELECT 1 FROM job_schedule WHERE next_at <= \(now))
            """
        ) { _ in true } ?? false
    }

    /// Takes up jobs that are in line, by ``ClaimPlan``.
    ///
    /// - Parameters:
    ///   - served: When each workspace was served last.
    ///   - free: How many more of a kind this process may take, where that is less than the limit.
    public func claim(
        _ limit: Int, of definitions: [String: JobDefinition], by worker: String, leaseEnds: Timestamp,
        served: [String: UInt64] = [:], free: [String: Int] = [:]
    ) throws -> [Job] {
        let (lanes, running, breakers) = try line()
        guard !lanes.isEmpty else { return [] }
        let plan = ClaimPlan(
            limits: definitions.mapValues { definition in
                ClaimPlan.Limits(
                    all: definition.limit, workspace: definition.workspaceLimit, provider: definition.providerLimit,
                    free: free[definition.kind] ?? .max)
            }, running: running, served: served,
            admitted: breakers.compactMapValues { $0.admitted(at: now) })
        let ids = try first(plan.shares(of: limit, lanes: lanes))
        guard !ids.isEmpty else { return [] }
        let line = JobTransition(at: now, state: .running, reason: "taken up by \(worker)").line
        return try connection.query(
            """
            UPDATE job SET state = 'RUNNING', lane = NULL, attempt = attempt + 1, fence = fence + 1,
                worker = \(worker), lease_ends = \(leaseEnds), started_at = COALESCE(started_at, \(now)),
                history = history || \(line)
            WHERE id IN (
                SELECT id FROM job WHERE id IN \(list: ids) AND lane IS NOT NULL
                \(raw: connection.dialect.forUpdateSkippingLocked))
            RETURNING \(raw: Self.columns)
            """
        ) { try Self.job($0) }
    }

    /// The lanes that have jobs, as many looks into an index as there are lanes, however many jobs; how many of each kind,
    /// workspace and provider run; and the providers that failed of late.
    private func line() throws -> (
        lanes: [Lane], running: [ClaimPlan.Place: Int], breakers: [String: ProviderBreaker]
    ) {
        var lanes: [Lane] = []
        var running: [ClaimPlan.Place: Int] = [:]
        var breakers: [String: ProviderBreaker] = [:]
        try connection.forEach(
            """
            WITH RECURSIVE found (lane) AS (
                SELECT min(lane) FROM job WHERE lane IS NOT NULL
                UNION ALL
                SELECT (SELECT min(job.lane) FROM job WHERE job.lane IS NOT NULL AND job.lane > found.lane)
                FROM found WHERE found.lane IS NOT NULL)
            SELECT 0, lane, NULL, NULL, 0, NULL FROM found WHERE lane IS NOT NULL
            UNION ALL
            SELECT 1, name, NULL, NULL, failures, open_until FROM job_provider
            UNION ALL
            SELECT 2, kind, workspace, provider, 0, NULL FROM job WHERE state = 'RUNNING'
            """
        ) { row in
            switch row.integer(0) {
            case 0:
                if let lane = Lane(row.text(1)) { lanes.append(lane) }
            case 1:
                breakers[row.text(1)] = ProviderBreaker(
                    failures: Int(row.integer(4)), openUntil: row.optionalInteger(5).map(Timestamp.init(milliseconds:)))
            default:
                let place = ClaimPlan.Place(
                    kind: row.text(1), workspace: row.optionalText(2) ?? "-", provider: row.optionalText(3))
                running[place, default: 0] += 1
            }
        }
        return (lanes, running, breakers)
    }

    /// The first jobs of lanes, so many of each: one look into an index a job.
    private func first(_ shares: [(lane: Lane, count: Int)]) throws -> [JobID] {
        guard !shares.isEmpty else { return [] }
        let wanted = SQL(
            raw: "VALUES " + repeatElement("(?, ?)", count: shares.count).joined(separator: ", "),
            bindings: shares.flatMap { [$0.lane.text.sqlValue, $0.count.sqlValue] })
        return try connection.query(
            """
            WITH RECURSIVE taken (lane, id, more) AS (
                SELECT column1, (SELECT min(id) FROM job WHERE job.lane = column1), column2 - 1
                FROM (\(wanted)) AS wanted
                UNION ALL
                SELECT lane, (SELECT min(id) FROM job WHERE job.lane = taken.lane AND job.id > taken.id), more - 1
                FROM taken WHERE more > 0 AND id IS NOT NULL)
            SELECT id FROM taken WHERE id IS NOT NULL
            """
        ) { JobID($0.text(0)) }.compactMap { $0 }
    }

    // MARK: - Tidying up

    /// Ends what is over its deadline, takes jobs from workers that are lost, and puts in line what is due.
    ///
    /// - Parameter takesAll: Whether all workers are lost, whatever their leases say.
    func sweep(_ definitions: [String: JobDefinition], takesAll: Bool = false) throws {
        for state in [JobState.requested, .running] {
            try expire(state)
        }
        let lost = takesAll ? Timestamp(milliseconds: .max) : now
        for job in try jobs("state = 'RUNNING' AND lease_ends <= \(lost) ORDER BY lease_ends LIMIT 500") {
            try takeOver(job, attempts: definitions[job.kind]?.retry.attempts ?? .max)
        }
        try connection.execute(
            "UPDATE job SET lane = queue WHERE lane IS NULL AND state = 'REQUESTED' AND due <= \(now)")
    }

    /// Ends what is in this state and over its deadline.
    private func expire(_ state: JobState) throws {
        let late = try jobs(
            """
            state = '\(raw: state.rawValue)' AND ended_at IS NULL AND deadline <= \(now) ORDER BY deadline LIMIT 500
            """)
        for job in late {
            if job.isUndoing {
                _ = try apply(.undone, to: job, "could not be undone in time")
            } else {
                _ = try apply(.expired, to: job, "was not done by its deadline, \(job.deadline)")
            }
        }
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
