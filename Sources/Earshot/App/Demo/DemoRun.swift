import ByteJSON
import Client
import Common
import Demo
import Foundation
import Logging
import ServiceKit
import ServiceLifecycle

/// The product at work: a server, something to read, something that pushes, files, and at the end a report.
struct DemoRun: Sendable {
    /// What is played.
    enum Programme: Sendable {
        case world(World)
        case corpus(Corpus)
        case live(url: String)
    }

    let programme: Programme
    let settings: Settings
    let screen: DemoScreen

    /// What came of it.
    struct Outcome: Sendable {
        var workspace: String
        /// The days that the report is about.
        var span: (from: String, to: String)
        var books: Books
        var seconds: Double
        /// The insight report over the whole time, as the server gave it.
        var report: [UInt8]
        /// What the broken release changed, in the invented world.
        var story: [UInt8]?
        /// Empty where there is no truth to hold it against.
        var checks: [TruthCheck]
        var url: String
        var token: Secret
    }

    /// Runs the programme; then `afterwards`, with the server still up.
    func run(afterwards: @escaping @Sendable (Outcome) async throws -> Void) async throws {
        let logger = Logger.standardError(level: settings.logLevel)
        let server = try await Server(settings: settings, logger: logger)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await server.run() }
            group.addTask {
                guard let port = await server.port() else { return }
                do {
                    try await afterwards(try await play(on: server, url: "http://127.0.0.1:\(port)"))
                } catch {
                    await server.stop()
                    throw error
                }
                await server.stop()
            }
            try await group.waitForAll()
        }
    }

    private func play(on server: Server, url: String) async throws -> Outcome {
        let token = try await server.makeToken(account: "Lanternfish")
        let client = APIClient(server: url, token: token, transport: Assembly.clientTransport())
        let play = Play(client: client, transport: Assembly.clientTransport())
        let begun = ContinuousClock.now
        let workspace: String
        let span: (from: String, to: String)
        switch programme {
        case .world(let world):
            workspace = try await self.play(world, with: play, on: server)
            span = ("2024-07-01", "2026-01-01")
        case .corpus(let corpus):
            workspace = try await self.play(corpus, with: play, client: client, on: server)
            span = (
                String(corpus.span.lowerBound.description.prefix(10)),
                String(corpus.span.upperBound.advanced(bySeconds: 86_400).description.prefix(10))
            )
        case .live(let forum):
            workspace = try await follow(forum, client: client, on: server)
            span = (
                String(Self.liveSince.description.prefix(10)),
                String(Timestamp.now.advanced(bySeconds: 86_400).description.prefix(10))
            )
        }
        let books = try await settle(server)
        let seconds = (ContinuousClock.now - begun).seconds
        let report = try await client.send(
            "GET", "/GetInsightReports",
            query: [
                ("workspace_id", workspace), ("from", span.from), ("to", span.to),
                ("interval", isLongSpan(span) ? "month" : "day"), ("group_by", "source,language,intent"),
            ]
        ).body
        var checks: [TruthCheck] = []
        var story: [UInt8]?
        if case .world(let world) = programme {
            let daily = try await client.json(
                "GET", "/GetInsightReports",
                query: [
                    ("workspace_id", workspace), ("from", span.from), ("to", span.to), ("interval", "day"),
                    ("timezone", "UTC"), ("group_by", "source,language"),
                ])
            story = try await client.send(
                "GET", "/GetInsightReports",
                query: [
                    ("workspace_id", workspace), ("from", "2025-09-15"), ("to", "2025-10-06"), ("interval", "day"),
                    ("compare", "previous_period"),
                ]
            ).body
            checks = Truth(of: world, connector: \.connector).check(books: books, report: daily)
        }
        return Outcome(
            workspace: workspace, span: span, books: books, seconds: seconds, report: report, story: story,
            checks: checks,
            url: url, token: token)
    }

    private func isLongSpan(_ span: (from: String, to: String)) -> Bool { span.from.prefix(4) < span.to.prefix(4) }

    // MARK: - the programmes

    private func play(_ world: World, with play: Play, on server: Server) async throws -> String {
        let forum = Forum(of: world)
        return try await withForum(forum) { address, forumServer in
            let stage = try await play.makeWorkspace(named: "Lanternfish", forum: address, backfillSince: "2024-07-01")
            let github = world.repositoryDeliveries()
            let form = world.formDeliveries()
            let store = world.storeFile()
            let survey = world.surveyFile()
            screen.begin([
                ("forum posts, read page by page", forum.postCount), ("issue tracker webhooks", github.count),
                ("in-app form webhooks", form.count), ("app-store reviews from a file", count(world, .store)),
                ("survey answers from a file", count(world, .survey)),
            ])
            try await withThrowingTaskGroup(of: Void.self) { group in
                if let stream = stage.streams[.repository], let url = stream.webhookURL,
                    let secret = stream.webhookSecret
                {
                    group.addTask {
                        _ = try await play.post(github, to: url, sign: { $0.signedForGitHub(secret: secret) }) {
                            screen.advance(1, by: $0)
                        }
                        // a sender that heard no answer sends again: known by the delivery's id, taken in once
                        _ = try await play.post(
                            Array(github.suffix(200)), to: url, sign: { $0.signedForGitHub(secret: secret) })
                    }
                }
                if let stream = stage.streams[.form], let url = stream.webhookURL, let secret = stream.webhookSecret {
                    group.addTask {
                        _ = try await play.post(form, to: url, sign: { $0.signedByStandard(secret: secret, at: .now) })
                        {
                            screen.advance(2, by: $0)
                        }
                    }
                }
                if let stream = stage.streams[.store] {
                    group.addTask {
                        try await play.importFile(
                            store, to: stream.id, key: "reviews.jsonl", contentType: "application/x-ndjson",
                            hasHeader: false
                        ) { screen.advance(3, by: $0) }
                    }
                }
                if let stream = stage.streams[.survey] {
                    group.addTask {
                        try await play.importFile(
                            survey, to: stream.id, key: "survey.csv", contentType: "text/csv", hasHeader: true
                        ) { screen.advance(4, by: $0) }
                    }
                }
                if let stream = stage.streams[.forum] {
                    group.addTask { try await waitUntilRead(stream.id, of: 0, on: server) }
                }
                try await group.waitForAll()
            }
            if let stream = stage.streams[.forum], let url = stream.webhookURL, let secret = stream.webhookSecret {
                let late = world.forumDeliveries(host: String(address.dropFirst("http://".count)))
                screen.note("the forum moves on: \(late.count) new posts, changes and deletions arrive by webhook")
                // in their order, as the forum sends them: a change never overtakes its post
                _ = try await play.post(late, to: url, atOnce: 1, sign: { $0.signedForDiscourse(secret: secret) })
            }
            let counts = forumServer.counts
            screen.note("the forum answered \(counts.answered) requests, \(counts.refused) of them with \"later\"")
            return stage.workspace
        }
    }

    private func count(_ world: World, _ channel: WorldItem.Channel) -> Int {
        world.items.lazy.filter { $0.channel == channel }.count
    }

    private func play(_ corpus: Corpus, with play: Play, client: APIClient, on server: Server) async throws
        -> String
    {
        try await withForum(corpus.forum) { address, _ in
            let stage = try await play.makeCorpusWorkspace(forum: address, since: corpus.span.lowerBound)
            screen.begin([
                ("forum posts, read page by page", corpus.forum.postCount),
                ("issue tracker webhooks", corpus.issues.count),
                ("game reviews from a file", corpus.reviewCount),
            ])
            try await withThrowingTaskGroup(of: Void.self) { group in
                if let stream = stage.streams[.repository], let url = stream.webhookURL,
                    let secret = stream.webhookSecret
                {
                    group.addTask {
                        _ = try await play.post(corpus.issues, to: url, sign: { $0.signedForGitHub(secret: secret) }) {
                            screen.advance(1, by: $0)
                        }
                    }
                }
                if let stream = stage.streams[.store] {
                    group.addTask {
                        try await play.importFile(
                            corpus.reviews, to: stream.id, key: "reviews.jsonl", contentType: "application/x-ndjson",
                            hasHeader: false
                        ) { screen.advance(2, by: $0) }
                    }
                }
                if let stream = stage.streams[.forum] {
                    group.addTask { try await waitUntilRead(stream.id, of: 0, on: server) }
                }
                try await group.waitForAll()
            }
            return stage.workspace
        }
    }

    /// A live forum is read a week back.
    private static var liveSince: Timestamp { .now.advanced(bySeconds: -7 * 86_400) }

    private func follow(_ forum: String, client: APIClient, on server: Server) async throws -> String {
        let answer = try await client.json(
            "POST", "/CreateWorkspace",
            body: [
                "name": "Live",
                "feedback_entities": [
                    [
                        "connector": "discourse", "config": ["base_url": .string(forum)], "entity": [:],
                        "schedule": ["every": "1m"],
                        "backfill_since": .string(Self.liveSince.description),
                    ]
                ],
            ])
        guard let workspace = answer["workspace_id"]?.string, let stream = answer["streams"]?[0]?["stream_id"]?.string
        else {
            throw PlayError(what: "CreateWorkspace named no stream")
        }
        screen.begin([("posts of \(forum)", 0)])
        try await waitUntilRead(stream, of: 0, on: server)
        return workspace
    }

    // MARK: - the parts

    private func withForum(_ forum: Forum, _ body: @escaping @Sendable (String, ForumServer) async throws -> String)
        async throws
        -> String
    {
        let forumServer = ForumServer(forum)
        return try await withThrowingTaskGroup(of: String?.self) { group in
            group.addTask {
                try await forumServer.run()
                return nil
            }
            group.addTask {
                guard let port = await forumServer.port() else { return nil }
                return try await body("http://127.0.0.1:\(port)", forumServer)
            }
            let workspace = try await group.next() ?? nil
            group.cancelAll()
            while let _ = try? await group.next() {}
            guard let workspace else { throw PlayError(what: "the forum could not be played") }
            return workspace
        }
    }

    /// Waits until the fetcher says that a stream is read to the end.
    private func waitUntilRead(_ id: String, of row: Int, on server: Server) async throws {
        guard let id = StreamID(id) else { throw PlayError(what: "not a stream: \(id)") }
        var seen = 0
        while true {
            try await Task.sleep(for: .milliseconds(50))
            guard let status = server.platform.directory.current.statuses[id] else { continue }
            screen.advance(row, by: status.itemsRead - seen)
            seen = status.itemsRead
            if status.state == .failing, let reason = status.reason { screen.note("the fetcher: \(reason)") }
            if status.state == .current, status.caughtUpTo != nil { return }
        }
    }

    /// Waits until everything on the log is settled.
    private func settle(_ server: Server) async throws -> Books {
        screen.note("the last ones are being understood")
        while true {
            let books = try await Diagnosis(server.platform, deep: false).books
            if books.atRest, books.inFlight == 0 { return books }
            if !books.balanced {
                throw PlayError(what: "the books do not balance: \(books.disagreements.joined(separator: "; "))")
            }
            try await Task.sleep(for: .milliseconds(20))
        }
    }
}

extension WorldItem.Channel {
    /// The connector behind the channel in the demonstration.
    var connector: String {
        switch self {
        case .forum: "discourse"
        case .repository: "github"
        case .store: "app_store"
        case .form: "standard_webhook"
        case .survey: "csv"
        }
    }
}

extension Truth {
    /// Holds the books and the report against the truth.
    func check(books: Books, report: JSONValue) -> [TruthCheck] {
        [
            TruthCheck("filtered", truth: Double(filtered), found: Double(books.filtered)),
            TruthCheck("dead", truth: Double(dead), found: Double(books.dead)),
        ] + check(report: report)
    }
}
