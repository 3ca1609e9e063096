import Common
import Connectors
import Foundation
import Logging
import ServiceKit
import ServiceLifecycle
import Synchronization

/// Reads the streams that are due, a few at a time, until shutdown.
///
/// It sleeps until the next one is due, and is woken by changes of the directory and by requests.
final class FetcherService: Service, Sendable {
    private let equipment: FetchEquipment
    private let bell = Bell()
    private let state = Mutex(State())

    private struct State {
        var schedule = Schedule()
        var running = 0
        var published: [StreamID: StreamStatus] = [:]
        /// Streams whose state could not be told.
        var untold: Set<StreamID> = []
        var connections: [ConnectionID: ConnectionRecord] = [:]
    }

    init(equipment: FetchEquipment) { self.equipment = equipment }

    private var context: RoleContext { equipment.context }

    /// Has the schedule look again: a request came.
    func wake() { bell.ring() }

    func run() async throws {
        await cancelWhenGracefulShutdown { [self] in
            await withDiscardingTaskGroup { group in
                group.addTask { [self] in
                    for await _ in context.directory.changes() { bell.ring() }
                }
                while !Task.isCancelled {
                    var isFresh = await refresh()
                    if isFresh { isFresh = await publishUntold() }
                    while let work = nextWork() {
                        group.addTask { [self] in
                            await perform(work)
                            bell.ring()
                        }
                    }
                    await bell.wait(for: isFresh ? pause() : .seconds(1))
                }
                group.cancelAll()
            }
        }
    }

    // MARK: - Schedule

    /// Brings the schedule up to date with the directory and the requests.
    ///
    /// - Returns: Whether that went well.
    private func refresh() async -> Bool {
        let snapshot = context.directory.current
        let streams = snapshot.streams.values.filter { stream in
            stream.status != .deleted && snapshot.workspaces[stream.workspace].map { !$0.isDeleted } ?? false
                && snapshot.connections[stream.connection].map { !$0.isDeleted } ?? false
        }
        do {
            var known: [StreamID: Schedule.Entry] = [:]
            for stream in streams where state.withLock({ $0.schedule.entries[stream.id] == nil }) {
                known[stream.id] = try await entry(for: stream)
            }
            let found = known
            let requests = try await equipment.store.openRequests()
            let changed = state.withLock { state in
                let changed = state.schedule.sync(Array(streams), isPolled: isPolled) { stream in
                    found[stream.id] ?? Schedule.Entry(stream: stream, isPolled: isPolled(stream))
                }
                for (id, connection) in snapshot.connections {
                    guard let old = state.connections[id], old != connection else { continue }
                    state.schedule.connectionChanged(id, settingsToo: old.config != connection.config)
                }
                state.connections = snapshot.connections
                for request in requests { state.schedule.ask(request) }
                return changed
            }
            for request in requests { try await drop(request) }
            for stream in changed where known[stream].map(isToBeTold) ?? true { await publish(stream) }
            return true
        } catch {
            context.logger.error("the fetcher cannot read its database", metadata: ["error": "\(error)"])
            return false
        }
    }

    /// Whether a stream that is new here has a state that others do not know better, who may have read it.
    private func isToBeTold(_ entry: Schedule.Entry) -> Bool {
        switch context.directory.current.statuses[entry.stream.id]?.state {
        // Whoever read it to the end did not live to say so, or could not.
        case .backfilling? where entry.backfillAt == nil && entry.caughtUpTo != nil: true
        case .current?, .backfilling?, .failing?, .waitingForQuota?: entry.stream.status != .active || !entry.isPolled
        case .pending?, .paused?, .listening?, nil: true
        }
    }

    /// A request of what is not polled is done by doing nothing.
    private func drop(_ request: FetcherStore.Request) async throws {
        let isIdle = state.withLock { $0.schedule.entries[request.stream].map { !$0.isPolled } ?? true }
        if isIdle { try await equipment.store.handled(request) }
    }

    private func entry(for stream: StreamRecord) async throws -> Schedule.Entry {
        let progress = try await equipment.store.progress(stream.id)
        let isAnother = try await isAnother(stream)
        let backfill = isAnother ? nil : try await equipment.store.checkpoint(stream.id, .backfill)?.cursor
        var entry = Schedule.Entry(stream: stream, isPolled: isPolled(stream))
        entry.items = progress.items
        entry.polledAt = progress.polledAt
        entry.caughtUpTo = isAnother ? nil : progress.caughtUpTo
        if isAnother, stream.pollEvery != nil {
            entry.dueAt = .distantPast
        } else if let every = stream.pollEvery {
            entry.dueAt = progress.polledAt?.advanced(bySeconds: Double(every)) ?? stream.createdAt
        } else if isAnother, stream.backfillSince != nil {
            entry.dueAt = .distantPast
        } else if progress.polledAt == nil, stream.backfillSince != nil {
            entry.dueAt = stream.createdAt
        }
        let isEarlier = backfill?.range.map { range in stream.backfillSince.map { $0 < range.from } ?? false } ?? false
        if isEarlier || backfill.map({ !$0.isDone }) ?? (stream.backfillSince != nil) {
            entry.backfillAt = .distantPast
        }
        return entry
    }

