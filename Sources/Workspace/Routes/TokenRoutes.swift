import ByteJSON
import Common
import HTTPTypes
import Hummingbird
import ServiceKit

/// `/v1/tokens`: what callers prove themselves with.
struct TokenRoutes: Sendable {
    let workspace: WorkspaceContext

    func add(to router: Router<APIContext>) {
        router.post("/v1/tokens") { request, context in try await create(request, context) }
        router.get("/v1/tokens") { request, context in try await list(request, context) }
        router.delete("/v1/tokens/{token}") { request, context in try await revoke(request, context) }
    }

    private func create(_ request: Request, _ context: APIContext) async throws -> Response {
        let caller = try context.requireCaller(.manage)
        _ = try request.requireOnly()
        let document = try await request.json(limit: 1 << 16)
        return try await workspace.creating(request, by: caller, body: document) {
            let order = try await order(BodyObject(document), by: caller)
            let (record, token) = try await workspace.issuer.make(order, at: workspace.role.now())
            return { change in
                try TokenIssuer.keep(record, by: caller.token, on: change.connection)
                guard case .object(var answer) = record.view else { return Created(answer: record.view) }
                answer["token"] = .string(token.reveal())
                return Created(answer: .object(answer))
            }
        }
    }

    private func order(_ body: BodyObject, by caller: Caller) async throws -> TokenIssuer.Order {
        let name = body.string("name") ?? "token"
        let days = body.integer("expires_in_days", in: TokenIssuer.lifetimes) ?? TokenIssuer.defaultLifetime
        let account = body.identifier("account_id", of: AccountKind.self) ?? caller.account
        var scopes: Set<Scope> = []
        for (i, word) in (body.strings("scopes", count: 1...Scope.allCases.count, required: true) ?? []).enumerated() {
            if let scope = Scope(rawValue: word) {
                scopes.insert(scope)
            } else {
                body.refuse("scopes/\(i)", "must be one of \(Scope.allCases.map(\.rawValue).joined(separator: ", "))")
            }
        }
        try body.finish()
        if !caller.scopes.contains(.admin) {
            guard account == caller.account else { throw Problem.notFound("no account \(account) here") }
            guard scopes.isSubset(of: caller.scopes) else {
                throw Problem.forbidden("a token cannot make one that may do more than itself; ask for fewer scopes")
            }
        }
        guard try await workspace.read({ try AccountTable(connection: $0).find(account) }) != nil else {
            throw Problem.notFound("no account \(account) here")
        }
        return TokenIssuer.Order(account: account, name: name, scopes: scopes, days: days)
    }

    private func list(_ request: Request, _ context: APIContext) async throws -> Response {
        let caller = try context.requireCaller(.manage)
        let query = try request.requireOnly(parameters: Page.parameters + ["account_id"])
        let page = try Page(byID: query)
        let account = try query.account(for: caller)
        let tokens = try await workspace.read {
            try TokenTable(connection: $0).list(account: account, after: page.afterID, limit: page.limit + 1)
        }
        return .page("tokens", tokens, of: page, key: \.id.rawValue, view: \.view)
    }

    private func revoke(_ request: Request, _ context: APIContext) async throws -> Response {
        let caller = try context.requireCaller(.manage)
        _ = try request.requireOnly()
        let id = try context.identifier("token", of: TokenKind.self)
        try await workspace.change(by: caller) { change in
            let tokens = TokenTable(connection: change.connection)
            guard let token = try tokens.find(id, account: caller.boundary) else {
                throw Problem.notFound("no token \(id) in this account; `GET /v1/tokens` lists them")
            }
            guard token.revokedAt == nil else { return }
            try tokens.revoke(id, at: change.now)
            try change.save(
                .revocation(RevocationRecord(token: id, revokedAt: change.now)), account: token.account, "token.revoke")
            try change.records.forgetRevocations(at: change.now)
        }
        return Response(status: .noContent)
    }
}
