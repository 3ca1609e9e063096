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

    /// - Parameters:
    ///   - engine: What its database is; nil is what the environment says.
    ///   - wrap: Stands between the service and its database.
    init(
        folder: TemporaryFolder? = nil, engine: TestDatabase.Engine? = nil,
        wrap: (any Database) -> any Database = { $0 }
    ) async throws {
        self.folder = try folder ?? TemporaryFolder()
        log = try SQLiteLog(folder: self.folder.file("log"))
        try await log.create(Topic.all)
        let path = self.folder.file("workspace.sqlite")
        let stored =
            if let engine {
                try await TestDatabase.open(path, on: engine)
            } else {
                try await TestDatabase.open(path)
            }
        database = wrap(stored)
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
    func serve(settings: WorkspaceSettings = WorkspaceSettings(), _ body: (TestClient) async throws -> Void)
        async throws
    {
        let first = try await WorkspaceRole.bootstrap(context)
        let role = try await WorkspaceRole.build(context, settings: settings)
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
            try ManifestLoader.load(yaml: hooked, file: "hooked.yaml"),
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

    /// Polled, and pushed by a webhook that we make.
    private static let hooked = """
        connector: hooked
        version: 1
        title: Test tracker
        summary: A tracker that tests serve, which has its webhooks made by programs.
        spec:
          connection:
            - {name: base_url, type: url, title: Address, required: true}
            - {name: token, secret: true, title: Token}
          stream:
            - {name: project, title: Project, required: true}
        auth:
          bearer: "{{config.token}}"
        check: {url: "{{config.base_url|trim_slash}}/check"}
        read:
          - name: issues
            request: {url: "{{config.base_url|trim_slash}}/issues"}
            items: issues
            id: id
            instance: {host: config.base_url}
            position: created_at
            cursor: {kind: full}
        receive:
          signatures:
            - {algorithm: hmac, hash: sha256, encoding: hex, header: X-Signature, signed: "{body}"}
          subscribe:
            when: {exists: config.token}
            permission: to change webhooks
            list:
              request: {url: "{{config.base_url|trim_slash}}/projects/{{entity.project}}/hooks"}
              items: hooks
              id: id
              url: target
            create:
              url: "{{config.base_url|trim_slash}}/projects/{{entity.project}}/hooks"
              headers: {Content-Type: application/json}
              body: '{"target": {{hook.url|json}}, "secret": {{hook.secret|json}}, "name": {{hook.name|json}}}'
            id: id
            delete: {url: "{{config.base_url|trim_slash}}/projects/{{entity.project}}/hooks/{{hook.id}}"}
        normalise:
          - shape: issue
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
