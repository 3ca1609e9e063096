import ByteJSON
import Common
import Connectors
import CurlTransport
import Logging
import SQLiteLog
import ServiceKit
import ServiceLifecycle
import TestKit

@testable import Fetcher

/// A fetcher on a real log and a real database in a folder of its own, and one stream that it reads.
struct Bench: Sendable {
    let folder: TemporaryFolder
    let log: any EventLog
    let database: any Database
    let directory: Directory
    let transport: CurlTransport
    let metrics = Metrics()
    let faults: Faults
    let workspace: WorkspaceRecord
    let connection: ConnectionRecord
    private(set) var stream: StreamRecord
    let context: RoleContext
    var settings = FetcherSettings()

    static let created = Timestamp(milliseconds: 1_700_000_000_000)

    init(
        connector: String, config: [String: JSON], entity: [String: JSON] = [:],
        manifests: [Manifest] = ConnectorLibrary().manifests,
        secrets: [String: JSON]? = nil, pollEvery: Int? = 3600, backfillSince: Timestamp? = nil,
        createdAt: Timestamp = created, now: @escaping @Sendable () -> Timestamp = { .now }
    ) async throws {
        var logger = Logger(label: "test")
        logger.logLevel = .critical
        folder = try TemporaryFolder()
        faults = Faults()
        log = FaultyLog(try SQLiteLog(folder: folder.file("log")), faults)
        database = FaultyDatabase(try await TestDatabase.open(folder.file("fetcher.sqlite")), faults)
        try await log.create(Topic.all)
        let vault = try Vault(masterKey: [UInt8](repeating: 7, count: 32))
        let sealedKey = try vault.makeSealedKey()
        workspace = WorkspaceRecord(
            id: .make(), account: .make(), name: "Test", createdAt: createdAt, sealedKey: sealedKey)
        connection = ConnectionRecord(
            id: .make(), workspace: workspace.id, connector: connector, config: config,
            sealedSecrets: try secrets.map {
                try vault.seal(Secret(String(decoding: JSON.object($0).bytes, as: UTF8.self)), sealedKey: sealedKey)
            })
        stream = StreamRecord(
            id: .make(), workspace: workspace.id, connection: connection.id, connector: connector, name: "Stream",
            entity: entity, pollEvery: pollEvery, backfillSince: backfillSince, createdAt: createdAt)
        directory = Directory(log: log, logger: logger)
        try await directory.publish([.workspace(workspace), .connection(connection), .stream(stream)])
        transport = CurlTransport(policy: .any)
        context = RoleContext(
            log: log, database: database, transport: transport, directory: directory, vault: vault,
            connectors: ConnectorRegistry(manifests), metrics: metrics, logger: logger,
            publicURL: "http://127.0.0.1", now: now)
        try await database.migrate(Migration.fetcher)
        settings.firstPause = 0.001
        settings.longestPause = 0.01
        settings.longestWaitInHand = 0
        settings.keepsRequestBounds = false
        settings.checkpointEvery = 0
    }

    var store: FetcherStore { FetcherStore(database: database) }

    func equipment(breaker: CircuitBreaker = CircuitBreaker()) -> FetchEquipment {
        FetchEquipment(
            context: context, settings: settings, store: store, gates: ConnectionGates(breaker: breaker),
            metrics: FetcherMetrics(metrics))
    }

    /// The same bench after its stream was changed.
    func reading(_ stream: StreamRecord) -> Bench {
        var bench = self
        bench.stream = stream
        return bench
    }

    /// One turn at a lane, as a process that has just started takes it.
    @discardableResult
    func visit(
        _ lane: Lane = .live, equipment: FetchEquipment? = nil, mustYield: @escaping @Sendable () -> Bool = { false }
    ) async throws -> Bool {
        let equipment = equipment ?? self.equipment()
        let now = context.now()
        do {
            guard let manifest = context.connectors[stream.connector],
                let lease = try await store.acquire(
                    stream.id, holder: "test", now: now, until: now.advanced(bySeconds: 60))
            else { throw ReadFailure.lost }
            let target = FetchTarget(
                stream, connection: connection, workspace: workspace, manifest: manifest, vault: context.vault)
            var visit = StreamVisit(
                lane: lane, stream: stream, target: target, lease: lease, equipment: equipment, mustYield: mustYield)
            if lane == .backfill { try await visit.prepareBackfill(for: nil) }
            let isFinished = try await visit.run()
            try await store.release(lease)
            return isFinished
        } catch {
            faults.disarm()
            try await store.releaseAll()  // as the next start does
            throw error
        }
    }

