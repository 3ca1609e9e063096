import ByteJSON
public import Common
public import Logging
public import ServiceLifecycle
import Synchronization

/// Works off the jobs of a service's database; any number of engines may share one.
///
/// A job is claimed with a lease, renewed by heartbeats, and a fence, which grows with every owner: what an owner writes
/// after its job was taken over is refused. So each step's result is kept once, and each job ends once.
public final class JobEngine: Service {
    private struct State {
        var active: [JobClaim: (kind: String, job: ActiveJob, work: Task<Void, Never>)] = [:]
        /// When each workspace was served last, counted in claims.
        var served: [String: UInt64] = [:]
        var turn: UInt64 = 0
        /// When this process looked for what is to be tidied up last; nil if it never did.
        var looked: ContinuousClock.Instant?
        /// Since when leases are there that nobody can have given by the clock as it is.
        var hasFarLeases: ContinuousClock.Instant?
        /// Whether the last claim left jobs in line.
        var knowsOfMore = false
        var isStopping = false
    }
    private let database: any Database
    private let definitions: [String: JobDefinition]
    private let schedules: [JobSchedule]
    private let settings: JobSettings
    private let worker: String
    private let metrics: Metrics
    private let logger: Logger
    private let now: @Sendable () -> Timestamp
    private let bell = Bell()
    private let state = Mutex(State())

    /// - Parameter worker: A name for this process in histories; each start makes another one.
    public init(
        database: any Database, definitions: [JobDefinition], schedules: [JobSchedule] = [],
        settings: JobSettings = JobSettings(), worker: String = JobID.make().rawValue.suffix(8).description,
        metrics: Metrics, logger: Logger, now: @escaping @Sendable () -> Timestamp = { .now }
    ) {
        self.database = database
        self.definitions = Dictionary(uniqueKeysWithValues: definitions.map { ($0.kind, $0) })
        self.schedules = schedules
        self.settings = settings
        self.worker = worker
        self.metrics = metrics
        self.logger = logger
        self.now = now
        metrics.beforeScrape { [weak self] in await self?.countOpen() }
    }

    // MARK: - Requests

    /// Puts a job in line in the transaction that causes it; call ``wake()`` when that is committed.
    ///
    /// - Precondition: The kind is one of this engine's.
    public func enqueue(_ request: JobRequest, in connection: any DatabaseConnection) throws
        -> (job: Job, isNew: Bool)
    {
        guard let definition = definitions[request.kind] else { preconditionFailure("no kind of job \(request.kind)") }
        return try JobTable(connection, at: now()).enqueue(request, deadline: definition.deadline)
    }

    /// Has this process look for work now.
    public func wake() { bell.ring() }

    /// Puts a job in line in a transaction of its own.
    public func enqueue(_ request: JobRequest) async throws -> (job: Job, isNew: Bool) {
        let outcome = try await database.write { try self.enqueue(request, in: $0) }
        wake()
        return outcome
    }

    /// Ends an open job. One whose steps did something that must be undone ends when that is done.
    ///
    /// - Returns: The job; nil if there is none, or it is over or being undone already.
    public func cancel(_ id: JobID, reason: String) async throws -> Job? {
        let job = try await database.write { [now] in try JobTable($0, at: now()).cancel(id, reason: reason) }
        if job != nil {
            for one in state.withLock({ $0.active.filter { $0.key.id == id } }) { one.value.job.stop() }
        }
        wake()
        return job
    }

    /// Has a job tried again that ended without success.
    ///
    /// - Returns: The job; nil if there is none, or it is open or completed.
    public func retry(_ id: JobID, reason: String) async throws -> Job? {
        let job = try await database.write { [now, definitions] connection -> Job? in
            let table = JobTable(connection, at: now())
            guard let kind = try table.job(id)?.kind, let definition = definitions[kind] else { return nil }
            return try table.retry(id, deadline: definition.deadline, reason: reason)
        }
        wake()
        return job
    }

