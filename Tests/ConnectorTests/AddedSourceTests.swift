import ByteJSON
import Common
import Connectors
import Foundation
import Testing

/// The connector that `docs/connectors.md` walks through: a source that is added by one file, without a rebuild.
@Suite struct AddedSourceTests {
    /// The first block of YAML in the page.
    private func documented() throws -> String {
        let page = try String(contentsOf: Repository.root.appending(path: "docs/connectors.md"), encoding: .utf8)
        let block = try #require(page.firstRange(of: "```yaml\n"))
        let rest = page[block.upperBound...]
        return String(rest[..<(try #require(rest.firstRange(of: "```\n"))).lowerBound])
    }

    @Test func theManifestOfThePageWorksFromAFolder() throws {
        let folder = URL.temporaryDirectory.appending(path: "added-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: folder) }
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        try Data(try documented().utf8).write(to: folder.appending(path: "hacker_news.yaml"))
        let library = ConnectorLibrary(folder: folder)
        #expect(library.problems == [])
        let manifest = try #require(library.manifests.first { $0.name == "hacker_news" })

        let settings = manifest.spec.check(connection: [:], stream: ["query": "earshot"])
        #expect(settings.problems == [])
        let source = try #require(manifest.read.first)
        let values = TemplateValues(
            config: settings.connection, entity: settings.stream,
            window: Timestamp(seconds: 1_700_000_000)..<Timestamp(seconds: 1_700_086_400))
        #expect(
            try source.request.build(values, auth: manifest.auth).url
                == "https://hn.algolia.com/api/v1/search_by_date?query=earshot&tags=comment"
                + "&numericFilters=created_at_i%3E%3D1700000000%2Ccreated_at_i%3C1700086400&hitsPerPage=100")

        let mapper = try Mapper(
            manifest: manifest, stream: StreamFacts(entity: settings.stream, config: settings.connection))
        let hit = """
            {"objectID": "38000001", "author": "nia", "comment_text": "It&#x27;s <i>slow</i>", "story_id": 37, "parent_id": 36,
             "story_title": "Earshot", "created_at": "2023-11-15T08:00:00Z", "created_at_i": 1700035200}
            """
        let outcomes = mapper.map(Array(hit.utf8), headers: ["how": "pull", "source": "comments"])
        guard case .item(let item) = outcomes.first else {
            Issue.record("\(outcomes)")
            return
        }
        #expect(item.instance == "news.ycombinator.com")
        #expect(item.externalID == "38000001")
        #expect(item.url == "https://news.ycombinator.com/item?id=38000001")
        #expect(item.format == .html)
        #expect(item.threadID == "37")
        #expect(item.createdAt == Timestamp(seconds: 1_700_035_200))
    }
}