    /// Runs the whole role while `body` works.
    func running<Value: Sendable>(_ body: () async throws -> Value) async throws -> Value {
        let role = try await FetcherRole.build(context, settings: settings)
        return try await withRunning(directory, role.services[0], role.services[1], logger: context.logger, body)
    }

    /// Everything on `earshot.raw`.
    func raw() async throws -> [RawRecord] {
        var records: [RawRecord] = []
        for bounds in try await log.bounds(of: .raw) {
            var next = bounds.first
            while next < bounds.end {
                let batch = try await log.read(.raw, partition: bounds.partition, from: next, limit: 1000)
                guard !batch.isEmpty else { break }
                for i in 0..<batch.count {
                    records.append(
                        RawRecord(
                            key: batch.key(at: i).map { String(decoding: $0, as: UTF8.self) },
                            headers: batch.headers(at: i), value: Array(batch.value(at: i) ?? [])))
                }
                next = batch.offset(at: batch.count - 1) + 1
            }
        }
        return records
    }

    func cursor(_ lane: Lane = .live) async throws -> LaneCursor? {
        try await store.checkpoint(stream.id, lane)?.cursor
    }

    func status() -> StreamStatus? { directory.current.statuses[stream.id] }
}

struct RawRecord: Sendable {
    let key: String?
    let headers: RecordHeaders
    let value: [UInt8]
    var json: JSONValue? { try? JSONDocument(parsing: value).root }
    /// The provider's numeric id.
    var id: Int64? { json?["id"]?.int64 }
}

// MARK: - Crashes

/// Counts the steps at which a process can die, and dies at one of them.
final class Faults: Sendable {
    struct Crash: Error {}
    private let state = Shared((count: 0, at: Int?.none))

    var count: Int { state.value.count }
    func arm(at step: Int?) { state.with { $0 = (0, step) } }
    func disarm() { state.with { $0.at = nil } }

    func step() throws {
        let dies = state.with { state in
            state.count += 1
            return state.count == state.at
        }
        if dies { throw Crash() }
    }
}

/// A real log before and after whose appends a crash can happen.
private struct FaultyLog: ForwardingLog {
    let base: any EventLog
    let faults: Faults
    init(_ base: any EventLog, _ faults: Faults) {
        self.base = base
        self.faults = faults
    }

    func append(_ batch: RecordBatch, to topic: Topic) async throws -> [LogPosition] {
        guard topic == .raw else { return try await base.append(batch, to: topic) }
        try faults.step()
        let positions = try await base.append(batch, to: topic)
        try faults.step()
        return positions
    }
}

/// A real database before and after whose transactions a crash can happen.
private struct FaultyDatabase: Database {
    let base: any Database
    let faults: Faults
    init(_ base: any Database, _ faults: Faults) {
        self.base = base
        self.faults = faults
    }

    var dialect: Dialect { base.dialect }
    func read<Value: Sendable>(_ body: @escaping @Sendable (any DatabaseConnection) throws -> Value) async throws
        -> Value
    {
        try await base.read(body)
    }
    func write<Value: Sendable>(_ body: @escaping @Sendable (any DatabaseConnection) throws -> Value) async throws
        -> Value
    {
        try faults.step()
        let value = try await base.write(body)
        try faults.step()
        return value
    }
    func notifications(_ channel: String) -> AsyncStream<Void> { base.notifications(channel) }
    func migrate(_ migrations: [Migration]) async throws { try await base.migrate(migrations) }
    func close() async throws { try await base.close() }
}