    /// Whether something else was read than what the stream is to read now: it was changed while nobody looked.
    private func isAnother(_ stream: StreamRecord) async throws -> Bool {
        guard let connection = context.directory.current.connections[stream.connection],
            let live = try await equipment.store.checkpoint(stream.id, .live)?.cursor
        else { return false }
        return live.isOfAnother(than: FetchTarget.identity(of: stream, connection))
    }

    private func isPolled(_ stream: StreamRecord) -> Bool {
        guard let manifest = context.connectors[stream.connector] else { return true }  // and it fails, which is told
        return !manifest.read.isEmpty
    }

    private func nextWork() -> Schedule.Work? {
        let now = context.now()
        return state.withLock { state in
            guard state.running < equipment.settings.concurrentStreams, let work = state.schedule.take(at: now) else {
                return nil
            }
            state.running += 1
            return work
        }
    }

    /// How long nothing is due. A request that another fetcher took from the log and did not live to do is looked for as
    /// often as a lease ends.
    private func pause() -> Duration? {
        let now = context.now()
        return state.withLock { state in
            guard state.running < equipment.settings.concurrentStreams else { return nil }
            let longest = Int64(equipment.settings.leaseSeconds) * 1000
            let due = state.schedule.nextDue().map { max(1, $0.milliseconds - now.milliseconds) }
            return .milliseconds(min(due ?? longest, longest))
        }
    }

    // MARK: - Turns

    private func perform(_ work: Schedule.Work) async {
        let begunAt = context.now()
        let (outcome, items) = await turn(work, begunAt: begunAt)
        let now = context.now()
        let jitter = Double.random(in: 0...1)
        state.withLock { state in
            state.running -= 1
            state.schedule.end(work, outcome, items: items, begunAt: begunAt, now: now, jitter: jitter)
        }
        if case .failed(let failure) = outcome {
            context.logger.warning(
                "a stream could not be read",
                metadata: [
                    "stream": "\(work.stream)", "lane": "\(work.lane.rawValue)", "reason": "\(failure)",
                ])
        }
        // What another reads, or was told to wait for, is the other's to tell.
        if case .void = outcome { return }
        await publish(work.stream)
    }

    private func turn(_ work: Schedule.Work, begunAt: Timestamp) async -> (Schedule.Outcome, items: Int) {
        let retryAt = begunAt.advanced(bySeconds: Double(equipment.settings.leaseSeconds) / 6)
        guard let stream = state.withLock({ $0.schedule.entries[work.stream]?.stream }) else {
            return (.void(until: retryAt), 0)
        }
        var items = 0
        do {
            let target = try target(of: stream)
            let end = begunAt.advanced(bySeconds: Double(equipment.settings.leaseSeconds))
            guard
                let lease = try await equipment.store.acquire(
                    stream.id, holder: equipment.settings.name, now: begunAt, until: end)
            else { return (.void(until: retryAt), 0) }
            let heart = heartbeat(of: lease)
            var visit = StreamVisit(
                lane: work.lane, stream: stream, target: target, lease: lease, equipment: equipment,
                mustYield: { [self] in state.withLock { $0.schedule.hasLiveDue(at: context.now()) } })
            let outcome: Schedule.Outcome
            do {
                if let reason = try await reasonToPass(work, at: begunAt) {
                    await release(lease, heart)
                    return (reason, 0)
                }
                let (request, backfill) = state.withLock { state in
                    let entry = state.schedule.entries[stream.id]
                    return (entry?.request, entry?.backfillRequest)
                }
                if work.lane == .backfill {
                    try await prepareBackfill(of: &visit, backfill)
                }
                let isFinished = try await visit.run()
                outcome = isFinished ? .finished(caughtUpTo: visit.begunAt) : .yielded
                try await settle(work, request, visit, isFinished: isFinished, begunAt: begunAt)
            } catch {
                await release(lease, heart)
                throw StoppedTurn(error: error, items: visit.items)
            }
            items = visit.items
            await release(lease, heart)
            return (outcome, items)
        } catch let stopped as StoppedTurn {
            return (Self.outcome(of: stopped.error, retryAt: retryAt), stopped.items)
        } catch {
            return (Self.outcome(of: error, retryAt: retryAt), items)
        }
    }

