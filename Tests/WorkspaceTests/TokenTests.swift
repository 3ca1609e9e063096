import ByteJSON
import Common
import ServiceKit
import TestKit
import Testing
import Workspace

@Suite("Tokens")
struct TokenTests {
    @Test("the first start shows an operator's token, once; a restart none")
    func firstStart() async throws {
        let office = try await Office()
        let first = try #require(try await WorkspaceRole.bootstrap(office.context))
        #expect(try await WorkspaceRole.bootstrap(office.context) == nil)
        let caller = try await Authenticator(directory: office.directory).authenticate(first.token.reveal())
        #expect(caller.scopes == Set(Scope.allCases))
        #expect(caller.account == first.account)
    }

    @Test("the command line makes tokens without a server, and an account if it is new")
    func offline() async throws {
        let office = try await Office()
        // Before any start: the key is made now, and published by the first start.
        let early = try await office.token(account: "acme")
        _ = try await WorkspaceRole.bootstrap(office.context)
        let late = try await office.token(account: "acme", scopes: [.read])
        let authenticator = Authenticator(directory: office.directory)
        let callers = try await [authenticator.authenticate(early), authenticator.authenticate(late)]
        #expect(callers[0].account == callers[1].account)
        #expect(callers.map(\.scopes) == [[.manage, .read, .write], [.read]])
    }

    @Test("are made, listed without themselves, and revoked at once")
    func lifecycle() async throws {
        let office = try await Office()
        try await office.serve { client in
            let made = try await client.post("/v1/tokens", ["name": "dashboard", "scopes": ["read"]])
            #expect(made.status == 201)
            let token = try #require(made.json["token"]?.string), id = try #require(made.json["token_id"]?.string)
            let reader = client.with(token: token)
            #expect(try await reader.get("/v1/workspaces").status == 200)
            #expect(try await reader.post("/CreateWorkspace", ["name": "x"]).status == 403)
            let list = try await client.get("/v1/tokens")
            #expect(list.json["tokens"]?.array?.contains { $0["token_id"]?.string == id } == true)
            #expect(!list.text.contains(token))
            #expect(try await client.send("DELETE", "/v1/tokens/\(id)").status == 204)
            #expect(try await reader.get("/v1/workspaces").status == 401)
        }
    }

    @Test("a revocation is forgotten a day after its token has expired, and the token is refused all the same")
    func forgottenRevocation() async throws {
        var office = try await Office()
        var token = "", id = TokenID.make()
        try await office.serve { client in
            let made = try await client.post("/v1/tokens", ["scopes": ["read"], "expires_in_days": 1])
            token = try #require(made.json["token"]?.string)
            id = try #require(made.json["token_id"]?.string.flatMap { TokenID($0) })
            #expect(try await client.send("DELETE", "/v1/tokens/\(id)").status == 204)
        }
        office.now = { Timestamp.now.advanced(bySeconds: 1.9 * 86_400) }
        _ = try await WorkspaceRole.bootstrap(office.context)
        #expect(office.directory.current.revoked == [id])
        office.now = { Timestamp.now.advanced(bySeconds: 2.1 * 86_400) }
        _ = try await WorkspaceRole.bootstrap(office.context)
        #expect(office.directory.current.revoked.isEmpty)
        let reread = Directory(log: office.log, logger: .quiet)
        try await reread.load()
        #expect(reread.current.revoked.isEmpty)
        await #expect(throws: AuthenticationFailure.expired) {
            try await Authenticator(directory: reread, now: office.now).authenticate(token)
        }
    }

    @Test("no token makes one that may do more than itself, or for another account")
    func escalation() async throws {
        let office = try await Office()
        try await office.serve { client in
            let manager = client.with(token: try await office.token(account: "acme", scopes: [.manage]))
            #expect(try await manager.post("/v1/tokens", ["scopes": ["manage"]]).status == 201)
            #expect(try await manager.post("/v1/tokens", ["scopes": ["read"]]).status == 403)
            #expect(try await manager.post("/v1/tokens", ["scopes": ["admin"]]).status == 403)
            let accounts = try await client.get("/v1/accounts").json["accounts"]?.array ?? []
            let other = try #require(accounts.first { $0["name"] == "default" }?["account_id"])
            #expect(try await manager.post("/v1/tokens", ["scopes": ["manage"], "account_id": other]).status == 404)
            #expect(try await manager.get("/v1/accounts").status == 403)
        }
    }

    @Test("after a rotation old tokens work until their key retires, at once if there is no overlap")
    func rotation() async throws {
        let office = try await Office()
        try await office.serve { client in
            let old = client.with(token: try await office.token(account: "acme"))
            let overlapping = try await client.post("/v1/keys/rotate", ["overlap_days": 1])
            #expect(overlapping.status == 200)
            #expect(try await old.get("/v1/workspaces").status == 200)
            let new = client.with(token: try await office.token(account: "acme"))
            #expect(try await client.post("/v1/keys/rotate", ["overlap_days": 0]).status == 200)
            #expect(try await old.get("/v1/workspaces").status == 401)
            #expect(try await new.get("/v1/workspaces").status == 401)
            let newest = client.with(token: try await office.token(account: "acme"))
            #expect(try await newest.get("/v1/workspaces").status == 200)
        }
    }
}
