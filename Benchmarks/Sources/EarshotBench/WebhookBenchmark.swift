import ArgumentParser
import Common
import Connectors
import Crypto
import Foundation
import Glibc
import Hummingbird
import Logging
import SQLiteDatabase
import SQLiteLog
import ServiceKit
import ServiceLifecycle
import Webhook

/// The front door: verified and durable webhooks beside the same server answering 202 with no work.
struct WebhookBenchmark: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "webhook", abstract: "Post signed webhooks of 1 KB with wrk: requests a second, and time to 202.")

    @Option(help: "Connections at a time.") var connections = 64
    @Option(help: "Seconds of each round.") var seconds = 3
    @Option(help: "Rounds; the middle one counts.") var rounds = 5

    func run() async throws {
        let folder = FileManager.default.temporaryDirectory.path + "/earshot-bench-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        var logger = Logger(label: "bench")
        logger.logLevel = .critical

        let log = try SQLiteLog(folder: folder + "/log")
        try await log.create(Topic.all)
        let directory = Directory(log: log, logger: logger)
        let hook = try SignedStream()
        try await directory.publish(hook.records)
        let metrics = Metrics()
        let webhook = try await WebhookRole.build(
            RoleContext(
                log: log, database: try SQLiteDatabase(path: folder + "/webhook.sqlite"), transport: Unused(),
                directory: directory, vault: hook.vault, connectors: ConnectorRegistry([hook.manifest]),
                metrics: metrics, logger: logger, publicURL: "http://127.0.0.1"))
        let nothing = Role(
            name: "nothing",
            routes: { router in
                router.post("/nothing") { request, _ in
                    _ = try await request.body.collect(upTo: 1 << 20)
                    return HTTPResponse.Status.accepted
                }
            })
        let (ports, listening) = AsyncStream.makeStream(of: Int.self)
        let server = HTTPServer(
            HTTPServerSettings(port: 0), roles: [webhook, nothing], authenticator: Authenticator(directory: directory),
            log: log, metrics: metrics, logger: logger, onListening: { listening.yield($0) })
        let group = ServiceGroup(services: webhook.services + [server], logger: logger)
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            tasks.addTask { try await group.run() }
            for await port in ports {
                try await measure(hook, port: port, folder: folder, log: log)
                break
            }
            await group.triggerGracefulShutdown()
            try await tasks.waitForAll()
        }
        await log.close()
    }

    private func measure(_ hook: SignedStream, port: Int, folder: String, log: SQLiteLog) async throws {
        let script = folder + "/post.lua"
        var idle: [Load] = []
        var working: [Load] = []
        var accepted = 0
        for round in 0..<rounds {
            try hook.script(round: round).write(toFile: script, atomically: true, encoding: .utf8)
            idle.append(try await load("http://127.0.0.1:\(port)/nothing", script))
            let before = try await records(log)
            working.append(try await load("http://127.0.0.1:\(port)/hooks/\(hook.stream.id)", script))
            accepted += try await records(log) - before
        }
        let none = median(idle.map(\.requests))
        print(
            "POST of \(hook.body.count) bytes, \(connections) connections, wrk on the same machine, middle of \(rounds) rounds of \(seconds) s"
        )
        var table = Table("", "requests/s", "p50 ms", "p99 ms", "CPU µs a request", "of no work", "wanted")
        func add(_ name: String, _ loads: [Load], wanted: String) {
            let rate = median(loads.map(\.requests))
            table.add(
                name, grouped(rate), fixed(median(loads.map(\.p50)), 2), fixed(median(loads.map(\.p99)), 2),
                fixed(median(loads.map { $0.processorSeconds / Double(max(1, $0.total)) }) * 1e6, 1),
                fixed(rate / none, 2), wanted)
        }
        add("202 with no work", idle, wanted: "")
        add("verified and durable", working, wanted: "0.50")
        table.show()
        let answered = working.reduce(0) { $0 + $1.total }
        print(
            "on the log \(grouped(Double(accepted))), answered \(grouped(Double(answered))), refused \(working.reduce(0) { $0 + $1.errors })"
        )
        guard accepted >= answered else { throw BenchmarkFailure(what: "more was acknowledged than is on the log") }
    }

    private func records(_ log: SQLiteLog) async throws -> Int {
        Int(try await log.bounds(of: .raw).reduce(0) { $0 + $1.end })
    }

    private struct Load: Sendable {
        var requests, p50, p99: Double
        var total, errors: Int
        /// CPU time of the server, which is this process.
        var processorSeconds = 0.0
    }

    private static func processorSeconds() -> Double {
        var time = timespec()
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
    }

    /// Runs wrk, which ends with one line of figures.
    private func load(_ url: String, _ script: String) async throws -> Load {
        guard
            let wrk = ["/usr/bin/wrk", "/usr/local/bin/wrk", "/opt/homebrew/bin/wrk"].first(
                where: FileManager.default.isExecutableFile)
        else { throw BenchmarkFailure(what: "wrk is not installed; `apt-get install wrk`") }
        let arguments = ["-t1", "-c\(connections)", "-d\(seconds)s", "--latency", "-s", script, url]
        let used = Self.processorSeconds()
        var load = try await run(wrk, arguments)
        load.processorSeconds = Self.processorSeconds() - used
        return load
    }

    private func run(_ program: String, _ arguments: [String]) async throws -> Load {
        try await withCheckedThrowingContinuation { continuation in
            Thread.detachNewThread {
                continuation.resume(
                    with: Result {
                        let process = Process()
                        process.executableURL = URL(fileURLWithPath: program)
                        process.arguments = arguments
                        let pipe = Pipe()
                        process.standardOutput = pipe
                        try process.run()
                        let text = String(decoding: pipe.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
                        process.waitUntilExit()
                        let figures =
                            text.split(separator: "\n").last?.split(separator: " ").compactMap { Double($0) } ?? []
                        guard figures.count == 5 else { throw BenchmarkFailure(what: "wrk said: \(text)") }
                        return Load(
                            requests: figures[0], p50: figures[1], p99: figures[2], total: Int(figures[3]),
                            errors: Int(figures[4]))
                    })
            }
        }
    }
}

