import ByteJSON
import Common
import Connectors
import Testing

@Suite struct ExpressionTests {
    static let payload = """
        {"id": 7, "name": " Ada \\n Park ", "empty": "", "none": null, "yes": true, "zero": 0, "price": 2.5,
         "tags": ["a", "b"], "dotted.name": "d", "people": [{"role": "boss", "name": "Bo"}, {"role": "dev", "name": "Di"}],
         "html": "a &amp; b &#39;c&#x27; &nope;", "site": "https://Forum.Example.org:8443/x?y", "at": "1700000000",
         "ms": 1700000000123, "body": {"text": "inner"}}
        """

    /// What an expression, written in a mapping, gives.
    private func value(_ expression: JSON) throws -> JSON? {
        let manifest = try #require(Repository.library.manifests.first { $0.name == "jsonl" })
        let mapping: JSON = ["text": ["const": "t"], "custom": ["x": expression]]
        let facts = StreamFacts(
            id: "st_1", name: "s", entity: ["a": "entity"], config: ["base": "https://h.example/"], mapping: mapping)
        let mapper = try Mapper(manifest: manifest, stream: facts)
        let headers: RecordHeaders = ["how": "import", "delivery": "d", "h-x-kind": "kept"]
        let outcome = try #require(mapper.map(Array(Self.payload.utf8), headers: headers).first)
        guard case .item(let item) = outcome else { throw Unexpected(outcome: outcome) }
        return item.custom["x"]
    }

    struct Unexpected: Error { let outcome: MappingOutcome }

    static let cases: [(JSON, JSON?)] = [
        ("id", 7), ("none", nil), ("missing.deeper", nil), ("people.1.name", "Di"), ("people.9.name", nil),
        (#"dotted\.name"#, "d"), ("body.text", "inner"), ("item.body.text", "inner"), ("root.id", 7),
        ("entity.a", "entity"), ("config.base", "https://h.example/"), ("stream.id", "st_1"),
        ("headers.x-kind", "kept"), ("headers.how", "import"), ("headers.nothing", nil),
        (["none", "empty", "id"], 7), (["none", "empty"], nil), (["const": [1, 2]], [1, 2]),
        (["lower": "site"], "https://forum.example.org:8443/x?y"), (["upper": ["const": "aß"]], "ASS"),
        (["trim": "name"], "Ada \n Park"), (["first_line": "name"], "Ada "),
        (["join": ["id", "none", "tags"], "with": "-"], "7-a-b"), (["join": ["none"]], nil),
        (["after": "site", "mark": "://"], "Forum.Example.org:8443/x?y"), (["after": "site", "mark": "#"], nil),
        (["before": "site", "mark": ":"], "https"),
        (["strip_prefix": "site", "prefix": "https://"], "Forum.Example.org:8443/x?y"),
        (["strip_prefix": "site", "prefix": "ftp://"], "https://Forum.Example.org:8443/x?y"),
        (["unix": "at"], "2023-11-14T22:13:20.000Z"), (["unix_ms": "ms"], "2023-11-14T22:13:20.123Z"),
        (["day_first": ["const": "31.12.2023 17:04"]], "2023-12-31T17:04:00.000Z"),
        (["day_first": ["const": "1/2/70"]], "1970-02-01T00:00:00.000Z"), (["day_first": ["const": "12/31/2023"]], nil),
        (["month_first": ["const": "12/31/23 5:04:09 PM"]], "2023-12-31T17:04:09.000Z"),
        (["month_first": ["const": "2-3-2023, 12:00 am"]], "2023-02-03T00:00:00.000Z"), (["month_first": "name"], nil),
        (["month_first": ["const": "12/31/2023 25:00"]], nil),
        (["unix": "tags"], nil), (["string": "id"], "7"), (["string": "people"], nil),
        (["number": "at"], 1_700_000_000),
        (["number": "name"], nil), (["host": "site"], "forum.example.org:8443"), (["host": "empty"], nil),
        (["decode_html": "html"], "a & b 'c' &nope;"), (["url": ["const": "a b/ü"]], "a%20b%2F%C3%BC"),
        (["map": "yes", "values": ["true": 1, "false": 0]], 1), (["map": "id", "values": ["8": "x"]], nil),
        (["map": "id", "values": ["8": "x"], "default": "y"], "y"),
        (["if": ["exists": "none"], "then": "id", "else": "price"], 2.5),
        (["if": ["exists": "none"], "then": "id"], nil),
        (["template": "{{id}}/{{name|trim_slash}}"], "7/ Ada \n Park "), (["template": "{{id}}/{{none}}"], nil),
        (["each": "people", "take": "name"], ["Bo", "Di"]),
        (["each": "people", "where": ["equals": ["role", "dev"]], "take": "name"], ["Di"]),
        (["each": "people", "take": ["template": "{{root.id}}{{name}}"]], ["7Bo", "7Di"]),
        (["find": "people", "where": ["equals": ["role", "dev"]], "take": "name"], "Di"),
        (["find": "people", "where": ["equals": ["role", "cat"]], "take": "name"], nil),
        (["each": "none", "take": "name"], nil),
    ]

    @Test(arguments: cases.indices) func anExpressionGivesItsValue(index: Int) throws {
        let (expression, expected) = Self.cases[index]
        #expect(try value(expression)?.bytes == expected?.bytes, "\(expression)")
    }

    static let conditions: [(JSON, Bool)] = [
        (["exists": "empty"], true), (["exists": "none"], false), (["missing": "none"], true),
        (["missing": "id"], false),
        (["truthy": "yes"], true), (["truthy": "zero"], false), (["truthy": "empty"], false),
        (["truthy": "tags"], true),
        (["truthy": ["const": "false"]], false), (["equals": ["id", 7]], true), (["equals": ["id", 7.0]], true),
        (["equals": ["id", "7"]], false), (["equals": [["string": "id"], "7"]], true),
        (["equals": ["yes", true]], true),
        (["equals": ["none", 1]], false), (["equals": ["tags", ["a", "b"]]], true), (["in": ["id", [1, 7]]], true),
        (["in": ["id", ["x"]]], false), (["starts_with": ["site", "https:"]], true),
        (["ends_with": ["site", "?y"]], true),
        (["contains": ["site", "Example"]], true), (["contains": ["tags", "b"]], true),
        (["contains": ["tags", "z"]], false),
        (["is": ["body", "object"]], true), (["is": ["tags", "array"]], true), (["is": ["id", "number"]], true),
        (["is": ["yes", "boolean"]], true), (["is": ["id", "string"]], false),
        (["all": [["exists": "id"], ["exists": "none"]]], false),
        (["any": [["exists": "id"], ["exists": "none"]]], true), (["not": ["exists": "none"]], true),
        (["all": []], true),
        (["any": []], false),
    ]

    @Test(arguments: conditions.indices) func aConditionHoldsOrNot(index: Int) throws {
        let (condition, expected) = Self.conditions[index]
        #expect(
            try value(["if": condition, "then": ["const": true], "else": ["const": false]]) == .bool(expected),
            "\(condition)")
    }

