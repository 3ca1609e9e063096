import Connectors
import Foundation
import Testing

/// The connectors that are built in, and the folders of this repository that belong to them.
enum Repository {
    static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()
    static let manifests = root.appending(path: "connectors")
    static let fixtures = root.appending(path: "Tests/Fixtures/connectors")
    static let library = ConnectorLibrary()
}

/// What every connector must do; a connector without a fixture folder fails.
@Suite struct ConformanceTests {
    @Test(arguments: Repository.library.manifests.map(\.name)) func aConnectorDoesAsItsFixturesSay(name: String) throws
    {
        let manifest = try #require(Repository.library.manifests.first { $0.name == name })
        let kit = try ConformanceKit(manifest: manifest, folder: Repository.fixtures.appending(path: name))
        for result in kit.run() {
            #expect(result.failures == [], "\(name)/\(result.name): \(result.failures.joined(separator: "\n"))")
        }
    }

    @Test(arguments: Repository.library.manifests.map(\.name)) func everySourceAndWayInHasACase(name: String) throws {
        let manifest = try #require(Repository.library.manifests.first { $0.name == name })
        let kit = try ConformanceKit(manifest: manifest, folder: Repository.fixtures.appending(path: name))
        var pulled: Set<String> = []
        var ways: Set<String> = []
        for test in kit.cases {
            switch test.input {
            case .pull(_, let source): pulled.insert(source)
            case .push, .form: ways.insert("push")
            case .imported: ways.insert("import")
            case .provider: break
            }
        }
        let taken = manifest.read.filter(\.nested.isEmpty) + manifest.read.flatMap(\.nested)
        #expect(pulled.isSuperset(of: taken.map(\.name)))
        #expect(manifest.receive == nil || ways.contains("push"))
        #expect(!manifest.read.isEmpty || manifest.receive != nil || ways.contains("import"))
    }

    @Test func aWrongExpectationFails() throws {
        let folder = URL.temporaryDirectory.appending(path: "kit-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: folder) }
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        try Data("{}".utf8).write(to: folder.appending(path: "stream.json"))
        let jsonl = try #require(Repository.library.manifests.first { $0.name == "jsonl" })
        func failures(_ text: String) throws -> [String] {
            try Data(text.utf8).write(to: folder.appending(path: "row.json"))
            return try ConformanceKit(manifest: jsonl, folder: folder).run().flatMap(\.failures)
        }
        #expect(try failures(#"{"import": {"id": "1"}, "expect": [{"malformed": "text is missing"}]}"#) == [])
        #expect(try failures(#"{"import": {"id": "1"}, "expect": [{"malformed": "no"}]}"#).count == 1)
        #expect(try failures(#"{"import": {"id": "1"}}"#).first?.contains("has no `expect`") == true)
        #expect(try failures(#"{"push": {"id": "1"}, "expect": []}"#).contains("the connector receives nothing"))
        #expect(throws: ManifestProblem.self) { try failures("{}") }
    }

    @Test func aNewConnectorBeginsRight() throws {
        let folder = URL.temporaryDirectory.appending(path: "new-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: folder) }
        let files = try ManifestSkeleton.write(name: "acme_desk", into: folder)
        #expect(files.count == 5)
        let library = ConnectorLibrary(folder: folder)
        #expect(library.problems == [])
        let manifest = try #require(library.manifests.first { $0.name == "acme_desk" })
        let kit = try ConformanceKit(manifest: manifest, folder: folder.appending(path: "fixtures/acme_desk"))
        #expect(kit.run().flatMap(\.failures) == [])
        #expect(throws: ManifestProblem.self) { try ManifestSkeleton.write(name: "acme_desk", into: folder) }
        #expect(throws: ManifestProblem.self) { try ManifestSkeleton.write(name: "../x", into: folder) }
    }
}
