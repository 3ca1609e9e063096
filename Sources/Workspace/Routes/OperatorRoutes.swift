import ByteJSON
import Common
import HTTPTypes
import Hummingbird
import ServiceKit

/// `/v1/accounts` and `/v1/keys`: what only an operator does.
struct OperatorRoutes: Sendable {
    let workspace: WorkspaceContext

    func add(to router: Router<APIContext>) {
        router.post("/v1/accounts") { request, context in try await createAccount(request, context) }
        router.get("/v1/accounts") { request, context in try await listAccounts(request, context) }
        router.get("/v1/keys") { request, context in try await listKeys(request, context) }
        router.post("/v1/keys/rotate") { request, context in try await rotateKeys(request, context) }
    }

    private func createAccount(_ request: Request, _ context: APIContext) async throws -> Response {
        let caller = try context.requireCaller(.admin)
        _ = try request.requireOnly()
        let document = try await request.json(limit: 1 << 16)
        return try await workspace.creating(request, by: caller, body: document) {
            let body = try BodyObject(document)
            let name = body.string("name", required: true)
            try body.finish()
            let account = Account(
                id: .make(at: workspace.role.now()), name: name ?? "", createdAt: workspace.role.now())
            return { change in
                let accounts = AccountTable(connection: change.connection)
                guard try accounts.find(name: account.name) == nil else {
                    throw Problem.conflict("there is an account `\(account.name)`; take another name")
                }
                try accounts.insert(account)
                try AuditTable(connection: change.connection).note(
                    "account.create", of: account.id.rawValue, account: account.id, by: caller.token, at: change.now)
                return Created(answer: account.view)
            }
        }
    }

    private func listAccounts(_ request: Request, _ context: APIContext) async throws -> Response {
        _ = try context.requireCaller(.admin)
        let page = try Page(byID: try request.requireOnly(parameters: Page.parameters))
        let accounts = try await workspace.read {
            try AccountTable(connection: $0).list(after: page.afterID, limit: page.limit + 1)
        }
        return .page("accounts", accounts, of: page, key: \.id.rawValue, view: \.view)
    }

    private func listKeys(_ request: Request, _ context: APIContext) async throws -> Response {
        _ = try context.requireCaller(.admin)
        _ = try request.requireOnly()
        let records = try await workspace.read { try RecordTable(connection: $0).list(.key, account: nil) }
        let keys: [JSON] = records.compactMap { record in
            guard case .key(let key) = record else { return nil }
            return [
                "key_id": .string(key.keyID), "public_key": .string(key.publicKey),
                "not_after": key.notAfter.map { .string($0.description) } ?? .null,
            ]
        }
        return .json(["keys": .array(keys)])
    }

    /// Signs with a new key from now on; tokens of the old ones are accepted for some days more.
    private func rotateKeys(_ request: Request, _ context: APIContext) async throws -> Response {
        let caller = try context.requireCaller(.admin)
        _ = try request.requireOnly()
        let body = try await request.jsonObject(limit: 1 << 16)
        let overlap = body.integer("overlap_days", in: 0...3650) ?? 30
        try body.finish()
        let vault = workspace.role.vault
        let (id, until) = try await workspace.change(by: caller) { change in
            let until = change.now.advanced(bySeconds: Double(overlap) * 86_400)
            let signer = try SigningKeys(connection: change.connection, vault: vault).rotate(
                at: change.now, oldUntil: until)
            try AuditTable(connection: change.connection).note(
                "key.rotate", of: "key_" + signer.id, account: caller.account, by: caller.token, at: change.now,
                detail: ["old_valid_until": .string(until.description)])
            return (signer.id, until)
        }
        return .json(["key_id": .string(id), "old_valid_until": .string(until.description)])
    }
}
