import Connectors
import Foundation
import Testing

@Suite struct LoaderTests {
    /// A manifest that is right, to be made wrong.
    static let good = """
        connector: desk
        version: 2
        title: Desk
        summary: Tickets
        spec:
          connection:
            - {name: base_url, type: url, title: Address, required: true}
        read:
          - name: tickets
            request: {url: "{{config.base_url|trim_slash}}/tickets"}
            items: tickets
            id: id
        normalise:
          - shape: ticket
            fields:
              instance: {host: config.base_url}
              external_id: id
              text: body

        """

    private func problems(_ yaml: String) -> [ManifestProblem] {
        do {
            _ = try ManifestLoader.load(yaml: yaml, file: "desk.yaml")
            return []
        } catch {
            return error.problems
        }
    }

    @Test func aRightManifestLoads() throws {
        let manifest = try ManifestLoader.load(yaml: Self.good, file: "desk.yaml")
        #expect(manifest.identity == "desk@2")
        #expect(manifest.read.map(\.name) == ["tickets"])
        #expect(manifest.normalise.shapes.first?.fields.count == 3)
    }

    /// What is put in the place of what, the line where that is told, and a part of the reason.
    static let wrong: [(String, String, Int, String)] = [
        ("summary: Tickets", "sumary: Tickets", 4, "did you mean `summary`?"),
        ("version: 2", "version: two", 2, "must be a whole number"),
        ("connector: desk", "connector: My Desk", 1, "lower-case letters"),
        ("items: tickets", "itmes: tickets", 11, "did you mean `items`?"),
        ("external_id: id", "externl_id: id", 17, "did you mean `external_id`?"),
        ("    id: id\n", "", 9, "a source needs `id`"),
        ("text: body", "text: {lwoer: body}", 18, "did you mean `lower`?"),
        ("text: body", "text: {lower: body, upper: body}", 18, "one function"),
        ("text: body", "text: {after: body}", 18, "`after` needs `mark`"),
        ("text: body", "text: {template: \"{{body\"}", 18, "`{{` without `}}`"),
        ("text: body", "text: {if: {exist: body}, then: body}", 18, "did you mean `exists`?"),
        ("text: body", "text: true", 18, "write {const: …}"),
        ("host: config.base_url", "host: config.base_uri", 16, "did you mean `config.base_url`?"),
        ("{{config.base_url|trim_slash}}", "{{config.base_url|trim}}", 10, "there is no function `trim`"),
        ("{{config.base_url|trim_slash}}", "{{base_url}}", 10, "a hole begins with"),
        ("type: url", "type: uri", 7, "did you mean `url`?"),
        ("type: url", "type: string, pattern: \"[\"", 7, "no regular expression"),
        ("    id: id\n", "    id: id\n    pagination: pages\n", 13, "is no pagination"),
        ("    id: id\n", "    id: id\n    cursor: {kind: ascending}\n", 9, "needs `position`"),
        ("    id: id\n", "    id: id\n    errors: [{action: retry}]\n", 13, "needs `status` or `when`"),
        ("title: Desk", "title: [Desk", 4, "not YAML"),
        ("title: Desk", "title: Desk\ntitle: Desk", 3, "the same key twice"),
    ]

    @Test(arguments: wrong.indices) func aWrongManifestIsRefusedWithItsPlace(index: Int) throws {
        let (text, replacement, line, reason) = Self.wrong[index]
        let yaml = Self.good.replacing(text, with: replacement)
        #expect(yaml != Self.good)
        let found = problems(yaml)
        #expect(found.contains { $0.reason.contains(reason) && $0.line == line }, "\(found)")
        #expect(found.allSatisfy { $0.file == "desk.yaml" })
    }

    @Test func allProblemsAreToldAtOnce() {
        let yaml = Self.good.replacing("summary: Tickets", with: "sumary: Tickets").replacing("id: id", with: "di: id")
        #expect(problems(yaml).count >= 4)
    }

    @Test func whatIdentityNeedsMustBeMapped() {
        let yaml = Self.good.replacing("      instance: {host: config.base_url}\n", with: "")
        #expect(problems(yaml).contains { $0.reason.contains("does not map `instance`") && $0.line == 14 })
    }

    @Test func secretsBelongToTheConnection() {
        let yaml = Self.good.replacing(
            "read:", with: "  stream:\n    - {name: key, title: Key, secret: true}\nread:")
        #expect(problems(yaml).contains { $0.reason.contains("secrets belong to the connection") })
    }

    @Test func aWrongFileKeepsNoOtherFromLoading() throws {
        let folder = URL.temporaryDirectory.appending(path: "loader-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: folder) }
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        func write(_ name: String, _ text: String) throws {
            try Data(text.utf8).write(to: folder.appending(path: name))
        }
        try write("desk.yaml", Self.good)
        try write("wrong.yaml", Self.good.replacing("connector: desk", with: "connector: other\nwhat: 1"))
        try write("again.yml", Self.good)
        try write("huge.yaml", String(repeating: "# x\n", count: 100_000))
        try write("github.yaml", Self.good.replacing("connector: desk", with: "connector: github"))
        try write("notes.txt", "no manifest")
        let library = ConnectorLibrary(folder: folder)
        #expect(library.manifests.contains { $0.name == "desk" })
        #expect(
            library.manifests.first { $0.name == "github" }?.title == "Desk",
            "the operator's own replaces a built-in one")
        #expect(library.manifests.count == Repository.library.manifests.count + 1)
        #expect(library.problems.count == 3)
        #expect(
            library.problems.contains {
                $0.file.hasSuffix("wrong.yaml") && $0.line == 2 && $0.reason.contains("`what`")
            })
        #expect(library.problems.contains { $0.file.hasSuffix("huge.yaml") })
        #expect(ConnectorLibrary(folder: folder.appending(path: "none")).problems.count == 1)
    }

    @Test func whatIsBuiltInIsWhatTheFolderHolds() throws {
        let files = try FileManager.default.subpathsOfDirectory(atPath: Repository.manifests.path)
            .filter { $0.hasSuffix(".yaml") && !$0.hasPrefix("fixtures/") }
        #expect(Set(BuiltInFiles.all.map(\.path)) == Set(files))
        for (path, text) in BuiltInFiles.all {
            #expect(
                try String(contentsOf: Repository.manifests.appending(path: path), encoding: .utf8) == text, "\(path)")
        }
    }
}
