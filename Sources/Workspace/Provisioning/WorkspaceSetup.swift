import ByteJSON
import Common
import Connectors
import Foundation
import Logging
import ServiceKit

/// Sets up what a creating call made: asks the providers, makes the webhooks there, begins to read. If one step fails
/// for good, nothing of it is left, here or there.
struct WorkspaceSetup: Sendable {
    static let kind = "workspace_setup"

    /// What is set up.
    struct Order: Sendable, Hashable {
        /// Whether the workspace itself goes if the set-up fails.
        var isWhole: Bool
        /// The connections that were made for it.
        var connections: [ConnectionID]
        var streams: [StreamID]
        /// Those of the streams whose webhooks we make.
        var hooks: [StreamID]
        /// Whether the providers have yet to be asked if they take the settings.
        var checks: Bool

        var json: JSON {
            [
                "whole": .bool(isWhole), "connections": .array(connections.map { .string($0.rawValue) }),
                "streams": .array(streams.map { .string($0.rawValue) }),
                "hooks": .array(hooks.map { .string($0.rawValue) }), "checks": .bool(checks),
            ]
        }
    }

    let role: RoleContext
    let settings: WorkspaceSettings
    let outbox: Outbox

    var definition: JobDefinition {
        var definition = JobDefinition(
            Self.kind,
            steps: [
                // The transaction that requests the job writes the records.
                JobStep(Self.records, timeout: .seconds(60), undo: { try await removeRecords($0) }) { _ in
                    try await outbox.publish()
                    return StepResult()
                },
                JobStep("check", timeout: .seconds(900)) { try await check($0) },
                JobStep("webhooks", timeout: .seconds(1800), undo: { try await removeHooks($0) }) {
                    try await makeHooks($0)
                },
                JobStep("activate") { try await activate($0) },
                JobStep("begin", timeout: .seconds(60)) { try await begin($0) },
            ])
        definition.retry = RetryPolicy(attempts: 12)
        definition.onDelete = { try SetupTable(connection: $0).delete($1.id) }
        return definition
    }

    private static let records = "records"

    /// A request for the job: the transaction that puts it in line writes the records.
    static func request(_ order: Order, workspace: WorkspaceID) -> JobRequest {
        var request = JobRequest(kind, workspace: workspace, payload: order.json)
        request.begun = [records]
        return request
    }

    // MARK: - Steps

    private func check(_ context: JobContext) async throws -> StepResult {
        let order = try Order(context.job)
        guard order.checks, settings.checksProviders else { return StepResult() }
        let provider = Provider(transport: role.transport, timeout: settings.checkTimeout, now: role.now)
        let streams = try await streams(of: context.job)
        for (i, stream) in streams.enumerated() {
            context.report(0.3 * Double(i) / Double(streams.count), "asking for `\(stream.record.name)`")
            do throws(Provider.Refusal) {
                try await provider.check(stream.plan, entity: stream.record.entity)
            } catch {
                let reason = "`\(stream.record.name)`: \(error)"
                throw error.mayPass ? JobFailure.unavailable(reason) : .rejected(reason)
            }
        }
        return StepResult()
    }

    private func makeHooks(_ context: JobContext) async throws -> StepResult {
        let streams = try await streams(of: context.job).filter(\.hasHook)
        for (i, stream) in streams.enumerated() {
            context.report(0.3 + 0.5 * Double(i) / Double(streams.count), "webhook of `\(stream.record.name)`")
            if try await hook(of: stream.record.id) != nil { continue }
            do {
                let hook = try providerHook(of: stream)
                // One that is there was made by an attempt that did not live to note it.
                let found = try await hook.find().first
                let id: String
                if let found { id = found } else { id = try await hook.make() }
                let made = HookTable.Hook(
                    stream: stream.record.id, workspace: stream.record.workspace, id: id, createdAt: role.now())
                try await role.database.write { try HookTable(connection: $0).save(made) }
            } catch let failure as JobFailure {
                throw failure.about("`\(stream.record.name)`")
            }
        }
        return StepResult()
    }

    private func activate(_ context: JobContext) async throws -> StepResult {
        let streams = try await streams(of: context.job).map(\.record)
        return StepResult { connection in
            let records = RecordTable(connection: connection)
            for var stream in streams {
                guard
                    case .workspace(let owner) = try records.find(
                        stream.workspace.rawValue, kind: .workspace, account: nil)
                else { continue }
                stream.status = .active
                try records.save(.stream(stream), account: owner.account)
            }
        }
    }

    private func begin(_ context: JobContext) async throws -> StepResult {
        context.report(0.9, "beginning to read")
        try await outbox.publish()
        var batch = RecordBatch()
        for stream in try await streams(of: context.job).map(\.record) where stream.pollEvery != nil {
            // How far back is in the stream's record; this has the fetcher begin now.
            let request = FetchRequest(stream: stream.id, requestedAt: role.now())
            batch.append(key: stream.id.rawValue, value: Array(try JSONEncoder().encode(request)))
        }
        if batch.count > 0 { try await role.log.append(batch, to: .fetchRequests) }
        return StepResult { connection in
            try SetupTable(connection: connection).end(context.job.id, .init(state: .completed, reason: nil))
        }
    }

    // MARK: - Undoing