/// A stream with a secret, and deliveries signed with it.
private struct SignedStream {
    let vault: Vault
    let manifest: Manifest
    let stream: StreamRecord
    let records: [DirectoryRecord]
    let body: [UInt8]
    private let signature: String

    init() throws {
        vault = try Vault(masterKey: [UInt8](repeating: 7, count: 32))
        let workspace = WorkspaceRecord(
            id: .make(), account: .make(), name: "Bench", createdAt: .now, sealedKey: try vault.makeSealedKey())
        let secret = "a secret of some length"
        stream = StreamRecord(
            id: .make(), workspace: workspace.id, connection: .make(), connector: "signed", name: "signed",
            webhookSecrets: [.init(sealed: try vault.seal(Secret(secret), sealedKey: workspace.sealedKey))],
            createdAt: .now)
        manifest = Manifest(
            name: "signed", version: 1, title: "Signed", summary: "",
            receive: Receiver(
                signatures: [SignatureScheme(header: "X-Signature", prefix: "sha256=")], deliveryID: ["X-Delivery"]),
            normalise: Normalisation(shapes: []))
        records = [.workspace(workspace), .stream(stream)]
        let start = #"{"id":"4711","created_at":"2026-01-31T10:11:12Z","author":{"name":"Ada"},"rating":2,"text":""#
        body = Array((start + String(repeating: "The export fails. ", count: 60)).prefix(1022).utf8) + Array("\"}".utf8)
        let code = HMAC<SHA256>.authenticationCode(for: body, using: SymmetricKey(data: Array(secret.utf8)))
        signature = code.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }

    /// Every request is a delivery of its own.
    func script(round: Int) -> String {
        """
        wrk.method = "POST"
        wrk.body = [==[\(String(decoding: body, as: UTF8.self))]==]
        wrk.headers["Content-Type"] = "application/json"
        wrk.headers["X-Signature"] = "sha256=\(signature)"
        local n = 0
        function request()
           n = n + 1
           wrk.headers["X-Delivery"] = "\(round)-" .. n
           return wrk.format()
        end
        function done(summary, latency)
           local e = summary.errors
           print(string.format("%.1f %.3f %.3f %d %d", summary.requests / summary.duration * 1e6, latency:percentile(50) / 1000,
              latency:percentile(99) / 1000, summary.requests, e.status + e.connect + e.read + e.write + e.timeout))
        end
        """
    }
}

private struct Unused: HTTPTransport {
    func send(_ request: OutgoingRequest) async throws(HTTPTransportError) -> IncomingResponse {
        throw .connectionFailed("not used")
    }
}
