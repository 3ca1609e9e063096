import ByteJSON
import Common
import Connectors
import Testing

@Suite struct RequestTests {
    private let values = TemplateValues(
        config: ["base": "https://h.example/", "key": "k y", "bad": "a\r\nX: 1"],
        entity: ["repo": "a/b c", "empty": ""],
        cursor: ["position": .instant(Timestamp(seconds: 1_614_556_800))],
        window: Timestamp(seconds: 1_614_556_800)..<Timestamp(seconds: 1_614_600_000), page: 3,
        hook: ["url": "https://e.example/\"x"], now: Timestamp(seconds: 1_700_000_000))

    @Test func holesAreFilled() throws {
        let cases: [(Template, String?)] = [
            ("{{config.base|trim_slash}}/x", "https://h.example/x"), ("{{entity.repo|url}}", "a%2Fb%20c"),
            ("{{window.from|date}}..{{window.to|next_date}}", "2021-03-01..2021-03-02"),
            ("{{cursor.position|rfc3339}}", "2021-03-01T00:00:00Z"), ("{{cursor.position|unix}}", "1614556800"),
            ("{{cursor.position|unix_ms}}", "1614556800000"), ("p{{page}}", "p3"), ("{{config.key|base64}}", "ayB5"),
            ("{{entity.missing}}", nil), ("{{entity.empty}}", nil), ("{{cursor.other}}", nil), ("plain", "plain"),
            ("{\"url\": {{hook.url|json}}}", #"{"url": "https://e.example/\"x"}"#), ("{{hook.id}}", nil),
            ("{{ config.base | lower }}", "https://h.example/"), ("{{now|date}}", "2023-11-14"),
        ]
        for (template, expected) in cases { #expect(try template.fill(values) == expected, "\(template.source)") }
        #expect(throws: TemplateError.self) { try Template("{{config.key|date}}").fill(values) }
        #expect(throws: TemplateError.self) { try Template("{{config.key").fill(values) }
    }

    @Test func aRequestIsBuilt() throws {
        let template = RequestTemplate(
            url: "{{config.base|trim_slash}}/repos/{{entity.repo}}?fixed=1",
            query: [("since", "{{cursor.position|rfc3339}}"), ("gone", "{{entity.missing}}"), ("post_ids[]", "1")],
            headers: [("Accept", "application/json"), ("X-Gone", "{{entity.missing}}")])
        let request = try template.build(values, auth: .bearer(token: "{{config.key}}"))
        #expect(
            request.url == "https://h.example/repos/a/b%20c?fixed=1&since=2021-03-01T00%3A00%3A00Z&post_ids%5B%5D=1")
        #expect(request.headers.map(\.name) == ["Accept", "Authorization"])
        #expect(request.headers.last?.value == "Bearer k y")
    }

    @Test func whatProvesWhoAsksIsLeftOutWhereItIsMissing() throws {
        let template = RequestTemplate(url: "https://h.example/")
        #expect(try template.build(values, auth: .bearer(token: "{{config.none}}")).headers.isEmpty)
        #expect(try template.build(values, auth: .headers([("Api-Key", "{{config.none}}")])).headers.isEmpty)
        let basic = try template.build(values, auth: .basic(user: "{{config.key}}", password: "{{config.none}}"))
        #expect(basic.headers.first?.value == "Basic ayB5Og==")
    }

    @Test func aValueCannotAddHeadersOrLeaveTheAddress() throws {
        let injected = RequestTemplate(url: "https://h.example/", headers: [("X-Key", "{{config.bad}}")])
        #expect(throws: TemplateError.self) { try injected.build(values) }
        let path = RequestTemplate(url: "https://h.example/{{config.bad}}")
        #expect(try path.build(values).url == "https://h.example/a%0D%0AX%3A%201")
        #expect(throws: TemplateError.self) { try RequestTemplate(url: "{{config.bad}}/x").build(values) }
        #expect(throws: TemplateError.self) {
            try RequestTemplate(url: "https://h.example/{{entity.missing}}").build(values)
        }
    }

    @Test func whatIsCheckedIsWhatWouldBeRead() throws {
        func check(_ name: String, _ config: [String: JSON], _ entity: [String: JSON]) throws -> String? {
            let manifest = try #require(Repository.library.manifests.first { $0.name == name })
            return try manifest.checkRequest(config: config, entity: entity, now: Timestamp(seconds: 1_700_000_000))?
                .url
        }
        #expect(
            try check("discourse", ["base_url": "https://f.example/"], ["query": "tags:x"])
                == "https://f.example/search.json?q=tags%3Ax%20after%3A2023-11-13%20before%3A2023-11-15%20order%3Alatest"
        )
        #expect(try check("discourse", ["base_url": "https://f.example"], [:]) == "https://f.example/posts.json")
        #expect(
            try check("github", ["api_url": "https://api.github.com"], ["repository": "a/b"])
                == "https://api.github.com/repos/a/b/issues?state=all&sort=updated&direction=asc&per_page=100")
        #expect(throws: TemplateError.self) { try check("github", ["api_url": "https://api.github.com"], [:]) }
        #expect(try check("csv", [:], [:]) == nil)
    }

    @Test func settingsAreChecked() throws {
        let github = try #require(Repository.library.manifests.first { $0.name == "github" }).spec
        let good = github.check(connection: ["token": "t"], stream: ["repository": "apple/swift"])
        #expect(good.problems == [])
        #expect(good.secrets == ["token": "t"])
        #expect(good.connection == ["api_url": "https://api.github.com"])
        #expect(good.stream == ["repository": "apple/swift", "include_bots": false])
        func problem(_ connection: [String: JSON], _ stream: [String: JSON]) -> String {
            github.validate(connection: connection, stream: stream).map(\.description).joined(separator: "; ")
        }
        #expect(problem([:], [:]).contains("entity.repository: missing"))
        #expect(problem([:], ["repository": "apple"]).contains("does not have the form"))
        #expect(problem([:], ["repository": 3]).contains("must be text"))
        #expect(problem([:], ["repository": "a/b", "include_bots": "yes"]).contains("must be true or false"))
        #expect(problem(["tokn": "t"], ["repository": "a/b"]).contains("did you mean `token`?"))
        #expect(problem(["api_url": "ftp://x"], ["repository": "a/b"]).contains("https://"))
    }
}
