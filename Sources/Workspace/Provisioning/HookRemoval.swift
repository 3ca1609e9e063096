import ByteJSON
import Common
import Connectors
import Logging
import ServiceKit

/// Deletes at the provider the webhook of a stream that was deleted here.
///
/// The workspace's key may be gone by then, so what the provider must be shown is sealed with the service's own, and is
/// deleted with the hook.
struct HookRemoval: Sendable {
    static let kind = "webhook_removal"

    let role: RoleContext
    let settings: WorkspaceSettings

    var definition: JobDefinition {
        var definition = JobDefinition(
            Self.kind,
            steps: [
                // If it cannot be done, nothing is kept for it.
                JobStep("delete", timeout: .seconds(120), undo: { try await forget($0) }) { try await delete($0) }
            ])
        definition.retry = RetryPolicy(attempts: 12)
        return definition
    }

    /// Has the webhook of a stream deleted, if we made one; called in the transaction that deletes the stream, before its
    /// connection and its workspace are.
    ///
    /// - Returns: Whether there is a job to be woken.
    func request(for stream: StreamRecord, of owner: WorkspaceRecord, jobs: JobEngine, in change: Change) throws -> Bool
    {
        let hooks = HookTable(connection: change.connection)
        guard var hook = try hooks.hook(of: stream.id), hook.sealed == nil else { return false }
        guard let manifest = role.connectors[stream.connector],
            case .connection(let used) = try change.records.find(
                stream.connection.rawValue, kind: .connection, account: nil)
        else {
            try hooks.delete(stream.id)
            return false
        }
        let plan = try ConnectionPlan(used, connector: manifest, workspace: owner, vault: role.vault)
        let needed: JSON = [
            "connector": .string(manifest.name), "config": .object(plan.values), "entity": .object(stream.entity),
            "name": .string(stream.name), "url": .string(stream.webhookURL(role.publicURL)),
        ]
        hook.sealed = try role.vault.seal(
            Secret(String(decoding: needed.bytes, as: UTF8.self)),
            sealedKey: SigningKeys(connection: change.connection, vault: role.vault).serviceKey())
        try hooks.save(hook)
        _ = try jobs.enqueue(
            JobRequest(Self.kind, workspace: owner.id, payload: ["stream": .string(stream.id.rawValue)]),
            in: change.connection)
        return true
    }

    private func delete(_ context: JobContext) async throws -> StepResult {
        guard let stream = context.job.payload["stream"]?.string.flatMap({ StreamID($0) }) else {
            throw JobFailure.defect("\(context.job.id) names no stream")
        }
        let vault = role.vault
        let found = try await role.database.write { connection -> (String, String)? in
            guard let hook = try HookTable(connection: connection).hook(of: stream), let sealed = hook.sealed else {
                return nil
            }
            return (
                hook.id,
                try vault.open(sealed, sealedKey: SigningKeys(connection: connection, vault: vault).serviceKey())
                    .reveal()
            )
        }
        guard let (id, text) = found else { return StepResult() }
        let needed = JSON(try JSONDocument(parsing: Array(text.utf8)).root)
        guard let manifest = needed["connector"]?.string.flatMap({ role.connectors[$0] }),
            let subscription = manifest.receive?.subscription
        else { throw JobFailure.rejected("the connector is not loaded, or makes no webhooks any more") }
        let hook = ProviderHook(
            manifest: manifest, subscription: subscription, config: needed["config"]?.object ?? [:],
            entity: needed["entity"]?.object ?? [:], stream: stream, name: needed["name"]?.string ?? "",
            url: needed["url"]?.string ?? "", transport: role.transport, timeout: settings.checkTimeout,
            now: role.now())
        try await hook.delete(id)
        return StepResult { try HookTable(connection: $0).delete(stream) }
    }

    private func forget(_ context: JobContext) async throws {
        role.logger.error(
            "a webhook is left at its provider; delete it there",
            metadata: ["job": "\(context.job.id)", "reason": "\(context.job.reason ?? "")"])
        guard let stream = context.job.payload["stream"]?.string.flatMap({ StreamID($0) }) else { return }
        try await role.database.write { try HookTable(connection: $0).delete(stream) }
    }
}
