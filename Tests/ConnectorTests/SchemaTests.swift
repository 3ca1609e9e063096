import ByteJSON
import Connectors
import Foundation
import Testing

/// `schemas/connector.v1.schema.json` says what the loader says.
@Suite struct SchemaTests {
    private func schema() throws -> JSON {
        let file = Repository.root.appending(path: "schemas/connector.v1.schema.json")
        return JSON(try JSONDocument(parsing: Array(try Data(contentsOf: file))).root)
    }

    private func definition(_ name: String) throws -> JSON { try #require(try schema()["$defs"]?[name]) }

    /// The names of a definition's members.
    private func members(_ json: JSON?) -> Set<String> { Set(json?["properties"]?.object?.keys.map(\.self) ?? []) }

    /// The names that a loader's complaint about an unknown key lists.
    private func known(_ yaml: String) -> Set<String> {
        do {
            _ = try ManifestLoader.load(yaml: yaml, file: "x.yaml")
            return []
        } catch {
            let reasons = error.problems.map(\.reason).filter { $0.contains("unknown key `qqqqqqqq`") }
            let list = reasons.first?.split(separator: "known are ").last ?? ""
            return Set(list.split(separator: ", ").map(String.init))
        }
    }

    @Test func theKeysOfBothAreTheSame() throws {
        let whole = try schema()
        #expect(known("qqqqqqqq: 1") == members(whole))
        for (yaml, name) in [
            ("spec: {connection: [{qqqqqqqq: 1}]}", "field"), ("check: {qqqqqqqq: 1}", "request"),
            ("read: [{qqqqqqqq: 1}]", "source"), ("read: [{cursor: {qqqqqqqq: 1}}]", "cursor"),
            ("read: [{rate: {qqqqqqqq: 1}}]", "rate"), ("read: [{errors: [{qqqqqqqq: 1}]}]", "error"),
            ("receive: {qqqqqqqq: 1}", "receiver"), ("receive: {handshakes: [{qqqqqqqq: 1}]}", "handshake"),
            ("receive: {subscribe: {qqqqqqqq: 1}}", "subscription"), ("normalise: [{qqqqqqqq: 1}]", "shape"),
        ] {
            #expect(known(yaml) == members(try definition(name)), "\(name)")
        }
        #expect(known("discover: {qqqqqqqq: 1}") == members(whole["properties"]?["discover"]))
        #expect(known("spec: {qqqqqqqq: 1}") == members(whole["properties"]?["spec"]))
    }

    @Test func theFieldsOfBothAreTheSame() throws {
        let fields = try definition("shape")["properties"]?["fields"]
        #expect(known("normalise: [{fields: {qqqqqqqq: 1}}]") == members(fields))
        #expect(members(fields).isSuperset(of: NormalisedField.allCases.map(\.rawValue)))
    }

    @Test func theFunctionsOfBothAreTheSame() throws {
        let alternatives = try #require(try definition("expression")["oneOf"]?.array)
        let named = Set(alternatives.compactMap { $0["required"]?.array?.first?.string })
        let structural = ["const", "join", "template", "if", "map", "each", "find"]
        #expect(named == Set(structural + Expression.Function.allCases.map(\.rawValue)))
    }
}
