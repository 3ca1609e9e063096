public import ByteJSON
public import Common

/// The jobs of a service, within one transaction.
///
/// Writers of a database take turns, so what is read here does not change before it is written. What an owner writes
/// names the fence it was given, and is refused when that has moved on.
public struct JobTable {
    let connection: any DatabaseConnection
    let now: Timestamp

    public init(_ connection: any DatabaseConnection, at now: Timestamp) {
        self.connection = connection
        self.now = now
    }

    /// Rings when there may be something to do; see ``Database/notifications(_:)``.
    public static let channel = "job"

    // MARK: - In line

    /// Puts a job in line, or finds the one that has its key.
    ///
    /// - Returns: The job, and whether it is new.
    public func enqueue(_ request: JobRequest, deadline: Duration) throws -> (job: Job, isNew: Bool) {
        let place = "\(request.kind) \(request.workspace?.rawValue ?? "-")"
        let key: String? =
            switch request.key {
            case nil: nil
            case .once(let key), .whileOpen(let key): "\(place) \(key)"
            }
        if let key, let job = try jobs("job_key = \(key)").first { return (job, false) }
        let priority = min(max(request.priority, 0), 9)
        let due = max(request.due ?? now, now)
        let keyEnds = if case .whileOpen = request.key { true } else { false }
        let first = JobTransition(at: now, state: .requested, reason: due > now ? "requested for \(due)" : "requested")
        let job = Job(
            id: .make(at: now), kind: request.kind, workspace: request.workspace, payload: request.payload,
            priority: priority, provider: request.provider, phase: JobPhase(.requested), reason: nil, attempt: 0,
            due: due,
            deadline: due.advanced(bySeconds: (request.deadline ?? deadline).seconds), progress: 0, note: nil,
            worker: nil, leaseEnds: nil, requestedAt: now, startedAt: nil, takenAt: nil, endedAt: nil,
            lines: first.line,
            fence: 0, keyEnds: keyEnds)
        let queue = Lane(kind: job.kind, workspace: job.workspace, priority: priority, provider: job.provider).text
        if due <= now { try extend(queue, with: job.id) }
        try connection.notify(Self.channel)
        try connection.execute(
            """
            INSERT INTO job (id, kind, workspace, payload, priority, queue, lane, state, attempt, fence, due, deadline,
                progress, job_key, key_ends, requested_at, history, provider)
            VALUES (\(job.id), \(job.kind), \(job.workspace),
                \(String(decoding: job.payload.bytes, as: UTF8.self)), \(priority), \(queue),
                \(due > now ? nil : ""), 'REQUESTED', 0, 0, \(due), \(job.deadline), 0, \(key), \(keyEnds), \(now),
                \(first.line), \(job.provider))
            """)
        for step in request.begun {
            try connection.execute("INSERT INTO job_step (job, name, undoable) VALUES (\(job.id), \(step), 1)")
        }
        return (job, true)
    }

    // MARK: - Reading

    public func job(_ id: JobID) throws -> Job? { try jobs("id = \(id)").first }

    /// Which jobs are listed.
    public struct Filter: Sendable {
        public var kind: String?
        /// Of these workspaces; nil is all, the operator's own included.
        public var workspaces: [WorkspaceID]?
        public var states: [JobState] = []
        /// Only those that are older than this one.
        public var before: JobID?

        public init(
            kind: String? = nil, workspaces: [WorkspaceID]? = nil, states: [JobState] = [], before: JobID? = nil
        ) {
            self.kind = kind
            self.workspaces = workspaces
            self.states = states
            self.before = before
        }
    }

    /// Jobs, the newest first.
    public func list(_ filter: Filter, limit: Int) throws -> [Job] {
        var condition: SQL = "1 = 1"
        if let kind = filter.kind { condition += " AND kind = \(kind)" }
        if let workspaces = filter.workspaces { condition += " AND workspace IN \(list: workspaces)" }
        if !filter.states.isEmpty { condition += " AND state IN \(list: filter.states.map(\.rawValue))" }
        if let before = filter.before { condition += " AND id < \(before)" }
        // Two halves, as the indexes are.
        let found =
            try jobs("\(condition) AND state <> 'RUNNING' ORDER BY id DESC LIMIT \(limit)")
            + jobs("\(condition) AND state = 'RUNNING' ORDER BY id DESC LIMIT \(limit)")
        return Array(found.sorted { $0.id > $1.id }.prefix(limit))
    }

    /// What the steps of a job came to, by name; nil of one that was begun and has a compensation.
    func steps(of id: JobID) throws -> [String: StepRecord] {
        let rows = try connection.query("SELECT name, undoable, result FROM job_step WHERE job = \(id)") { row in
            (row.text(0), StepRecord(isUndoable: row.integer(1) != 0, result: row.optionalText(2).map(Self.json)))
        }
        return Dictionary(rows) { first, _ in first }
    }