    /// Forgets a job that is over, and what goes with it.
    ///
    /// - Returns: The job; nil if there is none, or it is open.
    public func delete(_ id: JobID) async throws -> Job? {
        try await database.write { [now, definitions] connection in
            guard let job = try JobTable(connection, at: now()).delete(id) else { return nil }
            try definitions[job.kind]?.onDelete(connection, job)
            return job
        }
    }

    // MARK: - Running

    /// Works until shutdown; jobs in hand are then stopped and given back.
    public func run() async throws {
        await cancelWhenGracefulShutdown {
            await withTaskGroup(of: Void.self) { tasks in
                tasks.addTask { await self.beat() }
                tasks.addTask { await self.prune() }
                tasks.addTask { await self.listen() }
                await self.takeUp()
            }
        }
        let active = state.withLock { state in
            state.isStopping = true
            return state.active.values.map { $0 }
        }
        for one in active { one.job.stop() }
        for one in active { await one.work.value }
    }

    /// Hears of jobs that other processes request.
    private func listen() async { for await _ in database.notifications(JobTable.channel) { bell.ring() } }

    private func takeUp() async {
        var failures = 0
        while !Task.isCancelled {
            var pause: Double
            do {
                guard let next = try await claim() else { continue }
                failures = 0
                pause = next
            } catch {
                guard !Task.isCancelled else { return }
                failures += 1
                logger.warning(
                    "jobs cannot be taken up; trying again",
                    metadata: ["error": "\(error)", "failures": "\(failures)"])
                pause = max(settings.poll * Double.random(in: 0.75...1.25), ConsumerService.pause(after: failures))
            }
            await bell.wait(for: .seconds(pause))
        }
    }

    /// Takes up as many jobs as there are free slots.
    ///
    /// - Returns: Seconds until the next look, unless the bell rings; nil if there may be more now.
    private func claim() async throws -> Double? {
        let now = now()
        let (free, active, served, looked, knowsOfMore) = state.withLock { state in
            (
                settings.slots - state.active.count, state.active.values.map(\.kind), state.served, state.looked,
                state.knowsOfMore
            )
        }
        // What is in line and cannot be taken up now, for a limit or a breaker, rings no bell when it can be.
        let poll = settings.poll * Double.random(in: 0.75...1.25)
        // Where jobs wait, each slot that is free is filled without a look before, which a claim costs otherwise.
        var tidies = looked == nil
        var bound: Timestamp?
        if let looked, !knowsOfMore || looked + .seconds(settings.poll) <= .now {
            let look = try await database.read { try JobTable($0, at: now).look() }
            bound = noteFarLeases(look, at: now)
            tidies = look.isUntidy(at: now) || bound != nil
            if !tidies, !look.isAnyInLine {
                let next = look.next.map { Double($0.milliseconds - now.milliseconds) / 1000 } ?? .infinity
                return min(poll * Self.idle, max(next, 0.001))
            }
        }
        if free < 1, !tidies { return poll }
        let freeOfKind = definitions.compactMapValues { definition in
            definition.slots.map { max(0, $0 - active.count { $0 == definition.kind }) }
        }
        let (jobs, isMoreUntidy) = try await database.write { [self, tidies, bound] connection in
            let table = JobTable(connection, at: now)
            var isMore = false
            if tidies {
                isMore = try table.sweep(
                    definitions, takesAll: looked == nil && settings.isAlone,
                    bound: bound ?? .init(milliseconds: .max))
                try table.runSchedules(schedules, definitions)
            }
            let jobs = try table.claim(
                free, of: definitions, by: worker, leaseEnds: now.advanced(bySeconds: settings.lease), served: served,
                free: freeOfKind)
            return (jobs, isMore)
        }
        state.withLock { state in
            state.looked = state.looked ?? .now
            state.knowsOfMore = !jobs.isEmpty && jobs.count == free
        }
        for job in jobs { begin(job) }
        return isMoreUntidy || !jobs.isEmpty && jobs.count < free ? nil : poll
    }

