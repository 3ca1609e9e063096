public import Common

extension JobTable {
    /// What there is to do, without doing or locking anything.
    func look() throws -> JobLook {
        let look = try connection.first(
            """
            SELECT CASE WHEN EXISTS (SELECT 1 FROM job_line) OR EXISTS (SELECT 1 FROM job WHERE lane > '')
                    THEN 1 ELSE 0 END,
                (SELECT min(due) FROM job WHERE lane IS NULL AND state = 'REQUESTED'),
                (\(raw: firstDeadline)),
                (SELECT min(lease_ends) FROM job WHERE state = 'RUNNING'),
                (SELECT min(next_at) FROM job_schedule),
                (SELECT max(lease_ends) FROM job WHERE state = 'RUNNING'),
                CASE WHEN EXISTS (SELECT 1 FROM job WHERE state = 'RUNNING' AND ended_at IS NULL AND deadline <= \(now))
                    THEN 1 ELSE 0 END
            """
        ) { row in
            JobLook(
                isAnyInLine: row.integer(0) != 0,
                next: (1...4).compactMap { row.optionalInteger($0).map(Timestamp.init(milliseconds:)) }.min(),
                lastLease: row.optionalInteger(5).map(Timestamp.init(milliseconds:)), isLate: row.integer(6) != 0)
        }
        return look ?? JobLook()
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
        var line = try line()
        guard !line.entries.isEmpty, limit > 0 else { return [] }
        var left = free
        let admitted = line.breakers.compactMapValues { $0.admitted(at: now) }
        var found: [FirstJob] = []
        while found.count < limit {
            let plan = ClaimPlan(
                limits: definitions.mapValues { definition in
                    ClaimPlan.Limits(
                        all: definition.limit, workspace: definition.workspaceLimit,
                        provider: definition.providerLimit, free: left[definition.kind] ?? .max)
                }, running: line.running, served: served, admitted: admitted)
            let open = line.entries.indices.filter { !line.entries[$0].isEmpty }
            let shares = plan.shares(of: limit - found.count, lanes: open.map { line.entries[$0].lane })
                .map { (lane: open[$0.lane], count: $0.count) }
            if shares.isEmpty { break }
            for ((index, _), jobs) in zip(shares, try first(shares, &line)) where !jobs.isEmpty {
                found += jobs
                let lane = line.entries[index].lane
                left[lane.kind]? -= jobs.count
                let place = ClaimPlan.Place(kind: lane.kind, workspace: lane.workspace, provider: lane.provider)
                line.running[place, default: 0] += jobs.count
            }
        }
        try keepHeads(of: line)
        let open = found.filter { $0.job.deadline > now }
        try take(open, by: worker, leaseEnds: leaseEnds)
        if open.count < found.count {
            // What is over its deadline ends, and is not begun.
            let late = try expire(.requested, definitions)
            if open.isEmpty, late < Self.atOnce {
                return try claim(limit, of: definitions, by: worker, leaseEnds: leaseEnds, served: served, free: free)
            }
        }
        return open.map { $0.job.taken(by: worker, leaseEnds: leaseEnds, at: now) }
    }

    /// Makes a worker the owner; ``Job/taken(by:leaseEnds:at:)`` is the same for a value.
    private func take(_ jobs: [FirstJob], by worker: String, leaseEnds: Timestamp) throws {
        guard !jobs.isEmpty else { return }
        let key = connection.dialect == .sqlite ? "rowid" : "id"
        try connection.execute(
            """
            UPDATE job SET state = 'RUNNING', lane = NULL, attempt = attempt + 1, fence = fence + 1,
                worker = \(worker), lease_ends = \(leaseEnds), started_at = COALESCE(started_at, \(now)),
                taken_at = \(now)
            WHERE \(raw: key) IN \(list: jobs.map(\.key))
            """)
    }

    // MARK: - Tidying up

    /// Ends what is over its deadline, takes jobs from workers that are lost, and puts in line what is due.
    ///
    /// - Parameters:
    ///   - takesAll: Whether all workers are lost, whatever their leases say.
    ///   - bound: A lease that ends later was not renewed since the clock went back: its worker is lost, too.
    /// - Returns: Whether there may be more of it.
    @discardableResult
    func sweep(
        _ definitions: [String: JobDefinition], takesAll: Bool = false, bound: Timestamp = .init(milliseconds: .max)
    ) throws -> Bool {
        var isMore = false
        for state in [JobState.requested, .running] where try expire(state, definitions) == Self.atOnce {
            isMore = true
        }
        let lost = takesAll ? Timestamp(milliseconds: .max) : now
        let orphans = try jobs(
            """
            state = 'RUNNING' AND (lease_ends <= \(lost) OR lease_ends > \(bound)) ORDER BY lease_ends
            LIMIT \(raw: "\(Self.atOnce)")
            """)
        for job in orphans { try takeOver(job, definitions[job.kind]) }
        try connection.execute(
            "UPDATE job SET lane = queue WHERE lane IS NULL AND state = 'REQUESTED' AND due <= \(now)")
        return isMore || orphans.count == Self.atOnce
    }

    /// How many one transaction tidies up, for each reason.
    private static let atOnce = 500

    /// Ends what is in this state and over its deadline, so many at most.
    ///
    /// - Returns: How many.
    private func expire(_ state: JobState, _ definitions: [String: JobDefinition]) throws -> Int {
        let late = try jobs(
            """
            state = '\(raw: state.rawValue)' AND ended_at IS NULL AND deadline <= \(now) ORDER BY deadline
            LIMIT \(raw: "\(Self.atOnce)")
            """)
        for job in late {
            let next =
                try job.isUndoing
                ? apply(.undone, to: job, "could not be undone in time")
                : apply(.expired, to: job, "was not done by its deadline, \(job.deadline)")
            try tell(definitions[job.kind], of: next)
        }
        return late.count
    }

    /// Puts a job in line again whose worker is lost; one that has cost too many workers ends.
    private func takeOver(_ job: Job, _ definition: JobDefinition?) throws {
        let lost = "worker \(job.worker ?? "?") gave no sign of life"
        var job = job
        if job.attempt >= definition?.retry.attempts ?? .max {
            let reason = "\(lost) in the last of \(job.attempt) attempts"
            guard let next = try apply(job.isUndoing ? .undone : .failed, to: job, reason) else { return }
            try tell(definition, of: next)
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

/// What a look into the table finds.
struct JobLook {
    /// Whether a job is in line, whoever may take it.
    var isAnyInLine = false
    /// When the next delayed job or schedule is due, the next deadline passes, or the next lease ends.
    var next: Timestamp?
    /// When the last lease ends.
    var lastLease: Timestamp?
    /// Whether a job that runs is over its deadline.
    var isLate = false

    /// Whether something is to be tidied up at this time.
    func isUntidy(at now: Timestamp) -> Bool { isLate || next.map { $0 <= now } ?? false }
}
