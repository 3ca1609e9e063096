import Common

/// Who is read when: a value that decides, and does nothing.
struct Schedule: Sendable {
    /// A turn to be taken.
    struct Work: Sendable, Hashable {
        let stream: StreamID
        let lane: Lane
    }

    /// How a turn ended.
    enum Outcome: Sendable, Hashable {
        /// The lane came to its end; live: everything up to this time was read.
        case finished(caughtUpTo: Timestamp?)
        /// Gave way to others, or to a provider that changes faster than it is read.
        case yielded
        case failed(ReadFailure)
        /// Nothing of it counts: cancelled, or somebody else has the stream.
        case void(until: Timestamp)
        /// Another fetcher had taken it.
        case taken
    }

    struct Entry: Sendable {
        var stream: StreamRecord
        /// Whether its connector reads anything by itself.
        var isPolled: Bool
        /// When the live lane is due; nil is never.
        var dueAt: Timestamp?
        /// Asked for: the live lane now.
        var request: FetcherStore.Request?
        /// Asked for: a backfill that is not set up yet.
        var backfillRequest: FetcherStore.Request?
        /// The latest that was asked for, done or not.
        var askedAt: Timestamp?
        /// When the backfill may go on; nil if there is none.
        var backfillAt: Timestamp?
        var running: Lane?
        /// Not before this is it tried again: another fetcher has it.
        var heldUntil: Timestamp?
        /// When the live lane was last begun and came to its end, by any fetcher.
        var polledAt: Timestamp?
        /// Whether what is to be read was changed under a turn that reads what was before.
        var isOutdated = false
        var caughtUpTo: Timestamp?
        var items = 0
        var failures = 0
        var failingSince: Timestamp?
        var failure: ReadFailure?

        /// When the live lane is due, asked for or by itself.
        var liveAt: Timestamp? {
            guard stream.status == .active, isPolled else { return nil }
            let due = [dueAt, request.flatMap { failure == nil ? $0.requestedAt : nil }].compactMap { $0 }.min()
            return due.map { max($0, heldUntil ?? $0) }
        }

        /// When the backfill is due; not before the live lane has been read once.
        var backfillDueAt: Timestamp? {
            guard stream.status == .active, isPolled, caughtUpTo != nil, failure == nil else { return nil }
            return backfillAt.map { max($0, heldUntil ?? $0) }
        }
    }

    private(set) var entries: [StreamID: Entry] = [:]
    /// The longest pause of a failing stream that is polled more often than that, in seconds.
    private static let longestRetry = 900.0
    private static let firstRetry = 15.0

    /// Takes over what the directory says; new streams come with what is known of them.
    ///
    /// - Returns: The streams that are new or have changed.
    mutating func sync(
        _ streams: [StreamRecord], isPolled: (StreamRecord) -> Bool, known: (StreamRecord) -> Entry
    ) -> [StreamID] {
        let ids = Set(streams.map(\.id))
        for id in entries.keys where !ids.contains(id) && entries[id]?.running == nil { entries[id] = nil }
        var changed: [StreamID] = []
        for stream in streams {
            guard var entry = entries[stream.id] else {
                entries[stream.id] = known(stream)
                changed.append(stream.id)
                continue
            }
            let old = entry.stream
            guard old != stream else { continue }
            changed.append(stream.id)
            entry.stream = stream
            entry.isPolled = isPolled(stream)
            if old.pollEvery != stream.pollEvery || old.status != stream.status {
                entry.dueAt = stream.pollEvery == nil ? nil : .distantPast
            }
            if old.entity != stream.entity { entry.beginAnew() }
            if old.backfillSince != stream.backfillSince, stream.backfillSince != nil {
                entry.backfillAt = .distantPast
            }
            entries[stream.id] = entry
        }
        return changed
    }

    /// Has streams tried again at once, whose connection was changed, and read anew if other settings came with it.
    mutating func connectionChanged(_ connection: ConnectionID, settingsToo: Bool) {
        for id in entries.keys where entries[id]?.stream.connection == connection {
            if settingsToo {
                entries[id]?.beginAnew()
            } else if entries[id]?.failure != nil {
                entries[id]?.failure = nil
                entries[id]?.dueAt = .distantPast
            }
        }
    }

    /// Notes what was asked for, once.
    ///
    /// Somebody who asks may have mended what was wrong: it is tried at once.
    mutating func ask(_ request: FetcherStore.Request) {
        guard var entry = entries[request.stream], entry.askedAt.map({ $0 < request.requestedAt }) ?? true else {
            return
        }
        entry.askedAt = request.requestedAt
        entry.request = request
        if request.backfillSince != nil {
            entry.backfillRequest = request
            entry.backfillAt = .distantPast
        }
        switch entry.failure {
        case .transient?, .permanent?: entry.failure = nil
        default: break
        }
        entries[request.stream] = entry
    }

    /// Takes over what other fetchers have done meanwhile; to be called by whoever has the stream's lease.
    ///
    /// - Parameters:
    ///   - told: What was told of the stream, if it is another fetcher that told it.
    /// - Returns: Why the turn is not to be taken any more; nil if it is.
    mutating func learn(
        _ work: Work, _ progress: FetcherStore.Progress, told: StreamStatus?, at now: Timestamp
    ) -> Outcome? {
        guard var entry = entries[work.stream] else { return .void(until: now) }
        defer { entries[work.stream] = entry }
        entry.items = progress.items
        if let polledAt = progress.polledAt, polledAt > entry.polledAt ?? .distantPast {
            entry.polledAt = polledAt
            entry.caughtUpTo = progress.caughtUpTo
            entry.clearFailure()
            entry.dueAt = entry.stream.pollEvery.map { polledAt.advanced(bySeconds: Double($0)) }
            if let request = entry.request, request.requestedAt <= polledAt { entry.request = nil }
            if work.lane == .live, entry.liveAt.map({ $0 > now }) ?? true { return .taken }
        }
        // Whoever reads it knows when it may be asked again; who changed or asked for something since need not wait.
        guard let told, [.failing, .waitingForQuota].contains(told.state), let until = told.until, until > now,
            entry.failure == nil, entry.dueAt.map({ $0 > .distantPast }) ?? true,
            entry.request.map({ $0.requestedAt < told.at }) ?? true
        else { return nil }
        if work.lane == .live { entry.dueAt = until } else { entry.backfillAt = until }
        return .void(until: now)
    }

