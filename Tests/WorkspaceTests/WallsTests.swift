import ByteJSON
import Common
import HTTPTypes
import Hummingbird
import ServiceKit
import TestKit
import Testing
import Workspace

@Suite("Walls between accounts")
struct WallsTests {
    /// Things of one account, by the name of the path parameter that names them.
    private func things(_ client: TestClient, forum url: String) async throws -> [String: String] {
        let made = try await client.post(
            "/CreateWorkspace",
            [
                "name": "Mobile",
                "feedback_entities": [
                    ["connector": "polled", "config": ["base_url": .string(url), "api_key": "right"]]
                ],
            ])
        let stream = try #require(made.json["streams"]?.array?.first)
        let token = try await client.post("/v1/tokens", ["scopes": ["manage"]])
        return [
            "workspace": try #require(made.json["workspace_id"]?.string),
            "stream": try #require(stream["stream_id"]?.string),
            "connection": try #require(stream["connection_id"]?.string),
            "token": try #require(token.json["token_id"]?.string),
        ]
    }

    @Test("every route that names a thing says 404 to another account, and nothing changes")
    func routes() async throws {
        let office = try await Office()
        try await withForum { url, _ in
            try await office.serve { operatorClient in
                let owner = operatorClient.with(token: try await office.token(account: "owner"))
                let stranger = operatorClient.with(token: try await office.token(account: "stranger"))
                let things = try await things(owner, forum: url)
                let before = office.directory.current.revision

                let role = try await WorkspaceRole.build(office.context)
                let router = Router(context: APIContext.self)
                role.routes(router)
                let naming = router.table.filter { $0.path.contains("{") && $0.path != "/v1/connectors/{connector}" }
                try #require(naming.count >= 12)
                for route in naming {
                    let path = things.reduce(route.path) { $0.replacing("{\($1.key)}", with: $1.value) }
                    try #require(!path.contains("{"), "\(route) names something that this test does not make")
                    let body: [UInt8]? = route.method == .post || route.method == .patch ? Array("{}".utf8) : nil
                    let json = ["Content-Type": "application/json"]
                    let answer = try await stranger.send(route.method.rawValue, path, headers: json, body: body)
                    #expect(answer.status == 404, "\(route): \(answer.text)")
                    let nobody = try await stranger.with(token: nil).send(
                        route.method.rawValue, path, headers: json, body: body)
                    #expect(nobody.status == 401, "\(route)")
                }
                #expect(office.directory.current.revision == before)
            }
        }
    }

    @Test("nothing of another account is in a list, or can be named in a body or a parameter")
    func listsAndBodies() async throws {
        let office = try await Office()
        try await withForum { url, _ in
            try await office.serve { operatorClient in
                let owner = operatorClient.with(token: try await office.token(account: "owner"))
                let stranger = operatorClient.with(token: try await office.token(account: "stranger"))
                let things = try await things(owner, forum: url)
                for path in ["/v1/workspaces", "/v1/streams", "/v1/connections", "/v1/tokens", "/v1/audit"] {
                    let text = try await stranger.get(path).text
                    for id in things.values { #expect(!text.contains(id), "\(path)") }
                }
                let workspace = JSON.string(things["workspace"] ?? ""),
                    connection = JSON.string(things["connection"] ?? "")
                for path in ["/v1/streams", "/v1/connections"] {
                    #expect(try await stranger.get("\(path)?workspace_id=\(things["workspace"] ?? "")").status == 404)
                }
                let bodies: [(String, JSON)] = [
                    ("/v1/streams", ["workspace_id": workspace, "connector": "pushed"]),
                    ("/v1/streams", ["connection_id": connection]),
                    ("/v1/connections", ["workspace_id": workspace, "connector": "pushed"]),
                ]
                for (path, body) in bodies {
                    let answer = try await stranger.post(path, body)
                    #expect(answer.status == 404, "\(path): \(answer.text)")
                }
            }
        }
    }
}
