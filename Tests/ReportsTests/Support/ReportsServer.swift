import ByteJSON
import Common
import Connectors
import Foundation
import HTTPTypes
import Hummingbird
import LocalFiles
import Logging
import SQLiteLog
import ServiceKit
import ServiceLifecycle
import Synchronization
import TestKit

@testable import Reports

#if canImport(FoundationNetworking)
    import FoundationNetworking
#endif

/// The reports role behind the real HTTP server, fed through a real log.
struct ReportsServer: Sendable {
    let port: Int
    let log: SQLiteLog
    let directory: Directory
    let database: any Database
    let files: any FileStorage

    var store: ReportsStore { ReportsStore(database: database) }

    static let accounts = ["ws_a": "ac_a", "ws_b": "ac_b"]

    /// Starts a server with a workspace and a stream for each account, hands it to `body`, and stops it.
    ///
    /// - Parameter files: Where files are kept; nil is a folder.
    static func run(
        settings: ReportsSettings = .quick, transport: any HTTPTransport = NoTransport(),
        mail: (any MailTransport)? = nil, files: (any FileStorage)? = nil,
        now: @escaping @Sendable () -> Timestamp = { Timestamp("2021-03-01")! },
        _ body: (ReportsServer) async throws -> Void
    ) async throws {
        let folder = try TemporaryFolder()
        let files = try files ?? LocalFiles(folder: folder.file("files"))
        var logger = Logger(label: "test")
        logger.logLevel = .critical
        let log = try SQLiteLog(folder: folder.file("log"))
        let database = try await TestDatabase.open(folder.file("reports.sqlite"))
        do {
            try await log.create(Topic.all)
            let directory = Directory(log: log, logger: logger)
            try await directory.load()
            let vault = try Vault(masterKey: Array(repeating: 7, count: 32))
            try await directory.publish(records(vault))
            let metrics = Metrics()
            let role = try await ReportsRole.build(
                RoleContext(
                    log: log, database: database, transport: transport, directory: directory,
                    vault: vault, connectors: ConnectorRegistry([]), metrics: metrics, logger: logger,
                    publicURL: "https://earshot.example.org", mail: mail, files: files, now: now),
                settings: settings)
            let callers = Role(name: "callers", routes: { $0.add(middleware: CallerByHeader()) })
            let (ports, listening) = AsyncStream.makeStream(of: Int.self)
            let server = HTTPServer(
                HTTPServerSettings(port: 0), roles: [callers, role], authenticator: Authenticator(directory: directory),
                log: log, metrics: metrics, logger: logger, onListening: { listening.yield($0) })
            try await withRunning(Together(services: role.services), server, logger: logger) {
                for await port in ports {
                    try await body(
                        ReportsServer(
                            port: port, log: log, directory: directory, database: database, files: files))
                    break
                }
            }
        } catch {
            await log.close()
            throw error
        }
        await log.close()
    }

    private static func records(_ vault: Vault) throws -> [DirectoryRecord] {
        try accounts.flatMap { workspace, account -> [DirectoryRecord] in
            let id = WorkspaceID(workspace)!
            return [
                .workspace(
                    WorkspaceRecord(
                        id: id, account: AccountID(account)!, name: workspace, createdAt: Timestamp(seconds: 0),
                        sealedKey: try vault.makeSealedKey())),
                .stream(
                    StreamRecord(
                        id: StreamID("st_\(workspace.dropFirst(3))")!, workspace: id, connection: ConnectionID("cn_a")!,
                        connector: "discourse", name: "Forum", createdAt: Timestamp(seconds: 0))),
            ]
        }
    }

    /// Puts items on the feedback topic as the parser would, and waits until they are settled.
    func send(_ items: [Item], firstOffset: Int64 = 0) async throws {
        var batch = RecordBatch()
        for (index, item) in items.enumerated() {
            let feedback = item.feedback(raw: .init(partition: 0, offset: firstOffset + Int64(index), item: 0))
            var writer = JSONWriter()
            feedback.write(to: &writer)
            batch.append(key: feedback.id.rawValue, value: writer.bytes)
        }
        try await log.append(batch, to: .feedback)
        try await settle()
    }

    /// Waits until everything on the feedback topic is in the tables.
    func settle() async throws {
        try await waitUntil("feedback is settled") {
            let positions = try await store.positions()
            return try await log.bounds(of: .feedback).allSatisfy { $0.end == positions[$0.partition] ?? 0 }
        }
    }

    struct Answer: Sendable {
        var status: Int
        var bytes: [UInt8]
        var json: JSON { (try? JSONDocument(parsing: bytes)).map { JSON($0.root) } ?? .null }
        var detail: String { json["detail"]?.string ?? "" }
    }

