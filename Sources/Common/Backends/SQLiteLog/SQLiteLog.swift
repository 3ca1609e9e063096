public import Common
import Foundation
public import ServiceLifecycle
import Synchronization

/// The event log in one SQLite file, for a process that runs everything.
///
/// One thread commits appends in groups, other threads read; consumer groups live in this process. What `append`
/// returned for is on the disk: a killed process loses nothing of it.
///
/// ```swift
/// let log = try SQLiteLog(folder: "data/log")
/// try await log.create(Topic.all)
/// ```
/// As a service it applies retention every hour and closes at shutdown; put it before those that use it.
public final class SQLiteLog: EventLog, Service {
    /// Limits of a log.
    public struct Limits: Sendable {
        /// Largest record: key, headers and value together.
        public var recordBytes = 64 << 20
        /// Largest file; nil lets it grow to what the disk holds. The write-ahead log comes on top, up to some 128 MiB.
        public var fileBytes: Int?

        public init() {}
    }

    private let limits: Limits
    private let lock: FolderLock
    private let coordinator: Coordinator
    private let writer: LogWriter
    private let reader: LogReader
    private let checkpointer: Checkpointer

    /// Opens the log in a folder, or makes it.
    ///
    /// - Throws: ``EventLogError/unavailable(_:)`` if another process has it, or the folder cannot be written.
    public init(folder: String, limits: Limits = Limits()) throws {
        do {
            try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        } catch {
            throw EventLogError.unavailable("cannot make the folder \(folder): \(error.localizedDescription)")
        }
        lock = try FolderLock(folder: folder)
        let path = folder + "/log.sqlite"
        let connection = try LogConnection(path: path)
        try LogSchema.prepare(connection)
        if let bytes = limits.fileBytes {
            try connection.execute("PRAGMA max_page_count = \(max(16, bytes / LogSchema.pageSize))")
        }
        connection.watchWAL()
        coordinator = Coordinator(try LogSchema.topics(in: connection))
        checkpointer = try Checkpointer(connection: try LogConnection(path: path))
        reader = LogReader(connections: [try LogConnection(path: path), try LogConnection(path: path)])
        writer = LogWriter(connection: connection, coordinator: coordinator, checkpointer: checkpointer)
        self.limits = limits
    }

    deinit {
        _ = coordinator.close()
        writer.abandon()
        reader.abandon()
        checkpointer.abandon()
    }

    public func create(_ topics: [Topic]) async throws {
        try requireOpen()
        try await writer.perform { [coordinator] connection in
            for topic in topics { try coordinator.create(topic, in: connection) }
        }
    }

    @discardableResult
    public func append(_ batch: RecordBatch, to topic: Topic) async throws -> [LogPosition] {
        let state = try coordinator.topic(topic.name)
        if batch.isEmpty { return [] }
        for entry in batch.entries where entry.length > limits.recordBytes {
            throw EventLogError.recordTooLarge(bytes: entry.length, limit: limits.recordBytes)
        }
        let partitions = partition(batch, over: state)
        return try await writer.append(batch, to: topic.name, partitions: partitions)
    }

    public func consumer(
        of topic: Topic, group: ConsumerGroup, start: @escaping @Sendable (Int) async throws -> Int64?
    ) async throws -> any LogConsumer {
        let state = try coordinator.topic(topic.name)
        return SQLiteLogConsumer(
            id: try coordinator.join(group, of: topic.name), topic: state, group: group, start: start,
            coordinator: coordinator, reader: reader, writer: writer)
    }

    public func read(_ topic: Topic, partition: Int, from offset: Int64, limit: Int) async throws -> RecordBatch {
        let state = try coordinator.topic(topic.name)
        guard state.bounds.indices.contains(partition) else {
            throw EventLogError.unknownTopic("\(topic.name), partition \(partition)")
        }
        let stretch = Stretch(
            table: LogSchema.chunks(topic: state.id, partition: partition),
            from: max(offset, state.bounds[partition].first), end: state.bounds[partition].end, limit: max(0, limit),
            maximumBytes: 64 << 20)
        guard stretch.from < stretch.end, stretch.limit > 0 else { return RecordBatch() }
        return try await reader.perform { try $0.read(stretch).records }
    }

    public func bounds(of topic: Topic) async throws -> [PartitionBounds] {
        try coordinator.topic(topic.name).bounds
    }

    public func committed(_ group: ConsumerGroup, topic: Topic) async throws -> [Int64] {
        let state = try coordinator.topic(topic.name)
        let offsets = try await reader.perform { try $0.committed(group.name, topic: state.id) }
        return (0..<state.topic.partitions).map { offsets[$0] ?? 0 }
    }

    public func maintain(now: Timestamp) async throws {
        try requireOpen()
        let maintenance = Maintenance(coordinator: coordinator, writer: writer, reader: reader, now: now)
        for topic in coordinator.topics { try await maintenance.run(on: topic) }
        checkpointer.wake()
    }

    public func health() async -> LogHealth {
        if coordinator.isClosed { return .unavailable(reason: EventLogError.closed.description) }
        guard coordinator.failure != nil else { return .available }
        // The last commit failed: ask the disk again.
        do {
            try await writer.perform { [coordinator] connection in
                try connection.probe()
                coordinator.failure = nil
            }
            return .available
        } catch {
            return .unavailable(reason: "\(error)")
        }
    }

    /// Applies retention every hour until shutdown, then closes.
    public func run() async throws {
        await cancelWhenGracefulShutdown {
            while !Task.isCancelled {
                // What fails here shows in `health`; the next hour tries again.
                try? await self.maintain(now: .now)
                try? await Task.sleep(for: .seconds(3600))
            }
        }
        await close()
    }

    /// Commits what waits, ends the threads and lets go of the folder. Everything else throws
    /// ``EventLogError/closed`` from now on.
    public func close() async {
        guard coordinator.close() else { return }
        await writer.close()
        await reader.close()
        await checkpointer.close()
        lock.release()
    }

    private func requireOpen() throws {
        if coordinator.isClosed { throw EventLogError.closed }
    }

    private func partition(_ batch: RecordBatch, over topic: TopicState) -> [Int32] {
        let count = topic.topic.partitions
        guard count > 1 else { return [Int32](repeating: 0, count: batch.count) }
        let unkeyed = batch.entries.count { $0.keyLength < 0 }
        var next = unkeyed > 0 ? coordinator.spread(unkeyed, over: topic.topic.name) : 0
        return batch.arena.withUnsafeBufferPointer { arena in
            batch.entries.map { entry in
                if entry.keyLength < 0 {
                    next &+= 1
                    return Int32(next % count)
                }
                return Int32(
                    Partitioner.partition(forKey: arena[entry.start..<entry.start + entry.keyLength], of: count))
            }
        }
    }
}
