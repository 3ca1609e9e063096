import ByteJSON
import Common
import Connectors
import Foundation
import Testing

/// Payloads that were recorded from providers; they stay outside of the repository.
enum Recorded {
    static let folder = ProcessInfo.processInfo.environment["EARSHOT_FIXTURES"]

    static func text(_ path: String) throws -> [UInt8] {
        Array(try Data(contentsOf: URL(filePath: try #require(folder)).appending(path: path)))
    }

    static func document(_ path: String) throws -> JSONDocument { try JSONDocument(parsing: try text(path)) }

    /// The headers of a recorded delivery, by names in lower case.
    static func headers(_ path: String) throws -> [String: String] {
        let recorded = JSON(try document(path).root)["headers"]?.object ?? [:]
        return Dictionary(recorded.map { ($0.key.lowercased(), $0.value.string ?? "") }, uniquingKeysWith: { $1 })
    }

    static let connectors = Dictionary(
        uniqueKeysWithValues: ConnectorLibrary().manifests.map { ($0.name, $0) })

    static func mapper(
        _ connector: String, config: [String: JSON] = [:], entity: [String: JSON] = [:], mapping: JSON? = nil
    ) throws -> Mapper {
        let manifest = try #require(connectors[connector])
        return try Mapper(
            manifest: manifest,
            stream: StreamFacts(id: "st_x", name: "x", entity: entity, config: config, mapping: mapping))
    }

    /// The headers of a raw event, with those of the sender that the connector keeps.
    static func rawHeaders(_ connector: String, how: String, sender: [String: String] = [:], source: String? = nil)
        -> RecordHeaders
    {
        var headers: RecordHeaders = [RawHeader.how: how, RawHeader.receivedAt: "2024-01-01T00:00:00Z"]
        if let source { headers.append(RawHeader.source, source) }
        headers.append(RawHeader.delivery, "d1")
        for name in connectors[connector]?.receive?.keepHeaders ?? [] {
            if let value = sender[name] { headers.append(RawHeader.kept + name, value) }
        }
        return headers
    }
}

extension MappingOutcome {
    var mapped: MappedItem? { if case .item(let item) = self { item } else { nil } }
}

@Suite(.enabled(if: Recorded.folder != nil, "set EARSHOT_FIXTURES to the folder of recorded payloads"))
struct RecordedPayloadTests {
    static let forum: [String: JSON] = ["base_url": "https://forum.example.org/"]

    @Test(arguments: ["discourse/posts_latest.json", "discourse/posts_before.json"])
    func pagesOfPostsBecomeItems(path: String) throws {
        let mapper = try Recorded.mapper("discourse", config: Self.forum)
        let headers = Recorded.rawHeaders("discourse", how: "pull", source: "posts")
        let posts = try #require(try Recorded.document(path).root["latest_posts"])
        var items = 0
        for post in posts.elements {
            let isRemark = post["post_type"]?.int64 != 1
            for outcome in mapper.map(post.raw, headers: headers) {
                if isRemark {
                    #expect(outcome == .filtered(reason: "the connector leaves such items out"))
                    continue
                }
                guard case .item(let item) = outcome else {
                    Issue.record("\(outcome)")
                    continue
                }
                items += 1
                #expect(item.instance == "forum.example.org")
                #expect(item.externalID == post["id"].map { String(decoding: $0.raw, as: UTF8.self) })
                #expect(item.createdAt == post["created_at"]?.string.flatMap { Timestamp($0) })
                #expect(item.updatedAt == post["updated_at"]?.string.flatMap { Timestamp($0) })
                #expect(item.author.id == post["username"]?.string)
                #expect(item.title == post["topic_title"]?.string)
                #expect(item.text == post["cooked"]?.string)
                #expect(item.format == .html)
                #expect(item.url?.hasPrefix("https://forum.example.org/t/") == true)
            }
        }
        #expect(items > 0)
    }

    @Test func forumWebhooksLeaveOutPrivateMessages() throws {
        let mapper = try Recorded.mapper("discourse", config: Self.forum)
        for (name, expected) in [
            ("webhook_post_created", "14"), ("webhook_post_created_reply", nil),
            ("webhook_post_created_private_message_image_only", ""),
        ] {
            let sender = try Recorded.headers("discourse/\(name).headers.json")
            let outcomes = mapper.map(
                try Recorded.document("discourse/\(name).json"),
                headers: Recorded.rawHeaders("discourse", how: "push", sender: sender))
            #expect(outcomes.count == 1)
            if expected == "" {
                #expect(outcomes.first == .filtered(reason: "the connector leaves such items out"))
            } else {
                let item = try #require(outcomes.first?.mapped, "\(name): \(outcomes)")
                if let expected { #expect(item.externalID == expected) }
                #expect(item.title?.isEmpty == false)
                #expect(item.deletedAt == nil)
            }
        }
    }

    @Test(arguments: ["discourse/topic_full.json", "discourse/topic_1148.json", "discourse/topic_posts_by_ids.json"])
    func topicsGiveTheirPosts(path: String) throws {
        let mapper = try Recorded.mapper("discourse", config: Self.forum)
        let root = try Recorded.document(path).root
        let manifest = try #require(Recorded.connectors["discourse"])
        let source = try #require(manifest.read.first { $0.name == "search" }?.nested.first)
        let posts = try #require(Path(source.items).value(in: root))
        var headers = Recorded.rawHeaders("discourse", how: "pull", source: "topic")
        var context: [String: JSON] = [:]
        for (name, value) in source.context {
            context[name] = value.evaluate(in: MappingScope(item: root))?.json
        }
        headers.append(RawHeader.context, JSON.object(context).bytes)
        for post in posts.elements where source.skip?.holds(in: MappingScope(item: post)) != true {
            let outcome = try #require(mapper.map(post.raw, headers: headers).first)
            if case .filtered = outcome { continue }
            let item = try #require(outcome.mapped, "\(outcome)")
            #expect(item.title == root["title"]?.string)
            #expect(item.threadID == root["id"].map { String(decoding: $0.raw, as: UTF8.self) })
        }
    }

    static let hooks: [(file: String, id: String, thread: String?, gone: Bool)] = [
        ("issues_opened", "issue/", nil, false), ("issues_edited", "issue/", nil, false),
        ("issues_opened_with_empty_body", "issue/", nil, false),
        ("issues_opened_with_organization", "issue/", nil, false), ("issues_deleted", "issue/", nil, true),
        ("issues_transferred", "issue/", nil, true), ("issue_comment_created", "comment/", nil, false),
        ("issue_comment_created_with_installation", "comment/", nil, false),
        ("issue_comment_edited", "comment/", nil, false), ("issue_comment_deleted", "comment/", nil, true),
        ("discussion_created", "discussion/", nil, false), ("discussion_edited", "discussion/", nil, false),
        ("discussion_answered", "discussion/", nil, false),
        ("discussion_comment_created", "discussion_comment/", nil, false),
        ("discussion_comment_edited", "discussion_comment/", nil, false),
    ]

    @Test(arguments: hooks.map(\.file)) func repositoryWebhooksBecomeOneItem(file: String) throws {
        let expected = try #require(Self.hooks.first { $0.file == file })
        let mapper = try Recorded.mapper("github", entity: ["repository": "o/r"])
        let document = try Recorded.document("github/webhook_\(file).json")
        let sender = try Recorded.headers("github/webhook_\(file).headers.json")
        let receiver = try #require(Recorded.connectors["github"]?.receive)
        let scope = MappingScope(item: document.root, body: document.root, headers: .lookup { sender[$0] })
        #expect(receiver.ignore?.holds(in: scope) == false)
        let outcomes = mapper.map(document, headers: Recorded.rawHeaders("github", how: "push", sender: sender))
        let item = try #require(outcomes.first?.mapped, "\(outcomes)")
        #expect(outcomes.count == 1)
        #expect(item.externalID.hasPrefix(expected.id))
        #expect(item.instance == document.root["repository"]?["full_name"]?.string?.lowercased())
        #expect((item.deletedAt != nil) == expected.gone)
        #expect(item.author.id?.isEmpty == false)
        #expect(item.threadID?.isEmpty == false)
        #expect(item.url?.hasPrefix("https://github.com/") == true)
    }

    @Test func aRepositorysPingIsIgnored() throws {
        let sender = try Recorded.headers("github/webhook_ping.headers.json")
        let document = try Recorded.document("github/webhook_ping.json")
        let scope = MappingScope(item: document.root, body: document.root, headers: .lookup { sender[$0] })
        #expect(Recorded.connectors["github"]?.receive?.ignore?.holds(in: scope) == true)
    }

    @Test(arguments: [
        "github/issues_real_page_1.json", "github/issues_list_page_1.json", "github/issue_comments_real.json",
    ])
    func pagesOfARepositoryBecomeItems(path: String) throws {
        let mapper = try Recorded.mapper("github", entity: ["repository": "o/r"])
        let manifest = try #require(Recorded.connectors["github"])
        let source = try #require(manifest.read.first { path.contains($0.name == "issues" ? "issues_" : "comments_") })
        for element in try Recorded.document(path).root.elements {
            let scope = MappingScope(item: element, entity: ["repository": "o/r"])
            let isPullRequest =
                element["pull_request"] != nil || element["html_url"]?.string?.contains("/pull/") == true
            #expect(source.skip?.holds(in: scope) == isPullRequest)
            let outcome = try #require(
                mapper.map(element.raw, headers: Recorded.rawHeaders("github", how: "pull", source: source.name)).first)
            if isPullRequest {
                #expect(outcome == .filtered(reason: "the connector leaves such items out"))
                continue
            }
            if element["user"]?["type"]?.string == "Bot" { continue }
            let item = try #require(outcome.mapped, "\(outcome)")
            #expect(item.externalID == source.id.evaluate(in: scope)?.string)
            #expect(item.instance == source.instance?.evaluate(in: scope)?.string)
            #expect(item.url == element["html_url"]?.string)
        }
    }

    @Test(arguments: ["rss_customerreviews_current_with_updated", "rss_customerreviews_page_1"])
    func theStorefrontsFeedBecomesReviews(name: String) throws {
        let entity: [String: JSON] = ["app_id": "1", "country": "us"]
        let mapper = try Recorded.mapper("app_store", entity: entity)
        let source = try #require(Recorded.connectors["app_store"]?.read.first)
        let entries = try #require(Path(source.items).value(in: try Recorded.document("appstore/\(name).json").root))
        var reviews = 0
        for entry in entries.elements {
            let outcome = mapper.map(
                entry.raw, headers: Recorded.rawHeaders("app_store", how: "pull", source: "reviews"))
            if source.skip?.holds(in: MappingScope(item: entry)) == true {
                #expect(outcome == [.filtered(reason: "the connector leaves such items out")])
                continue
            }
            let item = try #require(outcome.first?.mapped, "\(outcome)")
            #expect((1...5).contains(item.rating ?? 0))
            #expect(item.ratingScale == Feedback.RatingScale(1, 5))
            #expect(item.timeIsAssumed == (entry["updated"] == nil))
            #expect(item.author.name?.isEmpty == false)
            reviews += 1
        }
        #expect(reviews > 0)
    }
}

@Suite(.enabled(if: Recorded.folder != nil, "set EARSHOT_FIXTURES to the folder of recorded payloads"))
struct RecordedCorpusTests {
    /// The lines of one part of a corpus.
    private func lines(_ name: String) throws -> [ArraySlice<UInt8>] {
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = ["gzip", "-dc", try #require(Recorded.folder) + "/corpus/" + name]
        let pipe = Pipe()
        process.standardOutput = pipe
        try process.run()
        let data = pipe.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        return Array(data).split(separator: 0x0A)
    }

    @Test func theForumsArchiveIsReadByTheForumsConnector() throws {
        let mapper = try Recorded.mapper("discourse", config: RecordedPayloadTests.forum)
        let headers = Recorded.rawHeaders("discourse", how: "import")
        var counts: [String: Int] = [:]
        for line in try lines("discourse_urho3d.000.jsonl.gz") {
            for outcome in mapper.map(line, headers: headers) {
                switch outcome {
                case .item(let item):
                    counts["items", default: 0] += 1
                    #expect(item.title != nil)
                    #expect(item.threadID != nil)
                case .filtered: counts["filtered", default: 0] += 1
                case .malformed(let reason): Issue.record("\(reason)")
                }
            }
        }
        #expect(counts["items", default: 0] > 1000)
    }

    @Test func theRepositorysArchiveIsReadByTheRepositorysConnector() throws {
        let mapper = try Recorded.mapper("github", entity: ["repository": "rust-lang/rust"])
        let headers = Recorded.rawHeaders("github", how: "import")
        var items = 0
        for line in try lines("github_rust_issues.000.jsonl.gz") {
            let isPullRequest = try JSONDocument(parsing: Array(line)).root["pull_request"] != nil
            for outcome in mapper.map(line, headers: headers) {
                switch outcome {
                case .item(let item):
                    items += 1
                    #expect(!isPullRequest)
                    #expect(item.instance == "rust-lang/rust")
                case .filtered: #expect(isPullRequest)
                case .malformed(let reason): Issue.record("\(reason)")
                }
            }
        }
        #expect(items > 100)
    }

    @Test func reviewsOfGamesAreReadByAMapping() throws {
        let mapping: JSON = [
            "id": "review_id", "text": "review", "created_at": ["unix": "timestamp_created"],
            "updated_at": ["unix": "timestamp_updated"], "author_id": "steam_id", "kind": ["const": "review"],
            "rating": ["map": "voted_up", "values": ["true": 1, "false": 0]], "rating_minimum": ["const": 0],
            "rating_maximum": ["const": 1], "labels": "game_name",
        ]
        let mapper = try Recorded.mapper("jsonl", mapping: mapping)
        let headers = Recorded.rawHeaders("jsonl", how: "import")
        var languages: Set<String> = []
        for line in try lines("steam_reviews.000.jsonl.gz") {
            for outcome in mapper.map(line, headers: headers) {
                guard case .item(let item) = outcome else { continue }
                #expect(item.rating == 0 || item.rating == 1)
                #expect(item.ratingScale == Feedback.RatingScale(0, 1))
                #expect(!item.timeIsAssumed)
                languages.insert(item.language ?? "none")
            }
        }
        #expect(languages.isSuperset(of: ["en", "zh-hans", "ru"]))
        #expect(!languages.contains("none"))
    }
}
