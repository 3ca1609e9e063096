import ByteJSON
import Common
import Connectors
import CurlTransport
import Foundation
import Logging
import SQLiteLog
import ServiceKit
import ServiceLifecycle
import TestKit
import Testing
import Workspace

/// The Workspace service with everything real around it, in a folder of its own.
struct Office {
    static let masterKey = [UInt8](repeating: 7, count: 32)

    let folder: TemporaryFolder
    let log: SQLiteLog
    let database: any Database
    let directory: Directory
    let vault: Vault
    let connectors: ConnectorRegistry
    /// What the service takes for the time.
    var now: @Sendable () -> Timestamp = { .now }
    private let transport = CurlTransport(policy: .allowing(TestConnectors.loopback))

    init(folder: TemporaryFolder? = nil) async throws {
        self.folder = try folder ?? TemporaryFolder()
        log = try SQLiteLog(folder: self.folder.file("log"))
        try await log.create(Topic.all)
        database = try await TestDatabase.open(self.folder.file("workspace.sqlite"))
        directory = Directory(log: log, logger: .quiet)
        try await directory.load()
        vault = try Vault(masterKey: Self.masterKey)
        connectors = ConnectorRegistry(try TestConnectors.load())
    }

    var context: RoleContext {
        RoleContext(
            log: log, database: database, transport: transport, directory: directory, vault: vault,
            connectors: connectors, metrics: Metrics(), logger: .quiet, publicURL: "https://earshot.example.org",
            now: now)
    }

    /// Runs the service behind its HTTP server; the client has the operator's token.
    func serve(_ body: (TestClient) async throws -> Void) async throws {
        let first = try await WorkspaceRole.bootstrap(context)
        let role = try await WorkspaceRole.build(context)
        let token: String
        if let first {
            token = first.token.reveal()
        } else {
            token = try await WorkspaceRole.createToken(
                database: database, vault: vault, account: WorkspaceRole.firstAccount, scopes: [.admin]
            ).token.reveal()
        }
        try await withServer(
            [role], authenticator: Authenticator(directory: directory), log: log,
            services: [directory] + role.services, logger: .quiet
        ) { try await body($0.with(token: token)) }
    }

    /// A token of another customer.
    func token(account: String, scopes: Set<Scope> = [.manage, .read, .write]) async throws -> String {
        try await WorkspaceRole.createToken(database: database, vault: vault, account: account, scopes: scopes)
            .token.reveal()
    }

    /// What the others know of a workspace.
    func workspace(_ id: String) throws -> WorkspaceRecord {
        try #require(WorkspaceID(id).flatMap { directory.current.workspaces[$0] })
    }

    /// What the others know of a stream.
    func stream(_ id: String) throws -> StreamRecord {
        try #require(StreamID(id).flatMap { directory.current.streams[$0] })
    }

    /// Closes what holds files, as the end of a process does.
    func close() async throws {
        await log.close()
        try await database.close()
    }
}

extension Logger {
    /// Says nothing.
    static var quiet: Logger { Logger(label: "quiet") { _ in SwiftLogNoOpLogHandler() } }
}

/// Connectors of our own making, for a provider that tests serve on loopback.
enum TestConnectors {
    static let loopback = [Network("127.0.0.0/8")].compactMap { $0 }

    static func load() throws -> [Manifest] {
        [
            try ManifestLoader.load(yaml: polled, file: "polled.yaml"),
            try ManifestLoader.load(yaml: pushed, file: "pushed.yaml"),
        ]
    }

    /// Polled with a key, and pushed.
    private static let polled = """
        connector: polled
        version: 1
        title: Test forum
        summary: A forum that tests serve.
        spec:
          connection:
            - {name: base_url, type: url, title: Address, required: true}
            - {name: api_key, secret: true, title: API key}
          stream:
            - {name: board, title: Board}
        auth:
          headers: {Api-Key: "{{config.api_key}}"}
        check: {url: "{{config.base_url|trim_slash}}/check"}
        discover:
          request: {url: "{{config.base_url|trim_slash}}/boards"}
          items: boards
          entity: {board: slug}
          title: name
        read:
          - name: posts
            request: {url: "{{config.base_url|trim_slash}}/posts"}
            items: posts
            id: id
            instance: {host: config.base_url}
            position: created_at
            cursor: {kind: full}
        receive:
          signatures:
            - {algorithm: hmac, hash: sha256, encoding: hex, header: X-Signature, signed: "{body}"}
          delivery_id: x-delivery-id
        normalise:
          - shape: post
            fields: {instance: {host: config.base_url}, external_id: id, text: text, created_at: created_at}
        """

    /// Only pushed.
    private static let pushed = """
        connector: pushed
        version: 1
        title: Test form
        summary: A form that tests fill in.
        receive:
          signatures:
            - {algorithm: hmac, hash: sha256, encoding: hex, header: X-Signature, signed: "{body}"}
          delivery_id: x-delivery-id
        normalise:
          - shape: item
            like: feedback
        """
}
