import Common
import Connectors
import CurlTransport
import Fetcher
import Foundation
import Logging
import SQLiteLog
import ServiceKit
import TestKit
import Testing

/// What every connector that polls must do, over HTTP; a connector without a `provider` case fails.
@Suite struct PullConformanceTests {
    private static let manifests = ConnectorLibrary().manifests
    private static let fixtures = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .appending(path: "Fixtures/connectors")

    @Test(arguments: manifests.filter { !$0.read.isEmpty }.map(\.name))
    func aConnectorReadsItsProvider(name: String) async throws {
        let manifest = try #require(Self.manifests.first { $0.name == name })
        let results = try await run(manifest, Self.fixtures.appending(path: name))
        #expect(results.count > 8)
        for result in results {
            #expect(result.failures == [], "\(name), \(result.name): \(result.failures.joined(separator: "\n"))")
        }
    }

    @Test func whatIsOnlyPushedHasNothingToRead() async throws {
        let manifest = try #require(Self.manifests.first { $0.name == "standard_webhook" })
        #expect(try await run(manifest, Self.fixtures.appending(path: "standard_webhook")).isEmpty)
    }

    /// A connector with these lines in place of those of the new one that works.
    private func failures(_ old: String, _ new: String) async throws -> [String: [String]] {
        let folder = try TemporaryFolder()
        let url = URL(filePath: folder.path)
        _ = try ManifestSkeleton.write(name: "acme_desk", into: url)
        let file = url.appending(path: "acme_desk.yaml")
        let text = try String(contentsOf: file, encoding: .utf8)
        try #require(text.contains(old))
        try Data(text.replacing(old, with: new).utf8).write(to: file)
        let manifest = try ManifestLoader.load(file: file)
        let results = try await run(manifest, url.appending(path: "fixtures/acme_desk"))
        return Dictionary(
            uniqueKeysWithValues: results.filter { !$0.failures.isEmpty }.map { ($0.name, $0.failures) })
    }

    @Test func aNewConnectorBeginsRight() async throws {
        #expect(try await failures("version: 1", "version: 2") == [:])
    }

    @Test func whatAConnectorDoesWrongIsFound() async throws {
        let onePage = try await failures("pagination: link", "pagination: none")
        #expect(onePage["provider, pages"]?.contains("2 was not read") == true)
        #expect(onePage["provider, pages"]?.contains { $0.hasPrefix("never asked for") } == true)

        let silent = try await failures("{status: 401, action: fail,", "{status: 401, action: ignore,")
        #expect(silent["provider, 401"] == ["a 401 must fail"])
        #expect(silent.count == 1)

        let impatient = try await failures(
            "- {status: 401, action: fail, message: the token is wrong}", "- {status: [401, 429], action: fail}")
        #expect(impatient["provider, 429"]?.first?.contains("must wait until then") == true)

        let deaf = try await failures("{status: 401, action: fail,", "{status: [401, 500], action: fail,")
        #expect(deaf["provider, 500"]?.isEmpty == false)
        #expect(deaf["provider, ties"]?.isEmpty == false)

        let otherKey = try await failures("    id: id\n", "    id: subject\n")
        #expect(otherKey["provider, pages"]?.first?.contains("another identity") == true)
    }

    private func run(_ manifest: Manifest, _ folder: URL) async throws -> [ConformanceKit.Result] {
        let data = try TemporaryFolder()
        var logger = Logger(label: "test")
        logger.logLevel = .critical
        let log = try SQLiteLog(folder: data.file("log"))
        try await log.create(Topic.all)
        let transport = CurlTransport(policy: .any)
        let context = RoleContext(
            log: log, database: try await TestDatabase.open(data.file("fetcher.sqlite")), transport: transport,
            directory: Directory(log: log, logger: logger),
            vault: try Vault(masterKey: [UInt8](repeating: 7, count: 32)),
            connectors: ConnectorRegistry([]), metrics: Metrics(), logger: logger, publicURL: "")
        let kit = try ConformanceKit(manifest: manifest, folder: folder)
        let results = try await PullConformance(kit, context: context).run()
        await transport.shutdown()
        return withExtendedLifetime(data) { results }
    }
}
