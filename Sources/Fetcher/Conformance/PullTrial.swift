import ByteJSON
import Common
import Connectors
import ServiceKit
import Synchronization

/// One new stream that the fetcher reads turn by turn, on a clock that only the turns move.
struct PullTrial: Sendable {
    /// How a turn ended.
    enum Ending: Sendable, Hashable {
        case caughtUp
        case failed(ReadFailure)
        /// It came to no rest.
        case restless
    }

    /// A raw event that was made durable.
    struct Taken: Sendable {
        let key: String
        let headers: RecordHeaders
        let value: [UInt8]
    }

    let stream: StreamRecord
    let workspace: WorkspaceRecord
    private let target: FetchTarget
    private let equipment: FetchEquipment
    private let clock: TrialClock

    /// - Parameter span: The times of the provider's items; the stream begins before and is read after.
    init(
        _ manifest: Manifest, _ facts: StreamFacts, _ connection: ConnectionRecord, _ workspace: WorkspaceRecord,
        span: ClosedRange<Timestamp>, base: RoleContext, transport: any HTTPTransport
    ) {
        stream = StreamRecord(
            id: .make(), workspace: workspace.id, connection: connection.id, connector: manifest.name,
            name: facts.name, entity: facts.entity, pollEvery: 3600,
            createdAt: span.lowerBound.advanced(bySeconds: -86_400))
        self.workspace = workspace
        target = FetchTarget(
            stream, connection: connection, workspace: workspace, manifest: manifest, vault: base.vault)
        let clock = TrialClock(span.upperBound.advanced(bySeconds: 3600))
        self.clock = clock
        let context = RoleContext(
            log: base.log, database: base.database, transport: transport, directory: base.directory,
            vault: base.vault, connectors: base.connectors, metrics: base.metrics, logger: base.logger,
            publicURL: base.publicURL, now: { clock.now })
        equipment = FetchEquipment(
            context: context, settings: .trial, store: FetcherStore(database: base.database),
            // One that opened would only hide what comes after.
            gates: ConnectionGates(breaker: CircuitBreaker(threshold: .max)), metrics: FetcherMetrics(base.metrics))
    }

    var now: Timestamp { clock.now }

    /// One turn, as a process that has just started takes it; afterwards the clock stands where the next may begin.
    func turn() async throws -> Ending {
        let begun = clock.now
        let expiry = begun.advanced(bySeconds: Double(equipment.settings.leaseSeconds))
        guard
            let lease = try await equipment.store.acquire(stream.id, holder: "conformance", now: begun, until: expiry)
        else { throw ReadFailure.lost }
        var visit = StreamVisit(
            lane: .live, stream: stream, target: target, lease: lease, equipment: equipment, mustYield: { false })
        let ending: Ending
        do {
            ending = try await visit.run() ? .caughtUp : .restless
        } catch let failure as ReadFailure {
            ending = .failed(failure)
        }
        try await equipment.store.release(lease)
        if case .failed(.quota(let until)) = ending { clock.advance(to: until) }
        clock.advance(to: begun.advanced(bySeconds: 60))
        return ending
    }

    /// Turns until the stream is caught up or fails for good; how the last one ended.
    func turns(atMost limit: Int = 10) async throws -> Ending {
        var ending = try await turn()
        var count = 1
        while ending != .caughtUp, count < limit {
            if case .failed(.permanent) = ending { return ending }
            ending = try await turn()
            count += 1
        }
        return ending
    }

    /// What the log holds of this stream.
    func taken() async throws -> [Taken] {
        var taken: [Taken] = []
        let log = equipment.context.log
        for bounds in try await log.bounds(of: .raw) {
            var next = bounds.first
            while next < bounds.end {
                let records = try await log.read(.raw, partition: bounds.partition, from: next, limit: 1000)
                guard !records.isEmpty else { break }
                for i in 0..<records.count where records.headers(at: i)[RawHeader.stream] == stream.id.rawValue {
                    taken.append(
                        Taken(
                            key: String(decoding: records.key(at: i) ?? [], as: UTF8.self),
                            headers: records.headers(at: i), value: Array(records.value(at: i) ?? [])))
                }
                next = records.offset(at: records.count - 1) + 1
            }
        }
        return taken
    }
}

/// Stands still but for being moved.
private final class TrialClock: Sendable {
    private let time: Mutex<Timestamp>
    init(_ time: Timestamp) { self.time = Mutex(time) }
    var now: Timestamp { time.withLock { $0 } }
    func advance(to later: Timestamp) { time.withLock { $0 = max($0, later) } }
}

extension FetcherSettings {
    /// Waits end the turn, so that the clock and not the machine waits.
    fileprivate static var trial: FetcherSettings {
        var settings = FetcherSettings()
        settings.retries = 1
        settings.firstPause = 0.001
        settings.longestPause = 0.01
        settings.longestWaitInHand = 0
        settings.keepsRequestBounds = false
        settings.checkpointEvery = 0
        return settings
    }
}
