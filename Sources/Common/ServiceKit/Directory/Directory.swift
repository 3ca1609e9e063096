public import Common
import Foundation
public import Logging
public import ServiceLifecycle
import Synchronization

/// This process's copy of workspaces, connections, streams, keys and stream states.
///
/// It follows the compacted topics `earshot.connections` and `earshot.stream-status` from the beginning, so that no
/// service needs another one to be up. Reads are of one consistent state and cost a lock.
public final class Directory: Service, Sendable {
    private struct State {
        var snapshot = Snapshot()
        /// Next offset to be read, by topic.
        var positions: [Topic: Int64] = [:]
        /// Workspaces that were looked for on the log and are not there: their records are gone for good.
        var absent: Set<WorkspaceID> = []
        /// Those who want to know of changes.
        var watchers: [UUID: AsyncStream<Void>.Continuation] = [:]
        /// The reading that those who miss something wait for, until it begins.
        var catchingUp: Task<Void, any Error>?
        /// The one before it.
        var caughtUp: Task<Void, any Error>?
    }

    private let log: any EventLog
    private let logger: Logger
    private let state = Mutex(State())

    public init(log: any EventLog, logger: Logger) {
        self.log = log
        self.logger = logger
    }

    /// What is known now.
    public var current: Snapshot { state.withLock { $0.snapshot } }

    /// The revision of ``current``, for those who prepared something from it.
    public var revision: Int64 { state.withLock { $0.snapshot.revision } }

    /// Yields after changes of workspaces, connections, streams or keys; several that nobody waited for are one.
    public func changes() -> AsyncStream<Void> {
        let (changes, watcher) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        let id = UUID()
        watcher.onTermination = { [self] _ in state.withLock { _ = $0.watchers.removeValue(forKey: id) } }
        state.withLock { $0.watchers[id] = watcher }
        return changes
    }

    /// Reads both topics to their ends. Call it once before anything is served.
    ///
    /// A log that is away by then leaves the states of streams to ``run()``: nobody needs them to begin.
    public func load() async throws {
        while try await readMore(of: .connections) {}
        do {
            while try await readMore(of: .streamStatus) {}
        } catch EventLogError.unavailable(let reason) {
            logger.warning("the states of streams are not known yet", metadata: ["reason": "\(reason)"])
        }
    }

    /// What is known, of this stream too if the log does: what was made a moment ago, by another process, may not have
    /// come here by itself yet.
    ///
    /// - Throws: What the log throws, if the stream is not known and the log cannot be read.
    public func current(with stream: StreamID) async throws -> Snapshot {
        let snapshot = current
        if snapshot.streams[stream] != nil { return snapshot }
        try await catchUp()
        return current
    }

    /// What is known, of these workspaces too if the log does. Whose feedback is handled by rules must know them first.
    ///
    /// - Throws: What the log throws, if a workspace is not known and the log cannot be read.
    public func current(with workspaces: Set<WorkspaceID>) async throws -> Snapshot {
        let missing = state.withLock { state in
            workspaces.filter { state.snapshot.workspaces[$0] == nil && !state.absent.contains($0) }
        }
        guard !missing.isEmpty else { return current }
        try await catchUp()
        return state.withLock { state in
            if state.absent.count > Self.absentLimit { state.absent.removeAll() }
            state.absent.formUnion(missing.filter { state.snapshot.workspaces[$0] == nil })
            return state.snapshot
        }
    }

    private static let absentLimit = 10_000

    /// Reads both topics to their ends, a few times a second at most, however many ask for what does not exist.
    private func catchUp() async throws {
        try await state.withLock { state in
            if let waiting = state.catchingUp { return waiting }
            let next = Task { [before = state.caughtUp] in
                if let before {
                    _ = await before.result
                    try await Task.sleep(for: .milliseconds(250))
                }
                self.state.withLock { state in
                    state.caughtUp = state.catchingUp
                    state.catchingUp = nil
                }
                try await self.load()
            }
            state.catchingUp = next
            return next
        }.value
    }

    /// Follows the topics until shutdown.
    public func run() async throws {
        await cancelWhenGracefulShutdown {
            await withTaskGroup(of: Void.self) { group in
                for topic in [Topic.connections, .streamStatus] {
                    group.addTask { await self.follow(topic) }
                }
            }
        }
    }

