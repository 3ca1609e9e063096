import ByteJSON
public import Common
import Foundation
public import ServiceKit

/// Tells people and programs outside what happened: an outbox that is written in the transaction of what happened, and
/// a kind of job that delivers.
public struct Notices: Sendable {
    public static let kind = "notice"

    /// What an operator can set.
    public struct Settings: Sendable, Codable, Hashable {
        /// Bytes of a file up to which it goes with the mail; a larger one is behind the link.
        public var maximumAttachment = 5 << 20
        /// Channels that a workspace may have.
        public var maximumChannels = 50
        /// Seconds between attempts; the last step is followed by the last attempt.
        public var ladder: [Double] = [5, 300, 1800, 7200, 18_000, 36_000, 50_400, 72_000, 86_400]

        public init() {}
    }

    let database: any Database
    let directory: Directory
    let vault: Vault
    let mail: (any MailTransport)?
    let settings: Settings
    let now: @Sendable () -> Timestamp
    private let sending: NoticeSending
    private let subject: @Sendable (Notice) async throws -> NoticeSubject

    /// - Parameter subject: What a notice is about, as it is now.
    public init(
        _ context: RoleContext, settings: Settings = Settings(),
        subject: @escaping @Sendable (Notice) async throws -> NoticeSubject
    ) {
        database = context.database
        directory = context.directory
        vault = context.vault
        mail = context.mail
        now = context.now
        self.settings = settings
        sending = NoticeSending(
            transport: context.transport, mail: context.mail, maximumAttachment: settings.maximumAttachment)
        self.subject = subject
    }

    // MARK: - The outbox

    /// Puts a notice for each recipient in line, in the transaction of what it tells. Who has been told, or is going to be,
    /// is not told again; channels that are not there are left out.
    public func put(
        _ content: NoticeContent, to recipients: [Recipient], of workspace: WorkspaceID,
        in connection: any DatabaseConnection
    ) throws {
        for recipient in recipients {
            guard let provider = try provider(of: recipient, in: workspace, connection) else { continue }
            let id = NoticeID.make(at: now())
            let job = try enqueue(id, workspace, provider: provider, in: connection)
            let notice = Notice(
                id: id, workspace: workspace, recipient: recipient, content: content, createdAt: now(), job: job)
            if try !NoticeTable(connection: connection).insert(notice) { try withdraw(job, in: connection) }
        }
    }

    /// Has a notice delivered once more, whatever became of it.
    func redeliver(_ notice: Notice, in connection: any DatabaseConnection) throws -> Notice? {
        guard let provider = try provider(of: notice.recipient, in: notice.workspace, connection) else { return nil }
        let job = try enqueue(notice.id, notice.workspace, provider: provider, in: connection)
        let table = NoticeTable(connection: connection)
        try table.set(job: job, of: notice.id)
        return try table.notice(notice.id)
    }

    private func enqueue(
        _ id: NoticeID, _ workspace: WorkspaceID, provider: String, in connection: any DatabaseConnection
    ) throws -> JobID {
        var request = JobRequest(Self.kind, workspace: workspace, payload: ["notice_id": .string(id.rawValue)])
        request.provider = provider
        request.priority = 7
        return try JobTable(connection, at: now()).enqueue(request, deadline: definition.deadline).job.id
    }

    private func withdraw(_ job: JobID, in connection: any DatabaseConnection) throws {
        let table = JobTable(connection, at: now())
        _ = try table.cancel(job, reason: "this was told already")
        _ = try table.delete(job)
    }

    /// Whom a delivery needs; nil if there is no such channel in the workspace.
    private func provider(
        of recipient: Recipient, in workspace: WorkspaceID, _ connection: any DatabaseConnection
    ) throws -> String? {
        switch recipient {
        case .address: return mail?.server ?? "mail"
        case .channel(let id):
            guard let channel = try ChannelTable(connection: connection).channel(id), channel.workspace == workspace
            else { return nil }
            return channel.host
        }
    }

    /// Reads whom a request names.
    ///
    /// - Throws: ``Problem`` 400 naming the one that is wrong.
    public func recipients(_ texts: [String], of workspace: WorkspaceID) async throws -> [Recipient] {
        var recipients: [Recipient] = []
        for text in texts {
            guard let recipient = Recipient(text) else {
                throw Problem.badRequest(
                    "`notify` has \(text), which is no address such as ann@example.org and no channel such as ch_…",
                    errors: [("/notify", "an address or a channel's id")])
            }
            switch recipient {
            case .address:
                guard mail != nil else {
                    throw Problem.badRequest(
                        "no mail can be sent: the operator sets EARSHOT_MAIL_URL=smtp://…",
                        errors: [("/notify", "no mail server is set")])
                }
            case .channel(let id):
                let found = try await database.read { try ChannelTable(connection: $0).channel(id) }
                guard let found, found.workspace == workspace else {
                    throw Problem.notFound("no channel \(id) in \(workspace); `GET /v1/channels` lists them")
                }
            }
            if !recipients.contains(recipient) { recipients.append(recipient) }
        }
        guard recipients.count <= 50 else { throw Problem.badRequest("`notify` has more than 50 recipients") }
        return recipients
    }

