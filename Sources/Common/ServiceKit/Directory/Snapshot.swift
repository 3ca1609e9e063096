public import Common
import Foundation

extension Directory {
    /// What is known at one point of the topics.
    public struct Snapshot: Sendable {
        public fileprivate(set) var workspaces: [WorkspaceID: WorkspaceRecord] = [:]
        public fileprivate(set) var connections: [ConnectionID: ConnectionRecord] = [:]
        public fileprivate(set) var streams: [StreamID: StreamRecord] = [:]
        public fileprivate(set) var keys: [String: VerificationKeyRecord] = [:]
        public fileprivate(set) var revoked: Set<TokenID> = []
        /// How far and how well streams are read, as the fetcher tells it.
        public internal(set) var statuses: [StreamID: StreamStatus] = [:]
        /// Why streams cannot be parsed, one a raw partition that has trouble with them.
        public internal(set) var troubles: [StreamID: [Int: StreamStatus]] = [:]
        /// Grows with each change of workspaces, connections, streams or keys.
        public fileprivate(set) var revision: Int64 = 0

        /// How far and how well a stream is read: failing also where what was read cannot be parsed.
        public func status(of stream: StreamID) -> StreamStatus? {
            let status = statuses[stream]
            guard let trouble = troubles[stream]?.min(by: { $0.key < $1.key })?.value else { return status }
            guard var status, status.state != .failing else { return status ?? trouble }
            status.state = .failing
            status.since = trouble.since
            status.reason = trouble.reason
            status.at = max(status.at, trouble.at)
            return status
        }

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
            else { throw Problem.notFound("no workspace \(id) in this account; `GET /v1/workspaces` lists them") }
            return workspace
        }

        /// The workspaces that a list is of: the one that `workspace_id` names, or all that the caller may see; nil is all
        /// there are.
        public func workspaces(_ query: Query, for caller: Caller) throws -> [WorkspaceID]? {
            if let id = try query.identifier("workspace_id", of: WorkspaceKind.self) {
                return [try workspace(id, for: caller).id]
            }
            if caller.scopes.contains(.admin) { return nil }
            return workspaces.values.filter { $0.account == caller.account && !$0.isDeleted }.map(\.id)
        }

        /// A stream that this caller may see.
        ///
        /// - Throws: ``Problem`` 404 as ``workspace(_:for:)``.
        public func stream(_ id: StreamID, for caller: Caller) throws -> StreamRecord {
            guard let stream = streams[id], stream.status != .deleted,
                (try? workspace(stream.workspace, for: caller)) != nil
            else { throw Problem.notFound("no stream \(id) in this account; `GET /v1/streams` lists them") }
            return stream
        }
    }
}

extension Directory.Snapshot {
    mutating func apply(_ value: Data, key: String, of topic: Topic, _ decoder: JSONDecoder) throws {
        if topic == .connections {
            apply(try decoder.decode(DirectoryRecord.self, from: value))
        } else {
            let status = try decoder.decode(StreamStatus.self, from: value)
            if let trouble = TroubleKey(key) {
                troubles[trouble.stream, default: [:]][trouble.partition] = status
            } else {
                statuses[status.stream] = status
            }
        }
    }

    private mutating func apply(_ record: DirectoryRecord) {
        revision += 1
        switch record {
        case .workspace(let record): workspaces[record.id] = record
        case .connection(let record): connections[record.id] = record
        case .stream(let record): streams[record.id] = record
        case .key(let record): keys[record.keyID] = record
        case .revocation(let record): revoked.insert(record.token)
        }
    }

    /// Forgets the record of this key: a tombstone says that nobody needs it any more.
    mutating func remove(key: String) {
        revision += 1
        if let id = WorkspaceID(key) { workspaces[id] = nil }
        if let id = ConnectionID(key) { connections[id] = nil }
        if let id = StreamID(key) {
            streams[id] = nil
            statuses[id] = nil
            troubles[id] = nil
        }
        if let trouble = TroubleKey(key) { troubles[trouble.stream]?[trouble.partition] = nil }
        if let id = TokenID(key) { revoked.remove(id) }
        if key.hasPrefix("key_") { keys[String(key.dropFirst(4))] = nil }
    }
}

/// The key of a record that tells why a stream cannot be parsed: `st_…/parser/2`, by raw partition.
struct TroubleKey: Sendable, Hashable {
    let stream: StreamID
    let partition: Int

    init(stream: StreamID, partition: Int) {
        self.stream = stream
        self.partition = partition
    }

    init?(_ key: String) {
        let parts = key.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 3, parts[1] == "parser", let stream = StreamID(parts[0]), let partition = Int(parts[2])
        else { return nil }
        self.init(stream: stream, partition: partition)
    }

    var text: String { "\(stream.rawValue)/parser/\(partition)" }
}
