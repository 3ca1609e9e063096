import ByteJSON
import Client
import Common
import Demo
import TestKit
import Testing

/// The pipeline scenario: everything that the invented world's customers say, by all the ways in, on any installation.
struct Scenario: Sendable {
    let world = Self.world
    let forumAddress: String

    static let world = World.generate(seed: 7, items: 3000)
    /// What users see when nothing goes wrong, in one process: whatever else is tried must end with the same.
    static let expected = Task {
        let tables = try await withScenario { try await $0.undisturbed(in: .embedded) }
        let truth = Truth(of: world) { $0.rawValue }
        #expect(tables.feedback.count >= truth.feedback)
        return tables
    }

    /// Plays the forum while `body` works with the scenario.
    static func withScenario<Value: Sendable>(_ body: (Scenario) async throws -> Value) async throws -> Value {
        let forum = ForumServer(Forum(of: world), refuseEvery: 90)
        return try await withRunning(forum) {
            let port = try #require(await forum.port())
            return try await body(Scenario(forumAddress: "http://127.0.0.1:\(port)"))
        }
    }

    /// Makes the workspace on a server.
    func set(on server: any Installation) async throws -> (client: APIClient, stage: Play.Stage) {
        let client = try await server.client(account: "Scenario")
        let play = Play(client: client, transport: server.transport)
        return (
            client,
            try await play.makeWorkspace(
                named: "Scenario", forum: forumAddress, query: "tags:feedback", backfillSince: "2024-07-01")
        )
    }

    /// Sends everything once; a server that is killed on the way is waited for.
    func perform(_ stage: Play.Stage, with client: APIClient, on server: any Installation) async throws {
        let play = Play(client: client, transport: server.transport)
        let world = world
        let forumAddress = forumAddress
        try await withThrowingTaskGroup(of: Void.self) { group in
            if let stream = stage.streams[.repository], let url = stream.webhookURL, let secret = stream.webhookSecret {
                group.addTask {
                    _ = try await play.post(
                        world.repositoryDeliveries(), to: url, sign: { $0.signedForGitHub(secret: secret) })
                }
            }
            if let stream = stage.streams[.form], let url = stream.webhookURL, let secret = stream.webhookSecret {
                group.addTask {
                    _ = try await play.post(
                        world.formDeliveries(), to: url, sign: { $0.signedByStandard(secret: secret, at: .now) })
                }
            }
            if let stream = stage.streams[.store] {
                group.addTask {
                    try await play.importFile(
                        world.storeFile(), to: stream.id, key: "reviews.jsonl", contentType: "application/x-ndjson",
                        hasHeader: false, rowsAtOnce: 50)
                }
            }
            if let stream = stage.streams[.survey] {
                group.addTask {
                    try await play.importFile(
                        world.surveyFile(), to: stream.id, key: "survey.csv", contentType: "text/csv", hasHeader: true,
                        rowsAtOnce: 50)
                }
            }
            if let stream = stage.streams[.forum] {
                group.addTask {
                    try await waitUntilRead(stream.id, with: play)
                    if let url = stream.webhookURL, let secret = stream.webhookSecret {
                        let host = String(forumAddress.dropFirst("http://".count))
                        _ = try await play.post(
                            world.forumDeliveries(host: host), to: url, atOnce: 1,
                            sign: { $0.signedForDiscourse(secret: secret) })
                    }
                }
            }
            try await group.waitForAll()
        }
    }

    /// Has the whole forum read again.
    func askAgain(_ stage: Play.Stage, with client: APIClient) async throws {
        guard let stream = stage.streams[.forum] else { return }
        while true {
            do {
                try await client.send(
                    "POST", "/v1/streams/\(stream.id)/fetch", body: Array(#"{"backfill_since":"2024-07-01"}"#.utf8))
                return
            } catch let failure as APIFailure where failure.isTransient {
                try await Task.sleep(for: .milliseconds(200))
            }
        }
    }

    /// Sends everything, waits until it is settled, and looks at the books and what users see.
    func finish(_ stage: Play.Stage, with client: APIClient, on server: any Installation) async throws -> Tables {
        try await perform(stage, with: client, on: server)
        try await server.settle()
        let books = try await server.doctor(deep: true)
        #expect(books["balanced"]?.bool == true && books["healthy"]?.bool == true, "\(JSONText(books))")
        return try await Tables.read(workspace: stage.workspace, with: client)
    }

    /// What users see after nothing went wrong.
    func undisturbed(in shape: Shape) async throws -> Tables {
        try await shape.run { server in
            let (client, stage) = try await set(on: server)
            return try await finish(stage, with: client, on: server)
        }
    }

    private func waitUntilRead(_ stream: String, with play: Play) async throws {
        let deadline = ContinuousClock.now + .seconds(300)
        while ContinuousClock.now < deadline {
            if let status = try? await play.status(of: stream), status["status"]?.string == "current",
                status["caught_up_to"]?.string != nil
            {
                return
            }
            try await Task.sleep(for: .milliseconds(100))
        }
        throw ProcessFailure("the forum was not read to its end in five minutes")
    }
}

/// Everything that a workspace's users can see, without what may differ from run to run: when and from which record an
/// item was read.
struct Tables: Equatable {
    var feedback: [String: String] = [:]
    var report = ""

    static func read(workspace: String, with client: APIClient) async throws -> Tables {
        var tables = Tables()
        var cursor: String?
        repeat {
            let page = try await client.json(
                "GET", "/v1/feedback",
                query: [("workspace_id", workspace), ("limit", "500")] + (cursor.map { [("cursor", $0)] } ?? []))
            for item in page["feedback"].map({ Array($0.elements) }) ?? [] {
                let feedback = try Feedback(item)
                tables.feedback[feedback.source.name + "/" + feedback.source.externalID] = [
                    feedback.text, feedback.title ?? "", feedback.timestamp.description, feedback.language,
                    feedback.sentiment.rawValue, String(feedback.sentimentScore), feedback.intent.rawValue,
                    feedback.topics.joined(separator: ","), feedback.author.id ?? "", feedback.contentHash,
                    String(feedback.revision), feedback.rating.map { String($0) } ?? "",
                ].joined(separator: "|")
            }
            cursor = page["next_cursor"]?.string
        } while cursor != nil
        let report = try await client.json(
            "GET", "/GetInsightReports",
            query: [
                ("workspace_id", workspace), ("from", "2024-07-01"), ("to", "2026-01-01"), ("interval", "week"),
                ("timezone", "Asia/Kolkata"), ("group_by", "source,language,intent,topic,rating"),
            ])
        for part in ["totals", "series", "breakdowns", "topics"] {
            if let value = report[part] { tables.report += String(decoding: JSON(value).bytes, as: UTF8.self) }
        }
        return tables
    }

    /// Where two differ, for a person.
    func differences(from other: Tables) -> [String] {
        var list = Set(feedback.keys).symmetricDifference(other.feedback.keys).sorted().prefix(10).map {
            "\($0) is \(feedback[$0] == nil ? "missing" : "too much")"
        }
        for (key, value) in feedback.sorted(by: { $0.key < $1.key }) {
            if let there = other.feedback[key], there != value, list.count < 20 {
                list.append("\(key): \(value) ≠ \(there)")
            }
        }
        if report != other.report { list.append("the reports differ") }
        return list
    }
}