    /// How many jobs of a kind a workspace has that are not over.
    public func open(_ kind: String, of workspace: WorkspaceID) throws -> Int {
        try connection.first(
            """
            SELECT (SELECT count(*) FROM job WHERE kind = \(kind) AND workspace = \(workspace) AND state <> 'RUNNING'
                    AND ended_at IS NULL)
                + (SELECT count(*) FROM job WHERE kind = \(kind) AND workspace = \(workspace) AND state = 'RUNNING')
            """
        ) { Int($0.integer(0)) } ?? 0
    }

    /// What a finished step of a job came to; nil if it is not finished.
    public func result(of step: String, job id: JobID) throws -> JSON? { try steps(of: id)[step]?.result }

    func jobs(_ condition: SQL) throws -> [Job] {
        try connection.query("SELECT \(raw: Self.columns) FROM job WHERE \(condition)") { try Self.job($0) }
    }

    // MARK: - By hand

    /// Ends a job that is open; nil if there is none, or it is over or being undone already.
    public func cancel(_ id: JobID, reason: String) throws -> Job? {
        guard let job = try job(id) else { return nil }
        return try apply(.cancelled, to: job, reason)
    }

    /// Puts a job in line again that ended without success; steps that are done stay done.
    ///
    /// - Parameter deadline: Time it has now.
    /// - Returns: nil if there is none, or it is open or completed.
    public func retry(_ id: JobID, deadline: Duration, reason: String) throws -> Job? {
        guard var job = try job(id) else { return nil }
        job.deadline = now.advanced(bySeconds: deadline.seconds)
        return try apply(.retried, to: job, reason)
    }

    /// Forgets a job that is over.
    ///
    /// - Returns: nil if there is none, or it is open.
    public func delete(_ id: JobID) throws -> Job? {
        guard let job = try job(id), job.state.isEnd else { return nil }
        try connection.execute("DELETE FROM job_step WHERE job = \(id)")
        try connection.execute("DELETE FROM job WHERE id = \(id)")
        return job
    }

    // MARK: - Transitions

    /// Has something happen to a job and keeps it, with time and reason.
    ///
    /// - Parameters:
    ///   - due: When it is to be tried again, where that is what follows.
    ///   - isAttempt: Whether the attempt that ends counts.
    /// - Returns: The job as it is now; nil if this cannot happen to it.
    func apply(
        _ event: JobEvent, to before: Job, _ reason: String, due: Timestamp? = nil, isAttempt: Bool = true
    ) throws -> Job? {
        guard let phase = before.phase.after(event, undoing: try hasWhatMustBeUndone(before.id)) else { return nil }
        var job = before
        job.phase = phase
        let begins = phase.ending != nil && before.phase.ending == nil
        let transition = JobTransition(
            at: now, state: phase.state, reason: begins ? "\(reason); undoing what it did" : reason)
        let news = (before.takenUp?.line ?? "") + transition.line
        job.lines += news
        job.takenAt = nil
        // Why it ends is what a person wants to know, not how the undoing goes.
        if !before.isUndoing { job.reason = reason }
        if begins {
            job.attempt = phase.state == .running ? 1 : 0
            job.deadline = now.advanced(bySeconds: Self.timeToUndo)
        }
        if event == .interrupted, !isAttempt { job.attempt -= 1 }
        if event == .retried {
            job.attempt = 0
            job.progress = 0
            job.endedAt = nil
        }
        if event == .finished { job.progress = 1 }
        if phase.state == .requested { job.due = due ?? now }
        if phase.state != .running {
            job.fence += 1
            job.worker = nil
            job.leaseEnds = nil
            job.note = nil
        }
        if phase.state.isEnd { job.endedAt = now }
        try save(job, fence: before.fence, news)
        return job
    }

    /// In seconds.
    private static let timeToUndo = 3600.0

    private func hasWhatMustBeUndone(_ id: JobID) throws -> Bool {
        try connection.first("SELECT 1 FROM job_step WHERE job = \(id) AND undoable = 1 LIMIT 1") { _ in true } ?? false
    }

    private func save(_ job: Job, fence: Int64, _ news: String) throws {
        let isInLine = job.state == .requested && job.due <= now
        let changed = try connection.execute(
            """
            UPDATE job SET state = \(job.state.rawValue), ending = \(job.phase.ending?.rawValue),
                lane = \(raw: isInLine ? "queue" : "NULL"), reason = \(job.reason), attempt = \(job.attempt),
                fence = \(job.fence), worker = \(job.worker), lease_ends = \(job.leaseEnds), due = \(job.due),
                deadline = \(job.deadline), progress = \(job.progress), note = \(job.note), ended_at = \(job.endedAt),
                job_key = \(raw: job.state.isEnd && job.keyEnds ? "NULL" : "job_key"),
                taken_at = NULL, history = history || \(news)
            WHERE id = \(job.id) AND fence = \(fence)
            """)
        if changed != 1 { throw JobLost(id: job.id) }
        if job.state == .requested { try connection.notify(Self.channel) }
    }
}

/// What is kept of a step.
struct StepRecord: Sendable {
    var isUndoable: Bool
    /// nil while it is not finished.
    var result: JSON?
}

/// The job has another owner, or none: whoever meets this writes nothing.
struct JobLost: Error, CustomStringConvertible {
    let id: JobID
    var description: String { "\(id) is not this worker's any more" }
}
