public import Common
public import Logging
public import ServiceLifecycle
import Synchronization

/// An event log with a spool in front: while the log is away, records of one topic wait in another log, which is near.
///
/// What `append` returned for is durable: on the log, or in the spool behind all that waits there. While the log
/// answers, an append goes to it and nowhere else. Everything but appends of that topic is the log's own affair.
///
/// ```swift
/// let spooled = try await SpooledLog(over: kafka, spool: SQLiteLog(folder: "data/spool"), settings, logger: logger)
/// ```
/// As a service it forwards what waits; put it behind the log and before those that use it. Who made the two logs
/// closes them.
public final class SpooledLog: EventLog, Service {
    static let waiting = Topic(name: "spool.waiting", retention: .days(0), partitions: 1)

    let log: any EventLog
    let store: any EventLog
    let settings: SpoolSettings
    let logger: Logger
    let start: SpoolPosition
    let copy: TopicCopy?
    let state: Mutex<State>
    /// Rings when something went to the spool, or may have to.
    let bell: AsyncStream<Void>
    private let ring: AsyncStream<Void>.Continuation

    struct State {
        var gate: SpoolGate
        var ends: LogEnds
        var oldest: Timestamp?
        var forwarded = 0
        var refused = 0
        /// Since when the log is away, how many records went on since then, and whether it was told that the spool is
        /// full.
        var since = ContinuousClock.now
        var forwardedBefore = 0
        var isFullTold = false
        /// Whether the log was away when this process began and has not been seen yet: then what is asked of it is
        /// answered from the copy, or done later.
        var awaitsLog = false
        var toBeCreated: [Topic] = []
    }

    /// Opens a spool, with what a process before this one left in it.
    ///
    /// - Parameters:
    ///   - store: A log of this process's own, for nothing else; it is asked for topics of its own.
    public init(
        over log: any EventLog, spool store: any EventLog, _ settings: SpoolSettings, logger: Logger
    ) async throws {
        self.log = log
        self.store = store
        self.settings = settings
        self.logger = logger
        try await store.create([Self.waiting, SpoolPosition.topic, Forwarder.refused])
        var gate = SpoolGate(maximumBytes: settings.maximumBytes, patience: settings.patience)
        start = try await SpoolPosition.load(from: store) ?? SpoolPosition()
        let (records, bytes, oldest) = try await Self.measure(store, from: start.next)
        gate.found(records: records, bytes: bytes)
        var copy: TopicCopy?
        if let topic = settings.copied { copy = try await TopicCopy(of: topic, in: store) }
        self.copy = copy
        var awaitsLog = false
        if let copy, !copy.isEmpty, case .unavailable(let reason) = await log.health() {
            logger.warning("the event log is away: beginning from a copy", metadata: ["reason": "\(reason)"])
            awaitsLog = true
            gate.close(reason: reason)
        }
        state = Mutex(State(gate: gate, ends: start.ends, oldest: oldest, awaitsLog: awaitsLog))
        (bell, ring) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        if records > 0 {
            logger.warning(
                "records wait in the spool", metadata: ["records": "\(records)", "bytes": "\(bytes)"])
        }
        if gate.reason != nil { ring.yield() }
    }

    private static func measure(_ store: any EventLog, from: Int64) async throws -> (Int, Int, Timestamp?) {
        var (count, bytes, at) = (0, 0, from)
        var oldest: Timestamp?
        while true {
            let records = try await store.read(waiting, partition: 0, from: at, limit: 1000)
            guard !records.isEmpty else { return (count, bytes, oldest) }
            if oldest == nil { oldest = records.timestamp(at: 0) }
            count += records.count
            bytes += records.recordBytes
            at = records.offset(at: records.count - 1) + 1
        }
    }

    /// How the spool is now.
    public var spool: SpoolState {
        state.withLock { state in
            var spool = SpoolState()
            spool.records = state.gate.records
            spool.bytes = state.gate.bytes
            spool.oldest = state.gate.records > 0 ? state.oldest : nil
            spool.forwarded = state.forwarded
            spool.refused = state.refused
            spool.reason = state.gate.reason
            return spool
        }
    }