    // MARK: - Delivery

    /// The kind of job that delivers.
    public var definition: JobDefinition {
        var definition = JobDefinition(
            Self.kind, steps: [JobStep("deliver", timeout: .seconds(120)) { try await deliver($0) }])
        definition.retry = RetryPolicy(ladder: settings.ladder)
        definition.deadline = .seconds(5 * 86_400)
        definition.slots = 3
        definition.onDelete = { connection, job in try NoticeTable(connection: connection).delete(of: job.id) }
        return definition
    }

    private func deliver(_ context: JobContext) async throws -> StepResult {
        guard let id = context.job.payload["notice_id"]?.string.flatMap({ NoticeID($0) }) else {
            throw JobFailure.defect("\(context.job.id) names no notice")
        }
        let notice = try await database.read { try NoticeTable(connection: $0).notice(id) }
        guard let notice else { throw JobFailure.rejected("\(id) is deleted") }
        var attachment: NoticeAttachment?
        switch try await subject(notice) {
        case .gone(let reason): throw JobFailure.rejected(reason)
        case .there(let file): attachment = file
        }
        let begun = ContinuousClock.now
        let at = now()
        let outcome = try await send(notice, attachment)
        let took = (ContinuousClock.now - begun) / .milliseconds(1)
        let attempt = NoticeAttempt(outcome, at: at, milliseconds: Int64(took))
        if case .delivered = outcome {
            return StepResult { try NoticeTable(connection: $0).add(attempt, to: notice.id) }
        }
        try await database.write { [now] connection in
            try NoticeTable(connection: connection).add(attempt, to: notice.id)
            if case .gone(let reason, _) = outcome, case .channel(let channel) = notice.recipient {
                let table = ChannelTable(connection: connection)
                guard var channel = try table.channel(channel), channel.disabled == nil else { return }
                channel.disabled = (now(), reason)
                try table.update(channel)
            }
        }
        throw outcome.failure ?? JobFailure.defect("\(outcome) is no failure")
    }

    private func send(_ notice: Notice, _ attachment: NoticeAttachment?) async throws -> NoticeOutcome {
        let id: ChannelID
        switch notice.recipient {
        case .address(let address): return try await sending.send(notice, to: address, attachment: attachment)
        case .channel(let channel): id = channel
        }
        guard let channel = try await database.read({ try ChannelTable(connection: $0).channel(id) }) else {
            throw JobFailure.rejected("the channel \(id) is deleted")
        }
        if let disabled = channel.disabled {
            throw JobFailure.rejected("the channel \(id) is disabled since \(disabled.at): \(disabled.reason)")
        }
        guard let workspace = directory.current.workspaces[channel.workspace], !workspace.isDeleted else {
            throw JobFailure.rejected("\(channel.workspace) is deleted")
        }
        let valid = channel.secrets.filter { $0.notAfter.map { $0 > now() } ?? true }
        return try await sending.send(
            notice, to: channel.kind, at: vault.open(channel.sealedAddress, sealedKey: workspace.sealedKey),
            secrets: valid.map { try vault.open($0.sealed, sealedKey: workspace.sealedKey) }, now: now())
    }
}

extension NoticeOutcome {
    /// What the engine is to do; nil if it was delivered.
    fileprivate var failure: JobFailure? {
        switch self {
        case .delivered: nil
        case .refused(let reason, _), .gone(let reason, _): .rejected(reason)
        case .deferred(let reason): .deferred(reason)
        case .unavailable(let reason, _, let after): .unavailable(reason, retryAfter: after)
        }
    }
}

extension NoticeAttempt {
    fileprivate init(_ outcome: NoticeOutcome, at: Timestamp, milliseconds: Int64) {
        switch outcome {
        case .delivered(let status):
            self.init(at: at, milliseconds: milliseconds, outcome: "delivered", status: status)
        case .refused(let reason, let status):
            self.init(at: at, milliseconds: milliseconds, outcome: "refused", status: status, reason: reason)
        case .gone(let reason, let status):
            self.init(at: at, milliseconds: milliseconds, outcome: "refused", status: status, reason: reason)
        case .deferred(let reason):
            self.init(at: at, milliseconds: milliseconds, outcome: "deferred", reason: reason)
        case .unavailable(let reason, let status, _):
            self.init(at: at, milliseconds: milliseconds, outcome: "deferred", status: status, reason: reason)
        }
    }
}