    /// Notes that the backfill that was asked for is set up.
    mutating func prepared(_ request: FetcherStore.Request) {
        if entries[request.stream]?.backfillRequest == request { entries[request.stream]?.backfillRequest = nil }
    }

    /// The next turn that is due: what is new before what is old, and the longest due first.
    mutating func take(at now: Timestamp) -> Work? {
        if let id = first(at: now, \.liveAt) {
            entries[id]?.running = .live
            return Work(stream: id, lane: .live)
        }
        if let id = first(at: now, \.backfillDueAt) {
            entries[id]?.running = .backfill
            return Work(stream: id, lane: .backfill)
        }
        return nil
    }

    /// Whether something new waits that could be read if a turn ended.
    func hasLiveDue(at now: Timestamp) -> Bool {
        entries.values.contains { entry in entry.running != .live && entry.liveAt.map { $0 <= now } ?? false }
    }

    /// When the next turn is due; nil is never.
    func nextDue() -> Timestamp? {
        entries.values.filter { $0.running == nil }.flatMap { [$0.liveAt, $0.backfillDueAt] }.compactMap { $0 }.min()
    }

    /// Takes note of how a turn ended.
    mutating func end(_ work: Work, _ outcome: Outcome, items: Int, begunAt: Timestamp, now: Timestamp, jitter: Double)
    {
        guard var entry = entries[work.stream] else { return }
        entry.running = nil
        entry.heldUntil = nil
        entry.items += items
        if entry.isOutdated {
            entry.isOutdated = false
            entry.beginAnew()
            entries[work.stream] = entry
            return
        }
        switch outcome {
        case .finished(let caughtUpTo):
            entry.clearFailure()
            if work.lane == .live {
                entry.caughtUpTo = caughtUpTo ?? entry.caughtUpTo
                entry.polledAt = begunAt
                entry.dueAt = entry.stream.pollEvery.map { max(now, begunAt.advanced(bySeconds: Double($0))) }
                if let request = entry.request, request.requestedAt <= begunAt { entry.request = nil }
            } else {
                entry.backfillAt = nil
            }
        case .yielded:
            entry.clearFailure()
            if work.lane == .live { entry.dueAt = now.advanced(bySeconds: 5) } else { entry.backfillAt = now }
        case .void(let until):
            entry.heldUntil = until
        case .taken:
            break
        case .failed(let failure):
            entry.failure = failure
            let until: Timestamp
            switch failure {
            case .quota(let time): until = time
            case .broken(let time, _):
                entry.failingSince = entry.failingSince ?? now
                until = time
            case .transient, .permanent, .unaskable, .lost:
                entry.failures += 1
                entry.failingSince = entry.failingSince ?? now
                let longest = max(Self.longestRetry, Double(entry.stream.pollEvery ?? 0))
                let seconds = min(longest, Self.firstRetry * Double(1 << min(entry.failures - 1, 20)))
                until = now.advanced(bySeconds: seconds * (0.5 + jitter / 2))
            }
            // The backfill stopped for a reason that would stop the live lane too: it is the one to find out.
            entry.dueAt = until
        }
        entries[work.stream] = entry
    }

    /// A stream's state as others are told of it.
    func status(of id: StreamID, at now: Timestamp) -> StreamStatus? {
        guard let entry = entries[id] else { return nil }
        var status = StreamStatus(
            stream: id, workspace: entry.stream.workspace, state: .pending, caughtUpTo: entry.caughtUpTo,
            itemsRead: entry.items, at: now)
        if entry.stream.status != .active {
            status.state = .paused
        } else if !entry.isPolled
            || entry.stream.pollEvery == nil && entry.liveAt == nil && entry.backfillAt == nil && entry.failure == nil
        {
            status.state = .listening
        } else if let failure = entry.failure {
            status.until = entry.dueAt
            if case .quota = failure {
                status.state = .waitingForQuota
            } else {
                status.state = .failing
                status.since = entry.failingSince
                status.reason = failure.description
            }
        } else if entry.caughtUpTo != nil {
            status.state = entry.backfillAt == nil ? .current : .backfilling
        }
        return status
    }

    private func first(at now: Timestamp, _ time: (Entry) -> Timestamp?) -> StreamID? {
        entries.values.compactMap { entry -> (Timestamp, StreamID)? in
            guard entry.running == nil, let due = time(entry), due <= now else { return nil }
            return (due, entry.stream.id)
        }.min { $0 < $1 }?.1
    }
}

extension Schedule.Entry {
    /// Something else is to be read than before: all of it, and at once.
    fileprivate mutating func beginAnew() {
        clearFailure()
        caughtUpTo = nil
        if stream.pollEvery != nil || stream.backfillSince != nil || dueAt != nil { dueAt = .distantPast }
        if stream.backfillSince != nil { backfillAt = .distantPast }
        isOutdated = running != nil
    }

    fileprivate mutating func clearFailure() {
        failure = nil
        failures = 0
        failingSince = nil
    }
}

extension Timestamp {
    /// Before everything.
    static let distantPast = Timestamp(milliseconds: 0)
}
