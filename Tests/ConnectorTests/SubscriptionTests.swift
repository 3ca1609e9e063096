import ByteJSON
import Common
import Connectors
import Testing

/// What providers are sent to have webhooks made and deleted, as their documentation has it.
@Suite struct SubscriptionTests {
    private static let hook: [String: JSON] = [
        "url": "https://earshot.example.org/hooks/st_1", "secret": "whsec_a/b+c=", "name": "Earshot: a \"name\"",
        "stream": "st_1", "id": "17",
    ]

    private func requests(
        _ name: String, config: [String: JSON], entity: [String: JSON]
    ) throws -> (list: OutgoingRequest, create: OutgoingRequest, delete: OutgoingRequest, body: JSON) {
        let manifest = try #require(Repository.library.manifests.first { $0.name == name })
        let checked = manifest.spec.check(connection: config, stream: entity)
        #expect(checked.problems.isEmpty)
        let subscription = try #require(manifest.receive?.subscription)
        let settings = checked.connection.merging(checked.secrets) { $1 }
        #expect(subscription.when?.holds(in: MappingScope(item: nil, entity: entity, config: settings)) ?? true)
        #expect(subscription.when?.holds(in: MappingScope(item: nil, entity: entity)) == false)
        let values = TemplateValues(config: settings, entity: entity, hook: Self.hook)
        let create = try subscription.create.build(values, auth: manifest.auth)
        return (
            try #require(try subscription.list?.request.build(values, auth: manifest.auth)), create,
            try subscription.delete.build(values, auth: manifest.auth),
            JSON(try JSONDocument(parsing: create.body).root)
        )
    }

    /// The id and the address that a listed hook has, and the id that an answer gives.
    private func ids(_ name: String, listed: String, created: String) throws -> [String?] {
        let subscription = try #require(
            Repository.library.manifests.first { $0.name == name }?.receive?.subscription)
        let list = try #require(subscription.list)
        let root = try JSONDocument(parsing: Array(listed.utf8)).root
        let item = try #require(Path(list.items).value(in: root)?.elements.first { _ in true })
        let scope = MappingScope(item: item, root: root)
        let answer = try JSONDocument(parsing: Array(created.utf8)).root
        return [
            list.id.evaluate(in: scope)?.string, list.url.evaluate(in: scope)?.string,
            subscription.id.evaluate(in: MappingScope(item: answer, root: answer))?.string,
        ]
    }

    @Test func github() throws {
        let made = try requests("github", config: ["token": "t"], entity: ["repository": "Acme/Rocket"])
        #expect(made.list.url == "https://api.github.com/repos/Acme/Rocket/hooks?per_page=100")
        #expect(made.create.method == "POST" && made.create.url == "https://api.github.com/repos/Acme/Rocket/hooks")
        #expect(made.delete.method == "DELETE")
        #expect(made.delete.url == "https://api.github.com/repos/Acme/Rocket/hooks/17")
        #expect(
            made.body["config"]?["url"] == Self.hook["url"] && made.body["config"]?["secret"] == Self.hook["secret"])
        #expect(made.create.headers.contains { $0 == ("Authorization", "Bearer t") })
        #expect(
            try ids(
                "github", listed: #"[{"id": 17, "type": "Repository", "config": {"url": "https://e"}}]"#,
                created: #"{"id": 17, "config": {"url": "https://e"}}"#) == ["17", "https://e", "17"])
    }

    @Test func gitlab() throws {
        let made = try requests("gitlab", config: ["token": "t"], entity: ["project": "acme/rocket"])
        let hooks = "https://gitlab.com/api/v4/projects/acme%2Frocket/hooks"
        #expect(
            made.list.url == hooks + "?per_page=100" && made.create.url == hooks && made.delete.url == hooks + "/17")
        #expect(made.body["token"] == Self.hook["secret"] && made.body["name"] == Self.hook["name"])
        #expect(made.body["issues_events"] == true && made.body["push_events"] == false)
        #expect(
            try ids("gitlab", listed: #"[{"id": 1, "url": "https://e"}]"#, created: #"{"id": 1, "url": "https://e"}"#)
                == ["1", "https://e", "1"])
    }

    @Test func discourse() throws {
        let made = try requests(
            "discourse", config: ["base_url": "https://forum.example.org/", "api_key": "k", "api_username": "system"],
            entity: [:])
        #expect(made.create.url == "https://forum.example.org/admin/api/web_hooks.json")
        #expect(made.delete.url == "https://forum.example.org/admin/api/web_hooks/17.json")
        #expect(made.body["web_hook"]?["payload_url"] == Self.hook["url"])
        #expect(
            try ids(
                "discourse", listed: #"{"web_hooks": [{"id": 3, "payload_url": "https://e"}]}"#,
                created: #"{"web_hook": {"id": 3}}"#) == ["3", "https://e", "3"])
    }
}
