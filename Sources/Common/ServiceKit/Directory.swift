public import Common
public import Logging
public import ServiceLifecycle
import Foundation
import Synchronization

/// This process's copy of workspaces, connections, streams, keys and stream states.
///
/// It follows the compacted topics `earshot.connections` and `earshot.stream-status` from the beginning, so that no
/// service needs another one to be up. Reads are of one consistent state and cost a lock.
public final class Directory: Service, Sendable {
    /// What is known at one point of the topics.
    public struct Snapshot: Sendable {
        public fileprivate(set) var workspaces: [WorkspaceID: WorkspaceRecord] = [:]
        public fileprivate(set) var connections: [ConnectionID: ConnectionRecord] = [:]
        public fileprivate(set) var streams: [StreamID: StreamRecord] = [:]
        public fileprivate(set) var keys: [String: VerificationKeyRecord] = [:]
        public fileprivate(set) var revoked: Set<TokenID> = []
        public fileprivate(set) var statuses: [StreamID: StreamStatus] = [:]
        /// Grows with each change of workspaces, connections, streams or keys.
        public fileprivate(set) var revision: Int64 = 0

        /// The streams of a workspace, oldest first.
        public func streams(of workspace: WorkspaceID) -> [StreamRecord] {
            streams.values.filter { $0.workspace == workspace }.sorted { $0.id < $1.id }
        }

        /// A workspace that this caller may see.
        ///
        /// - Throws: ``Problem`` 404 whether it does not exist, is deleted or belongs to another account.
        public func workspace(_ id: WorkspaceID, for caller: Caller) throws -> WorkspaceRecord {
            guard let workspace = workspaces[id], !workspace.isDeleted,
                workspace.account == caller.account || caller.scopes.contains(.admin)
            else { throw Problem.notFound("no workspace \(id) in this account") }
            return workspace
        }

        /// A stream that this caller may see.
        ///
        /// - Throws: ``Problem`` 404 as ``workspace(_:for:)``.
        public func stream(_ id: StreamID, for caller: Caller) throws -> StreamRecord {
            guard let stream = streams[id], stream.status != .deleted,
                (try? workspace(stream.workspace, for: caller)) != nil
            else { throw Problem.notFound("no stream \(id) in this account") }
            return stream
        }
    }

    private struct State {
        var snapshot = Snapshot()
        /// Next offset to be read, by topic.
        var positions: [Topic: Int64] = [:]
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

    /// Reads both topics to their ends. Call it once before anything is served.
    public func load() async throws {
        for topic in [Topic.connections, .streamStatus] {
            while try await readMore(of: topic) {}
        }
    }

    /// Follows the topics until shutdown.
    public func run() async throws {
        await withTaskGroup(of: Void.self) { group in
            for topic in [Topic.connections, .streamStatus] {
                group.addTask { await self.follow(topic) }
            }
        }
    }

    /// Appends records and waits until this copy knows them.
    public func publish(_ records: [DirectoryRecord]) async throws {
        var batch = RecordBatch()
        for record in records { batch.append(key: record.id, value: try Self.encode(record)) }
        let positions = try await log.append(batch, to: .connections)
        if let last = positions.map(\.offset).max() { await reach(last, of: .connections) }
    }

    /// Appends a stream's state; this copy knows it at once.
    public func publish(_ status: StreamStatus) async throws {
        var batch = RecordBatch()
        batch.append(key: status.stream.rawValue, value: try Self.encode(status))
        try await log.append(batch, to: .streamStatus)
        state.withLock { $0.snapshot.statuses[status.stream] = status }
    }

    private static func encode(_ value: some Encodable) throws -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return Array(try encoder.encode(value))
    }

    /// Waits until the record at `offset` is known, reading it if the follower has not yet.
    private func reach(_ offset: Int64, of topic: Topic) async {
        while state.withLock({ $0.positions[topic, default: 0] <= offset }) {
            guard (try? await readMore(of: topic)) == true else { return }
        }
    }

    private func follow(_ topic: Topic) async {
        while !Task.isCancelled {
            do {
                let consumer = try await log.consumer(of: topic, group: ConsumerGroup("directory-\(UUID().uuidString)")) { _ in
                    self.state.withLock { $0.positions[topic, default: 0] }
                }
                while !Task.isCancelled {
                    for batch in try await consumer.next(limit: 1000, wait: .seconds(30)) {
                        apply(batch.records, of: topic, next: batch.next)
                    }
                }
                await consumer.close()
            } catch is CancellationError {
                return
            } catch {
                logger.warning("following \(topic) failed; trying again", metadata: ["error": "\(error)"])
                try? await Task.sleep(for: .seconds(1))
            }
        }
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
        state.withLock { state in
            for i in 0..<records.count where records.offset(at: i) >= state.positions[topic, default: 0] {
                guard let value = records.value(at: i) else { continue }
                do {
                    if topic == .connections {
                        state.snapshot.apply(try decoder.decode(DirectoryRecord.self, from: Data(value)))
                    } else {
                        let status = try decoder.decode(StreamStatus.self, from: Data(value))
                        state.snapshot.statuses[status.stream] = status
                    }
                } catch {
                    logger.error("a record of \(topic) cannot be read and is passed over", metadata: [
                        "offset": "\(records.offset(at: i))", "error": "\(error)",
                    ])
                }
            }
            state.positions[topic] = max(next, state.positions[topic, default: 0])
        }
    }
}

extension Directory.Snapshot {
    fileprivate mutating func apply(_ record: DirectoryRecord) {
        revision += 1
        switch record {
        case .workspace(let record): workspaces[record.id] = record
        case .connection(let record): connections[record.id] = record
        case .stream(let record): streams[record.id] = record
        case .key(let record): keys[record.keyID] = record
        case .revocation(let record): revoked.insert(record.token)
        }
    }
}