    /// Notes a look, and whether the clock went back: leases end later than any that is given now.
    ///
    /// - Returns: What is later than any lease that was renewed since; nil as long as workers that live may not have
    ///   done that yet.
    private func noteFarLeases(_ look: JobLook, at now: Timestamp) -> Timestamp? {
        let bound = now.advanced(bySeconds: 2 * settings.lease)
        return state.withLock { state in
            state.looked = .now
            guard let last = look.lastLease, last > bound else {
                state.hasFarLeases = nil
                return nil
            }
            let since = state.hasFarLeases ?? .now
            state.hasFarLeases = since
            return since + .seconds(settings.lease) <= .now ? bound : nil
        }
    }

    /// How much longer a pause is where nothing is in line: what comes there rings the bell.
    private static let idle = 10.0

    private func begin(_ job: Job) {
        let active = ActiveJob(job)
        state.withLock { state in
            state.turn += 1
            if state.served.count > 10_000 { state.served = [:] }
            state.served[job.workspace?.rawValue ?? "-"] = state.turn
            // Not a child: it is stopped by its heartbeat or at shutdown, and still writes what became of it.
            let work = Task {
                await self.perform(job, active)
                self.state.withLock { $0.active[active.claim] = nil }
                self.bell.ring()
            }
            state.active[active.claim] = (job.kind, active, work)
        }
    }

    private func perform(_ job: Job, _ active: ActiveJob) async {
        guard let definition = definitions[job.kind] else { return }
        let attempt = JobAttempt(
            database: database, definition: definition, active: active, grace: .seconds(settings.grace), logger: logger,
            now: now, isStopping: { [self] in state.withLock { $0.isStopping } })
        if let end = await attempt.run(job) { count(end, definition) }
    }

    /// Renews leases, and stops what was taken away or is to be undone.
    private func beat() async {
        var renewed = ContinuousClock.now
        let pause = Duration.seconds(min(1, settings.lease / 3))
        while !Task.isCancelled {
            try? await Task.sleep(for: pause)
            let isDue = renewed + .seconds(settings.lease / 3) <= .now
            let active = state.withLock { $0.active.mapValues(\.job) }
            let beats = active.values.compactMap { $0.heartbeat(isDue: isDue) }
            if isDue { renewed = .now }
            guard !beats.isEmpty else { continue }
            let now = now()
            do {
                let stopped = try await database.write { [settings] connection in
                    try JobTable(connection, at: now).renew(
                        beats, leaseEnds: now.advanced(bySeconds: settings.lease))
                }
                for claim in stopped { active[claim]?.stop() }
            } catch {
                logger.warning("leases could not be renewed", metadata: ["error": "\(error)"])
            }
        }
    }

    /// Deletes what ended long ago.
    private func prune() async {
        while !Task.isCancelled {
            do {
                for definition in definitions.values {
                    while try await database.write({ [now] in try JobTable($0, at: now()).prune(definition) }) > 0 {}
                }
            } catch {
                if !Task.isCancelled { logger.warning("old jobs were not deleted", metadata: ["error": "\(error)"]) }
            }
            try? await Task.sleep(for: .seconds(600 * Double.random(in: 0.75...1.25)))
        }
    }

    // MARK: - Numbers

    private func count(_ end: JobState, _ definition: JobDefinition) {
        metrics.add(to: .jobsEnded, [("kind", definition.kind), ("state", end.rawValue)])
    }

    private func countOpen() async {
        let open = try? await database.read { connection in
            try connection.query(
                """
                SELECT kind, state, count(*) FROM job WHERE state = 'REQUESTED' AND ended_at IS NULL GROUP BY 1, 2
                UNION ALL
                SELECT kind, state, count(*) FROM job WHERE state = 'RUNNING' GROUP BY 1, 2
                """
            ) { ($0.text(0), $0.text(1), $0.integer(2)) }
        }
        guard let open else { return }
        for kind in definitions.keys {
            for state in [JobState.requested, .running] {
                let count = open.first { $0.0 == kind && $0.1 == state.rawValue }?.2 ?? 0
                metrics.set(.jobsOpen, to: Double(count), [("kind", kind), ("state", state.rawValue)])
            }
        }
    }
}