    @Test func anExpressionGivesTheSameUncompiled() throws {
        let item = try JSONDocument(parsing: Self.payload).root
        let scope = MappingScope(item: item)
        #expect(Expression.path(Path("people.0.name")).evaluate(in: scope)?.string == "Bo")
        #expect(Path("people.0.name").value(in: item)?.string == "Bo")
        #expect(
            Expression.path(Path("body.text")).evaluate(in: MappingScope(item: item, body: item["body"]))?.string
                == "inner")
        #expect(Path(#"a\.b.0.c"#).description == #"a\.b.0.c"#)
    }

    @Test func aWrongMappingIsRefused() throws {
        let manifest = try #require(Repository.library.manifests.first { $0.name == "jsonl" })
        for mapping: JSON in [
            ["txet": "a"], "text", ["text": ["lwoer": "a"]], ["text": true], ["skip": ["exist": "a"]],
        ] {
            #expect(throws: MappingError.self) {
                try Mapper(manifest: manifest, stream: StreamFacts(mapping: mapping))
            }
        }
    }

    @Test(arguments: [
        "2021-02-20", "2021-02-20T10:11:12Z", "2021-02-20T10:11:12.5+02:00", "2015-05-17 17:06:40 UTC", "1613815872",
        "1613815872123", "1613815872.5",
    ]) func timesComeInManyForms(text: String) throws {
        let manifest = try #require(Repository.library.manifests.first { $0.name == "jsonl" })
        let row = Array(#"{"id":"1","text":"x","created_at":"\#(text)"}"#.utf8)
        let outcome = try Mapper(manifest: manifest).map(row, headers: ["how": "import"]).first
        guard case .item(let item) = outcome else {
            Issue.record("\(String(describing: outcome))")
            return
        }
        #expect(!item.timeIsAssumed)
        #expect(item.createdAt > Timestamp(seconds: 1_400_000_000))
        #expect(item.createdAt < Timestamp(seconds: 1_700_000_000))
    }
}