    /// Appends records, and tombstones of those that nobody needs any more, and waits until this copy knows them.
    ///
    /// - Throws: What the log throws. The records may have been appended all the same; publishing them again is
    ///   harmless.
    public func publish(_ records: [DirectoryRecord], forgetting ids: [String] = []) async throws {
        guard !records.isEmpty || !ids.isEmpty else { return }
        var batch = RecordBatch()
        for record in records { batch.append(key: record.id, value: try Self.encode(record)) }
        for id in ids { batch.appendTombstone(key: id) }
        let positions = try await log.append(batch, to: .connections)
        guard let last = positions.map(\.offset).max() else { return }
        while isBehind(last, of: .connections), try await readMore(of: .connections) {}
    }

    /// Appends a stream's state; this copy knows it at once.
    public func publish(_ status: StreamStatus) async throws {
        var batch = RecordBatch()
        batch.append(key: status.stream.rawValue, value: try Self.encode(status))
        try await log.append(batch, to: .streamStatus)
        state.withLock { $0.snapshot.statuses[status.stream] = status }
    }

    /// Appends why a stream's events of one raw partition cannot be parsed, nil if they can again; this copy knows it
    /// at once.
    public func publish(trouble: StreamStatus?, of stream: StreamID, partition: Int) async throws {
        let key = TroubleKey(stream: stream, partition: partition)
        var batch = RecordBatch()
        if let trouble {
            batch.append(key: key.text, value: try Self.encode(trouble))
        } else {
            batch.appendTombstone(key: key.text)
        }
        try await log.append(batch, to: .streamStatus)
        state.withLock { $0.snapshot.troubles[stream, default: [:]][partition] = trouble }
    }

    private static func encode(_ value: some Encodable) throws -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return Array(try encoder.encode(value))
    }

    private func isBehind(_ offset: Int64, of topic: Topic) -> Bool {
        state.withLock { $0.positions[topic, default: 0] <= offset }
    }

    /// Applies what the log wakes us for. Each follower is a group of its own that commits nothing: it knows from its
    /// own copy where it is.
    private func follow(_ topic: Topic) async {
        let group = ConsumerGroup("directory-\(UUID().uuidString.lowercased())")
        while !Task.isCancelled {
            do {
                let consumer = try await log.consumer(of: topic, group: group) { _ in
                    self.state.withLock { $0.positions[topic, default: 0] }
                }
                do {
                    while !Task.isCancelled {
                        let batches = try await consumer.next(limit: 1000, wait: .seconds(30))
                        for batch in batches { apply(batch.records, of: topic, next: batch.next) }
                        if batches.isEmpty { try await requireNothingWaits(on: topic) }
                    }
                } catch {
                    await consumer.close()
                    throw error
                }
                await consumer.close()
            } catch {
                guard !Task.isCancelled, !(error is CancellationError) else { return }
                logger.warning("following \(topic) failed; trying again", metadata: ["error": "\(error)"])
                try? await Task.sleep(for: .seconds(1))
            }
        }
    }

    /// - Throws: ``EventLogError/unavailable(_:)`` if the topic goes on and the follower is given nothing.
    private func requireNothingWaits(on topic: Topic) async throws {
        let position = state.withLock { $0.positions[topic, default: 0] }
        guard let bounds = try? await log.bounds(of: topic).first, bounds.end > max(position, bounds.first) else {
            return
        }
        throw EventLogError.unavailable("records of \(topic) wait and none is given out: joining anew")
    }

    /// - Returns: Whether there was anything.
    private func readMore(of topic: Topic) async throws -> Bool {
        let from = state.withLock { $0.positions[topic, default: 0] }
        let records = try await log.read(topic, partition: 0, from: from, limit: 1000)
        guard !records.isEmpty else { return false }
        apply(records, of: topic, next: records.offset(at: records.count - 1) + 1)
        return true
    }

    private func apply(_ records: RecordBatch, of topic: Topic, next: Int64) {
        let decoder = JSONDecoder()
        let watchers = state.withLock { state in
            let before = state.snapshot.revision
            for i in 0..<records.count where records.offset(at: i) >= state.positions[topic, default: 0] {
                let key = String(decoding: records.key(at: i) ?? [], as: UTF8.self)
                do {
                    if let value = records.value(at: i) {
                        try state.snapshot.apply(Data(value), key: key, of: topic, decoder)
                    } else {
                        state.snapshot.remove(key: key)
                    }
                } catch {
                    logger.error(
                        "a record of \(topic) cannot be read and is passed over",
                        metadata: [
                            "offset": "\(records.offset(at: i))", "error": "\(error)",
                        ])
                }
            }
            state.positions[topic] = max(next, state.positions[topic, default: 0])
            return state.snapshot.revision == before ? [] : Array(state.watchers.values)
        }
        for watcher in watchers { watcher.yield() }
    }
}
