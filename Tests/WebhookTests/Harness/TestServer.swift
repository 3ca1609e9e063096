import ByteJSON
import Common
import Connectors
import Crypto
import Foundation
import LocalFiles
import Logging
import SQLiteLog
import ServiceKit
import ServiceLifecycle
import Synchronization
import TestKit
import Webhook

/// The webhook role behind the real HTTP server, on a real log in a folder of its own.
struct TestServer: Sendable {
    let port: Int
    let log: any EventLog
    let directory: Directory
    let metrics: Metrics
    let world: World

    /// Starts a server, hands it to `body`, and stops it.
    ///
    /// - Parameters:
    ///   - transport: By which files that are elsewhere are fetched.
    ///   - log: What stands before the real log, to make it fail.
    static func run(
        _ world: World, settings: WebhookSettings = .init(), folder: Folder? = nil,
        now: (@Sendable () -> Timestamp)? = nil, transport: any HTTPTransport = NoTransport(),
        log wrap: (any EventLog) -> any EventLog = { $0 },
        database wrapDatabase: (any Database) -> any Database = { $0 }, _ body: (TestServer) async throws -> Void
    ) async throws {
        let folder = try folder ?? Folder()
        var logger = Logger(label: "test")
        logger.logLevel = .critical
        let store = try SQLiteLog(folder: folder.path + "/log")
        do {
            let log = wrap(store)
            try await log.create(Topic.all)
            let directory = Directory(log: log, logger: logger)
            try await directory.load()
            try await directory.publish(world.records)
            let metrics = Metrics()
            let role = try await WebhookRole.build(
                RoleContext(
                    log: log, database: wrapDatabase(try await TestDatabase.open(folder.path + "/webhook.sqlite")),
                    transport: transport, directory: directory, vault: world.vault,
                    connectors: ConnectorRegistry(world.manifests), metrics: metrics, logger: logger,
                    publicURL: "https://hooks.example.org",
                    files: try LocalFiles(folder: folder.path + "/files"), now: now ?? { .now }),
                settings: settings)
            let (ports, listening) = AsyncStream.makeStream(of: Int.self)
            let server = HTTPServer(
                HTTPServerSettings(port: 0), roles: [role], authenticator: Authenticator(directory: directory),
                log: log, metrics: metrics, logger: logger, onListening: { listening.yield($0) })
            let group = ServiceGroup(services: role.services + [server], logger: logger)
            try await withThrowingTaskGroup(of: Void.self) { tasks in
                tasks.addTask { try await group.run() }
                for await port in ports {
                    do {
                        try await body(
                            TestServer(port: port, log: log, directory: directory, metrics: metrics, world: world))
                    } catch {
                        await group.triggerGracefulShutdown()
                        throw error
                    }
                    break
                }
                await group.triggerGracefulShutdown()
                try await tasks.waitForAll()
            }
        } catch {
            await store.close()
            throw error
        }
        await store.close()
    }

    /// All raw events, in the order of partitions and offsets.
    func rawEvents() async throws -> [RawEvent] {
        var events: [RawEvent] = []
        for bounds in try await log.bounds(of: .raw) {
            var at = bounds.first
            while at < bounds.end {
                let batch = try await log.read(.raw, partition: bounds.partition, from: at, limit: 1000)
                for i in 0..<batch.count {
                    events.append(
                        RawEvent(
                            key: batch.key(at: i).map { String(decoding: $0, as: UTF8.self) },
                            headers: batch.headers(at: i), value: Array(batch.value(at: i) ?? [])))
                }
                at = batch.offset(at: batch.count - 1) + 1
            }
        }
        return events
    }

    func send(
        _ method: String = "POST", _ path: String, headers: [String: String] = [:], body: [UInt8] = []
    ) async throws -> Answer {
        try await RawHTTP(port: port).send(method, path, headers: headers, body: body)
    }

    /// Posts a delivery of the signed stream, rightly signed.
    func deliver(_ text: String, id: String? = nil, headers: [String: String] = [:]) async throws -> Answer {
        let body = Array(text.utf8)
        var all = ["Content-Type": "application/json", "X-Signature": World.signature(of: body, World.secret)]
        if let id { all["X-Delivery"] = id }
        return try await send("POST", "/hooks/\(world.signed.id)", headers: all.merging(headers) { $1 }, body: body)
    }
}

struct RawEvent: Sendable {
    let key: String?
    let headers: RecordHeaders
    let value: [UInt8]
    var text: String { String(decoding: value, as: UTF8.self) }
}

/// A folder that goes away with the last reference to it.
final class Folder: Sendable {
    let path: String

    init() throws {
        path = NSTemporaryDirectory() + "earshot-webhook-" + UUID().uuidString
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }
}

/// Sends nothing.
struct NoTransport: HTTPTransport {
    func send(_ request: OutgoingRequest) async throws(HTTPTransportError) -> IncomingResponse {
        throw .connectionFailed("this test sends nothing")
    }
}

/// A log that refuses appends to the raw topic while it is told to, and tells how many it let through.
final class FaultyLog: ForwardingLog {
    let base: any EventLog
    private let state: Mutex<(isDown: Bool, delay: Duration, appends: Int)>

    init(_ log: any EventLog, isDown: Bool = false, delay: Duration = .zero) {
        base = log
        state = Mutex((isDown, delay, 0))
    }

    var appends: Int { state.withLock { $0.appends } }
    func set(isDown: Bool) { state.withLock { $0.isDown = isDown } }

    func append(_ batch: RecordBatch, to topic: Topic) async throws -> [LogPosition] {
        guard topic == .raw else { return try await base.append(batch, to: topic) }
        let (isDown, delay) = state.withLock { state in
            if !state.isDown { state.appends += 1 }
            return (state.isDown, state.delay)
        }
        if delay > .zero { try await Task.sleep(for: delay) }
        if isDown { throw EventLogError.unavailable("told to fail") }
        return try await base.append(batch, to: topic)
    }
}