    func ask(
        _ path: String, method: String = "GET", account: String? = "ac_a", scopes: String = "read",
        body: String? = nil, headers: [String: String] = [:]
    ) async throws -> Answer {
        var request = request(method, path, account, scopes, body)
        for (name, value) in headers { request.setValue(value, forHTTPHeaderField: name) }
        let (data, response) = try await URLSession.shared.data(for: request)
        return Answer(status: (response as? HTTPURLResponse)?.statusCode ?? 0, bytes: Array(data))
    }

    /// Asks for an export of everything.
    ///
    /// - Returns: Its id.
    func askForExport(_ more: String = "") async throws -> String {
        let asked = try await ask(
            "/v1/reports", method: "POST", scopes: "read,manage",
            body:
                #"{"workspace_id":"ws_a","kind":"verbatims_export","format":"csv","from":"2020-01-01","to":"2022-01-01"\#(more)}"#
        )
        guard asked.status == 202, let id = asked.json["report_id"]?.string else { throw Refused(answer: asked) }
        return id
    }

    struct Refused: Error { let answer: Answer }

    /// Waits for the end of a report.
    func end(of report: String) async throws -> JSON {
        try await waitUntil("\(report) is over") {
            let state = try await ask("/v1/reports/\(report)").json["state"]?.string
            return state != "REQUESTED" && state != "RUNNING"
        }
        return try await ask("/v1/reports/\(report)").json
    }

    func report(_ query: String, account: String = "ac_a") async throws -> InsightReport {
        let answer = try await ask("/GetInsightReports?\(query)", account: account)
        return try JSONDecoder().decode(InsightReport.self, from: Data(answer.bytes))
    }

    /// Listens to a path.
    func listen(_ path: String, account: String, headers: [String: String] = [:]) -> Listener {
        var request = request("GET", path, account, "read", nil)
        for (name, value) in headers { request.setValue(value, forHTTPHeaderField: name) }
        return Listener(request)
    }

    private func request(_ method: String, _ path: String, _ account: String?, _ scopes: String, _ body: String?)
        -> URLRequest
    {
        var request = URLRequest(url: URL(string: "http://127.0.0.1:\(port)\(path)")!)
        request.httpMethod = method
        request.httpBody = body.map { Data($0.utf8) }
        if body != nil { request.setValue("application/json", forHTTPHeaderField: "Content-Type") }
        request.setValue(account, forHTTPHeaderField: CallerByHeader.account.rawName)
        request.setValue(scopes, forHTTPHeaderField: CallerByHeader.scopes.rawName)
        return request
    }
}

/// Reads an answer that does not end.
final class Listener: NSObject, URLSessionDataDelegate, Sendable {
    private let bytes = Mutex<[UInt8]>([])
    private let session = Mutex<URLSession?>(nil)

    init(_ request: URLRequest) {
        super.init()
        let session = URLSession(configuration: .ephemeral, delegate: self, delegateQueue: nil)
        self.session.withLock { $0 = session }
        session.dataTask(with: request).resume()
    }

    var text: String { String(decoding: bytes.withLock { $0 }, as: UTF8.self) }

    func close() { session.withLock { $0?.invalidateAndCancel() } }

    func urlSession(_ session: URLSession, dataTask: URLSessionDataTask, didReceive data: Data) {
        bytes.withLock { $0 += data }
    }
}

/// Takes the caller from headers: who is who is tested elsewhere.
private struct CallerByHeader: RouterMiddleware {
    static let account = HTTPField.Name("X-Test-Account")!
    static let scopes = HTTPField.Name("X-Test-Scopes")!

    func handle(
        _ request: Request, context: APIContext, next: (Request, APIContext) async throws -> Response
    ) async throws -> Response {
        var context = context
        if let account = request.headers[Self.account].flatMap({ AccountID($0) }) {
            let scopes = request.headers[Self.scopes]?.split(separator: ",").compactMap { Scope(rawValue: String($0)) }
            context.caller = Caller(account: account, token: TokenID("tk_a")!, scopes: Set(scopes ?? []))
        }
        return try await next(request, context)
    }
}

/// Runs services side by side as one.
private struct Together: Service {
    let services: [any Service]

    func run() async throws {
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            for service in services { tasks.addTask { try await service.run() } }
            try await tasks.waitForAll()
        }
    }
}

struct NoTransport: HTTPTransport {
    func send(_ request: OutgoingRequest) async throws(HTTPTransportError) -> IncomingResponse {
        throw .connectionFailed("reports send nothing")
    }
}

extension ReportsSettings {
    /// Looks for jobs often, summarises days at once.
    static var quick: ReportsSettings {
        var settings = ReportsSettings()
        settings.summaryPause = 0
        settings.jobs.poll = 0.05
        return settings
    }
}
