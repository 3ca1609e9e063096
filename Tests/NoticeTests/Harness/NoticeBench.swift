import ByteJSON
import Common
import Connectors
import CurlTransport
import Logging
import SQLiteLog
import ServiceKit
import Synchronization
import TestKit
import Testing

@testable import Notices

/// Notices on a real database, with real transports and a clock that tests move.
final class NoticeBench: Sendable {
    /// What changes while a test runs.
    final class World: Sendable {
        private let clock = Mutex(Timestamp("2026-01-05T12:00:00Z")!)
        /// Whether what notices are about is there.
        let isThere = Mutex(true)
        var now: Timestamp { clock.withLock { $0 } }
        func pass(_ seconds: Double) { clock.withLock { $0 = $0.advanced(bySeconds: seconds) } }
    }

    let folder: TemporaryFolder
    let database: any Database
    let notices: Notices
    let jobs: JobEngine
    let world = World()
    let workspace = WorkspaceID("ws_a")!
    private let log: SQLiteLog

    init(_ engine: TestDatabase.Engine = .sqlite, mail: (any MailTransport)? = nil) async throws {
        folder = try TemporaryFolder()
        database = try await TestDatabase.open(folder.file("notices.sqlite"), on: engine)
        try await database.migrate([
            Migration(1, "jobs") { try JobSchema.create(on: $0) },
            Migration(2, "providers") { try JobSchema.addProviders(on: $0) },
            Migration(3, "notices") { try NoticeSchema.create(on: $0) },
        ])
        log = try SQLiteLog(folder: folder.file("log"))
        try await log.create(Topic.all)
        let directory = Directory(log: log, logger: .quiet)
        try await directory.load()
        let vault = try Vault(masterKey: Array(repeating: 7, count: 32))
        try await directory.publish([
            .workspace(
                WorkspaceRecord(
                    id: workspace, account: AccountID("ac_a")!, name: "Mobile", createdAt: Timestamp(seconds: 0),
                    sealedKey: try vault.makeSealedKey()))
        ])
        let world = world
        let context = RoleContext(
            log: log, database: database, transport: CurlTransport(policy: .any), directory: directory, vault: vault,
            connectors: ConnectorRegistry([]), metrics: Metrics(), logger: .quiet,
            publicURL: "https://earshot.example.org", mail: mail, now: { world.now })
        notices = Notices(context) { _ in
            world.isThere.withLock { $0 } ? .there(attachment: nil) : .gone("the report is not there any more")
        }
        var settings = JobSettings()
        settings.poll = 0.01
        jobs = JobEngine(
            database: database, definitions: [notices.definition], settings: settings, worker: "w1", metrics: Metrics(),
            logger: .quiet, now: { world.now })
    }

    /// Adds a channel.
    ///
    /// - Returns: It, and its secret.
    func channel(_ kind: Channel.Kind = .webhook, _ url: String) async throws -> (Channel, Secret) {
        let key = try #require(notices.directory.current.workspaces[workspace]?.sealedKey)
        let secret = StandardWebhook.makeSecret()
        let channel = Channel(
            id: .make(), workspace: workspace, kind: kind, name: "a channel", host: String(url.dropFirst(7)),
            sealedAddress: try notices.vault.seal(Secret(url), sealedKey: key),
            secrets: [.init(sealed: try notices.vault.seal(secret, sealedKey: key))], createdAt: world.now)
        try await database.write { try ChannelTable(connection: $0).insert(channel) }
        return (channel, secret)
    }

    func content(_ subject: String = "job_1") -> NoticeContent {
        NoticeContent(
            event: "report.completed", subject: subject, title: "The report is ready", text: "It is <big> & good.",
            facts: [.init("Feedback", "40")], quotes: ["Said\nin two lines"],
            link: .init("Open the report", "https://earshot.example.org/r?a=1&b=2"),
            data: ["report_id": .string(subject)])
    }

    /// Puts notices in line, and tells their ids in the order of the recipients.
    @discardableResult
    func put(_ subject: String = "job_1", to recipients: [Recipient]) async throws -> [NoticeID] {
        let content = content(subject)
        let found = try await database.write { [notices, workspace] connection in
            try notices.put(content, to: recipients, of: workspace, in: connection)
            return try NoticeTable(connection: connection).list(
                of: [workspace], recipient: nil, before: nil, limit: 100)
        }
        jobs.wake()
        return recipients.compactMap { recipient in
            found.first { $0.recipient == recipient && $0.content.subject == subject }?.id
        }
    }

    func notice(_ id: NoticeID) async throws -> (notice: Notice, job: Job, attempts: [NoticeAttempt]) {
        let found = try await database.read { connection in
            let table = NoticeTable(connection: connection)
            let notice = try table.notice(id)
            return (
                notice, try notice.flatMap { try JobTable(connection, at: .now).job($0.job) },
                try table.attempts(of: id)
            )
        }
        return (try #require(found.0), try #require(found.1), found.2)
    }

    /// Waits until a notice is where it is to be, with so many attempts behind it.
    @discardableResult
    func wait(for id: NoticeID, _ state: JobState, attempts: Int? = nil) async throws -> (
        notice: Notice, job: Job, attempts: [NoticeAttempt]
    ) {
        try await waitUntil("\(id) is \(state.rawValue)") {
            let now = try await self.notice(id)
            return now.job.state == state && (attempts ?? now.attempts.count) == now.attempts.count
        }
        return try await notice(id)
    }
}