    /// Deletes the webhooks, the last first. What a provider refuses to delete is told and left.
    private func removeHooks(_ context: JobContext) async throws {
        var left: [String] = []
        for stream in try await streams(of: context.job).filter(\.hasHook).reversed() {
            let known = try await hook(of: stream.record.id)
            do {
                try await providerHook(of: stream).deleteAll(known?.id)
            } catch let failure as JobFailure {
                if case .unavailable = failure, context.job.attempt < Self.attemptsToUndo { throw failure }
                if known != nil { left.append("`\(stream.record.name)`: \(failure)") }
            }
            try await role.database.write { try HookTable(connection: $0).delete(stream.record.id) }
        }
        guard !left.isEmpty else { return }
        let told = "left at the provider: " + left.joined(separator: "; ")
        role.logger.error("a webhook was not deleted", metadata: ["job": "\(context.job.id)", "reason": "\(told)"])
        try await role.database.write { connection in
            try connection.execute("UPDATE setup SET reason = \(told) WHERE job = \(context.job.id)")
        }
    }

    /// A provider that is away is waited for so long, and then what it has is left there.
    private static let attemptsToUndo = 8

    /// Has nothing be left of what the call made: tombstones go out, rows go, the kept answer is forgotten.
    private func removeRecords(_ context: JobContext) async throws {
        let order = try Order(context.job)
        let job = context.job
        let now = role.now()
        try await role.database.write { connection in
            let records = RecordTable(connection: connection)
            for id in order.streams { try records.forget(id.rawValue) }
            for id in order.connections { try records.forget(id.rawValue) }
            if order.isWhole, let workspace = job.workspace { try records.forget(workspace.rawValue) }
            try IdempotencyTable(connection: connection).forget(job.id)
            let setups = SetupTable(connection: connection)
            guard let setup = try setups.setup(job.id) else { return }
            let left = try connection.first("SELECT reason FROM setup WHERE job = \(job.id)") { $0.optionalText(0) }
            let reason = [job.reason, left ?? nil].compactMap { $0 }.joined(separator: "; ")
            try setups.end(job.id, .init(state: job.phase.ending ?? .failed, reason: reason))
            try AuditTable(connection: connection).note(
                "workspace.setup_undone", of: setup.workspace.rawValue, account: setup.account, by: nil, at: now,
                detail: ["job": .string(job.id.rawValue), "reason": .string(reason)])
        }
        try await outbox.publish()
    }

    // MARK: - What it works on

    /// A stream that is set up, with all that its provider must be told.
    private struct Subject: Sendable {
        var record: StreamRecord
        var owner: WorkspaceRecord
        var plan: ConnectionPlan
        var hasHook: Bool
    }

    /// The streams that are there, in the order of the request.
    private func streams(of job: Job) async throws -> [Subject] {
        let order = try Order(job)
        let vault = role.vault
        let connectors = role.connectors
        return try await role.database.read { connection in
            let records = RecordTable(connection: connection)
            return try order.streams.compactMap { id -> Subject? in
                guard case .stream(let stream) = try records.find(id.rawValue, kind: .stream, account: nil),
                    case .connection(let used) = try records.find(
                        stream.connection.rawValue, kind: .connection, account: nil),
                    case .workspace(let owner) = try records.find(
                        stream.workspace.rawValue, kind: .workspace, account: nil)
                else {
                    if job.isUndoing { return nil }
                    throw JobFailure.rejected("stream \(id) is not there any more; make it again")
                }
                guard let manifest = connectors[stream.connector] else {
                    throw JobFailure.rejected("the connector `\(stream.connector)` is not loaded; put its file back")
                }
                let plan = try ConnectionPlan(used, connector: manifest, workspace: owner, vault: vault)
                return Subject(record: stream, owner: owner, plan: plan, hasHook: order.hooks.contains(id))
            }
        }
    }

    private func hook(of stream: StreamID) async throws -> HookTable.Hook? {
        try await role.database.read { try HookTable(connection: $0).hook(of: stream) }
    }

    private func providerHook(of subject: Subject) throws -> ProviderHook {
        guard let subscription = subject.plan.connector.receive?.subscription else {
            throw JobFailure.rejected("\(subject.plan.connector.title) has no webhooks that we could make")
        }
        let secret = try subject.record.webhookSecrets.first.map {
            try role.vault.open($0.sealed, sealedKey: subject.owner.sealedKey)
        }
        return ProviderHook(
            manifest: subject.plan.connector, subscription: subscription, config: subject.plan.values,
            entity: subject.record.entity, stream: subject.record.id, name: "Earshot: \(subject.record.name)",
            url: subject.record.webhookURL(role.publicURL), secret: secret, transport: role.transport,
            timeout: settings.checkTimeout, now: role.now())
    }
}

extension WorkspaceSetup.Order {
    /// As it is in a job.
    fileprivate init(_ job: Job) throws {
        let json = job.payload
        func ids<Kind>(_ name: String, _ kind: Kind.Type) -> [Identifier<Kind>] {
            (json[name]?.array ?? []).compactMap { $0.string.flatMap { Identifier<Kind>($0) } }
        }
        self.init(
            isWhole: json["whole"] == true, connections: ids("connections", ConnectionKind.self),
            streams: ids("streams", StreamKind.self), hooks: ids("hooks", StreamKind.self),
            checks: json["checks"] == true)
    }
}

extension JobFailure {
    /// The failure, with what it is about before its reason.
    fileprivate func about(_ thing: String) -> JobFailure {
        switch self {
        case .rejected(let reason): .rejected("\(thing): \(reason)")
        case .unavailable(let reason, let wait): .unavailable("\(thing): \(reason)", retryAfter: wait)
        case .deferred(let reason, let wait): .deferred("\(thing): \(reason)", retryAfter: wait)
        case .defect(let reason): .defect("\(thing): \(reason)")
        }
    }
}