    /// Appends to the log, or to the spool while the log is away.
    ///
    /// - Returns: Where the records went; partition and offset are -1 for what went to the spool.
    @discardableResult
    public func append(_ batch: RecordBatch, to topic: Topic) async throws -> [LogPosition] {
        guard topic == settings.topic, !batch.isEmpty else { return try await log.append(batch, to: topic) }
        let bytes = batch.recordBytes
        let (route, ends) = state.withLock { state in
            let wasOpen = state.gate.reason == nil
            let route = state.gate.route(records: batch.count, bytes: bytes, now: .now)
            if wasOpen, let reason = state.gate.reason { begin(&state, reason) }
            if route == .full { tellFull(&state) }
            return (route, state.ends)
        }
        switch route {
        case .log: break
        case .spool:
            try await spool(batch, bytes: bytes)
            return Self.unknown(batch.count)
        case .full: throw full
        }
        do {
            let positions = try await log.append(batch, to: topic)
            state.withLock { state in
                state.gate.taken(now: .now)
                state.ends.note(positions)
            }
            return positions
        } catch let error as EventLogError where error.isOfTheRecords {
            state.withLock { $0.gate.refused(now: .now) }
            throw error
        } catch {
            let marked = try Suspicion.mark(batch, ends: ends)
            let bytes = marked.recordBytes
            let hasRoom = state.withLock { state in
                let wasOpen = state.gate.reason == nil
                let hasRoom = state.gate.failed(records: batch.count, bytes: bytes, reason: "\(error)")
                if wasOpen { begin(&state, "\(error)") }
                if !hasRoom { tellFull(&state) }
                return hasRoom
            }
            guard hasRoom else { throw full }
            try await spool(marked, bytes: bytes)
            return Self.unknown(batch.count)
        }
    }

    /// Appends to the spool what the gate has let in.
    private func spool(_ batch: RecordBatch, bytes: Int) async throws {
        defer { ring.yield() }
        do {
            for entry in batch.entries where entry.length > settings.maximumRecordBytes {
                throw EventLogError.recordTooLarge(bytes: entry.length, limit: settings.maximumRecordBytes)
            }
            try await store.append(batch, to: Self.waiting)
        } catch {
            state.withLock { $0.gate.left(records: batch.count, bytes: bytes) }
            throw error
        }
        state.withLock { if $0.oldest == nil { $0.oldest = .now } }
    }

    private static func unknown(_ count: Int) -> [LogPosition] {
        [LogPosition](repeating: LogPosition(partition: -1, offset: -1), count: count)
    }

    private var full: EventLogError {
        .unavailable("the log is away, and \(settings.maximumBytes >> 20) MiB wait in the spool; send it again later")
    }

    func begin(_ state: inout State, _ reason: String) {
        state.since = .now
        state.forwardedBefore = state.forwarded
        state.isFullTold = false
        logger.warning("the event log is away: what comes waits in the spool", metadata: ["reason": "\(reason)"])
        ring.yield()
    }

    private func tellFull(_ state: inout State) {
        guard !state.isFullTold else { return }
        state.isFullTold = true
        logger.error(
            "the spool is full: senders are refused until the event log is back",
            metadata: ["bytes": "\(state.gate.bytes)"])
    }
}

extension RecordBatch {
    /// Bytes of all keys, headers and values.
    fileprivate var recordBytes: Int { entries.reduce(0) { $0 + $1.length } }
}

extension EventLogError {
    /// Whether the records are what is wrong, or the caller, and no spool mends it.
    fileprivate var isOfTheRecords: Bool {
        switch self {
        case .recordTooLarge, .closed: true
        case .unavailable, .denied, .fenced, .unknownTopic, .topicMismatch, .corrupt: false
        }
    }
}
