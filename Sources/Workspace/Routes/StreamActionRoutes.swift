import ByteJSON
import Common
import Connectors
import Foundation
import HTTPTypes
import Hummingbird
import ServiceKit

/// What can be done with a stream: have it read now, and change the secret that its webhooks are signed with.
struct StreamActionRoutes: Sendable {
    /// Secrets that are valid at once while they rotate.
    static let maximumSecrets = 5

    let workspace: WorkspaceContext

    func add(to router: Router<APIContext>) {
        router.post("/v1/streams/{stream}/fetch") { request, context in try await fetch(request, context) }
        router.post("/v1/streams/{stream}/webhook-secret") { request, context in try await rotate(request, context) }
    }

    private func fetch(_ request: Request, _ context: APIContext) async throws -> Response {
        let caller = try context.requireCaller(.manage)
        _ = try request.requireOnly()
        let id = try context.identifier("stream", of: StreamKind.self)
        let body = try await request.optionalJSONObject()
        let since = body.timestamp("backfill_since")
        try body.finish()
        let stream = try await workspace.read { try RecordTable(connection: $0).stream(id, for: caller) }
        guard let connector = workspace.role.connectors[stream.connector], !connector.read.isEmpty else {
            throw Problem.conflict("this stream is not polled: what there is, is pushed or imported")
        }
        guard stream.status == .active else {
            throw Problem.conflict("the stream is paused; set its status to `active` first")
        }
        let now = workspace.role.now()
        var batch = RecordBatch()
        batch.append(
            key: id.rawValue,
            value: Array(try JSONEncoder().encode(FetchRequest(stream: id, requestedAt: now, backfillSince: since))))
        try await workspace.role.log.append(batch, to: .fetchRequests)
        try await workspace.change(by: caller) { change in
            let owner = try change.records.workspace(stream.workspace, for: caller)
            try AuditTable(connection: change.connection).note(
                "stream.fetch", of: id.rawValue, account: owner.account, by: caller.token, at: now,
                detail: ["backfill_since": since.map { .string($0.description) } ?? .null])
        }
        return .json(
            [
                "stream_id": .string(id.rawValue), "requested_at": .string(now.description),
                "backfill_since": since.map { .string($0.description) } ?? .null,
            ], status: .accepted)
    }

    /// Adds a secret; those before it are accepted for some hours more.
    private func rotate(_ request: Request, _ context: APIContext) async throws -> Response {
        let caller = try context.requireCaller(.manage)
        _ = try request.requireOnly()
        let id = try context.identifier("stream", of: StreamKind.self)
        let body = try await request.optionalJSONObject()
        let overlap = body.integer("overlap_hours", in: 0...720) ?? 24
        let given = body.string("webhook_secret", length: 8...500).map { Secret($0) }
        try body.finish()
        let secret = given ?? .makeWebhookSecret()
        let vault = workspace.role.vault
        let connectors = workspace.role.connectors
        let until = try await workspace.change(by: caller) { change in
            var stream = try change.records.stream(id, for: caller)
            guard connectors[stream.connector]?.receive != nil else {
                throw Problem.conflict("this stream receives no webhooks, so it has no secret")
            }
            let owner = try change.records.workspace(stream.workspace, for: caller)
            guard try HookTable(connection: change.connection).hook(of: id) == nil else {
                throw Problem.conflict(
                    "the webhook at the provider was made by us and signs with this secret; make the stream anew to change it"
                )
            }
            let until = change.now.advanced(bySeconds: Double(overlap) * 3600)
            let valid = stream.webhookSecrets.filter { $0.notAfter.map { $0 > change.now } ?? true }.map { old in
                StreamRecord.WebhookSecret(sealed: old.sealed, notAfter: min(old.notAfter ?? until, until))
            }
            let new = StreamRecord.WebhookSecret(sealed: try vault.seal(secret, sealedKey: owner.sealedKey))
            stream.webhookSecrets = [new] + (overlap == 0 ? [] : valid).prefix(Self.maximumSecrets - 1)
            try change.save(
                .stream(stream), account: owner.account, "stream.rotate-webhook-secret",
                detail: ["old_valid_until": .string(until.description)])
            return until
        }
        var answer: [String: JSON] = [
            "stream_id": .string(id.rawValue), "old_valid_until": .string(until.description),
        ]
        if given == nil { answer["webhook_secret"] = .string(secret.reveal()) }
        return .json(.object(answer))
    }
}

extension Request {
    /// The body as an object; no body is an empty one.
    fileprivate func optionalJSONObject() async throws -> BodyObject {
        let bytes = try await bytes(limit: 1 << 16)
        guard !bytes.isEmpty else { return BodyObject([:]) }
        do {
            return try BodyObject(JSONDocument(parsing: bytes, maximumDepth: 64))
        } catch let error as JSONError {
            throw Problem.badRequest("the body is \(error)")
        }
    }
}