    private struct StoppedTurn: Error {
        let error: any Error
        let items: Int
    }

    private static func outcome(of error: any Error, retryAt: Timestamp) -> Schedule.Outcome {
        switch error {
        case ReadFailure.lost, is CancellationError: .void(until: retryAt)
        case let failure as ReadFailure: .failed(failure)
        case let error as VaultError: .failed(.permanent("\(error)"))
        default: .failed(.transient("\(error)"))
        }
    }

    /// Makes durable that a lane came to its end, and that a request is done.
    private func settle(
        _ work: Schedule.Work, _ request: FetcherStore.Request?, _ visit: StreamVisit, isFinished: Bool,
        begunAt: Timestamp
    ) async throws {
        guard isFinished, work.lane == .live else { return }
        try await equipment.store.caughtUp(work.stream, to: visit.begunAt ?? begunAt, at: begunAt)
        if let request, request.backfillSince == nil, request.requestedAt <= begunAt {
            try await equipment.store.handled(request)
        }
    }

    private func target(of stream: StreamRecord) throws -> FetchTarget {
        let snapshot = context.directory.current
        guard let manifest = context.connectors[stream.connector] else {
            throw ReadFailure.permanent(
                "there is no connector `\(stream.connector)`; put its file into the connectors folder")
        }
        guard let connection = snapshot.connections[stream.connection],
            let workspace = snapshot.workspaces[stream.workspace]
        else { throw ReadFailure.transient("its connection is not known yet") }
        return FetchTarget(
            stream, connection: connection, workspace: workspace, manifest: manifest, vault: context.vault)
    }

    // MARK: - Leases

    /// Looks, with the lease in hand, at what other fetchers have done since this one last looked.
    private func reasonToPass(_ work: Schedule.Work, at now: Timestamp) async throws -> Schedule.Outcome? {
        let progress = try await equipment.store.progress(work.stream)
        let told = context.directory.current.statuses[work.stream]
        return state.withLock { state in
            state.schedule.learn(work, progress, told: told == state.published[work.stream] ? nil : told, at: now)
        }
    }

    /// Sets up a backfill that was asked for, unless another fetcher has.
    private func prepareBackfill(of visit: inout StreamVisit, _ request: FetcherStore.Request?) async throws {
        guard let request else { return try await visit.prepareBackfill(for: nil) }
        let isOpen = try await equipment.store.isOpen(request)
        try await visit.prepareBackfill(for: isOpen ? request : nil)
        state.withLock { $0.schedule.prepared(request) }
    }

    /// Keeps a lease while its stream is read, however long one answer takes.
    ///
    /// A lease that was lost all the same is found out where the visit next writes.
    private func heartbeat(of lease: FetcherStore.Lease) -> Task<Void, Never> {
        let seconds = Double(equipment.settings.leaseSeconds)
        return Task { [store = equipment.store, now = context.now] in
            while (try? await Task.sleep(for: .seconds(seconds / 3))) != nil {
                try? await store.renew(lease, until: now().advanced(bySeconds: seconds))
            }
        }
    }

    /// Gives a lease back, also when the task was cancelled.
    private func release(_ lease: FetcherStore.Lease, _ heart: Task<Void, Never>) async {
        let store = equipment.store
        heart.cancel()
        // Else its last beat would take the lease again.
        await heart.value
        await Task { try? await store.release(lease) }.value
    }

    // MARK: - Status

    /// Tells a stream's state if it changed.
    private func publish(_ stream: StreamID) async {
        let now = context.now()
        let known = context.directory.current.statuses[stream]
        let status = state.withLock { state -> StreamStatus? in
            guard let status = state.schedule.status(of: stream, at: now) else { return nil }
            var old = state.published[stream] ?? known
            old?.at = status.at
            guard old != status else { return nil }
            state.published[stream] = status
            return status
        }
        guard let status else { return }
        do {
            try await context.directory.publish(status)
        } catch {
            state.withLock { state in
                state.published[stream] = nil
                state.untold.insert(stream)
            }
            context.logger.warning(
                "a stream's state could not be told; trying again", metadata: ["error": "\(error)"])
        }
    }

    /// Tells the states that could not be told before.
    ///
    /// - Returns: Whether all are told now.
    private func publishUntold() async -> Bool {
        let untold = state.withLock { state in
            defer { state.untold = [] }
            return state.untold
        }
        for stream in untold { await publish(stream) }
        return state.withLock { $0.untold.isEmpty }
    }
}
