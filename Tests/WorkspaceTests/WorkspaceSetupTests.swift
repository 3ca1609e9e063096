import ByteJSON
import Common
import Foundation
import SQLiteLog
import ServiceKit
import TestKit
import Testing
import Workspace

@Suite("Setting up a workspace at its providers")
struct WorkspaceSetupTests {
    private static func order(_ url: String, projects: [String] = ["ideas", "bugs"]) -> JSON {
        [
            "name": "Mobile",
            "feedback_entities": .array(
                projects.map { project in
                    [
                        "connector": "hooked", "name": .string("About \(project)"),
                        "config": ["base_url": .string(url), "token": "right"], "entity": ["project": .string(project)],
                        "backfill_since": "2021-01-01",
                    ]
                }),
        ]
    }

    /// Takes jobs up quickly, also those of a process that died.
    private static var settings: WorkspaceSettings {
        var settings = WorkspaceSettings()
        settings.jobs.poll = 0.05
        settings.jobs.isAlone = true
        return settings
    }

    /// The set-up of a workspace as soon as it has ended.
    private func ended(_ workspace: String, _ client: TestClient) async throws -> JSON {
        var last: JSON = .null
        for _ in 0..<600 {
            last = try await client.get("/v1/workspaces/\(workspace)/setup").json
            if let state = last["state"]?.string, !["REQUESTED", "RUNNING"].contains(state) { return last }
            try await Task.sleep(for: .milliseconds(50))
        }
        Issue.record("the set-up did not end: \(last)")
        return last
    }

    /// Streams that the fetcher was asked to read.
    private func asked(_ office: Office) async throws -> Int {
        try await office.log.read(.fetchRequests, partition: 0, from: 0, limit: 100).count
    }

    @Test(
        "makes the webhooks at the provider, named after the streams, and begins to read",
        arguments: TestDatabase.Engine.allCases)
    func makes(engine: TestDatabase.Engine) async throws {
        let office = try await Office(engine: engine)
        try await withTracker { url, tracker in
            try await office.serve(settings: Self.settings) { client in
                let answer = try await client.post("/CreateWorkspace", Self.order(url))
                try #require(answer.status == 201, "\(answer.text)")
                #expect(answer.json["setup"]?["state"] == "COMPLETED")
                let streams = try #require(answer.json["streams"]?.array)
                #expect(tracker.hooks.map(\.project) == ["ideas", "bugs"])
                #expect(tracker.hooks.map(\.name) == ["Earshot: About ideas", "Earshot: About bugs"])
                for (hook, stream) in zip(tracker.hooks, streams) {
                    #expect(stream["webhook"] == "register")
                    #expect(stream["webhook_secret"] == nil, "whoever needs it has it")
                    #expect(stream["status"] == "active")
                    #expect(hook.target == stream["webhook_url"]?.string)
                    let record = try office.stream(stream["stream_id"]?.string ?? "")
                    #expect(record.status == .active)
                    let owner = try office.workspace(answer.json["workspace_id"]?.string ?? "")
                    let sealed = try #require(record.webhookSecrets.first?.sealed)
                    #expect(try office.vault.open(sealed, sealedKey: owner.sealedKey).reveal() == hook.secret)
                }
                #expect(try await asked(office) == 2)
                let id = try #require(answer.json["workspace_id"]?.string)
                #expect(try await client.get("/v1/workspaces/\(id)").json["setup"]?["state"] == "COMPLETED")
            }
        }
    }

    @Test("who does not wait is answered at once and polls")
    func polls() async throws {
        let office = try await Office()
        try await withTracker { url, tracker in
            tracker.fail { request, times in request == "POST ideas" && times == 1 ? .refused(503) : nil }
            try await office.serve(settings: Self.settings) { client in
                let answer = try await client.post(
                    "/CreateWorkspace", Self.order(url), headers: ["Prefer": "respond-async"])
                try #require(answer.status == 201, "\(answer.text)")
                #expect(answer.header("Preference-Applied") == "respond-async")
                #expect(answer.json["setup"]?["state"] != "COMPLETED")
                let id = try #require(answer.json["workspace_id"]?.string)
                let link = try #require(answer.json["setup"]?["links"]?["setup"]?.string)
                #expect(try await client.get(link).json["job_id"] == answer.json["setup"]?["job_id"])
                #expect(try await client.send("DELETE", "/v1/workspaces/\(id)").status == 409, "it is being set up")
                #expect(try await ended(id, client)["state"] == "COMPLETED")
                #expect(tracker.hooks.count == 2)
                #expect(tracker.requests.filter { $0 == "CHECK" }.count == 2)
            }
        }
    }

    @Test("a provider that refuses for good leaves nothing, here and there", arguments: TestDatabase.Engine.allCases)
    func undoes(engine: TestDatabase.Engine) async throws {
        let office = try await Office(engine: engine)
        try await withTracker { url, tracker in
            tracker.fail { request, _ in request == "POST bugs" ? .refused(403) : nil }
            try await office.serve(settings: Self.settings) { client in
                let key = ["Idempotency-Key": "order-1"]
                let answer = try await client.post("/CreateWorkspace", Self.order(url), headers: key)
                #expect(answer.status == 422)
                #expect(answer.json["code"] == "setup_failed")
                let detail = answer.json["detail"]?.string ?? ""
                #expect(
                    detail.contains("`About bugs`") && detail.contains("403") && detail.contains("to change webhooks"))
                #expect(tracker.hooks.isEmpty)
                #expect(tracker.requests.last == "DELETE ideas")
                #expect(try await client.get("/v1/workspaces").json["workspaces"] == [])
                #expect(try await client.get("/v1/streams").json["streams"] == [])
                #expect(try await client.get("/v1/connections").json["connections"] == [])
                let known = office.directory.current
                #expect(known.workspaces.isEmpty && known.streams.isEmpty && known.connections.isEmpty)
                #expect(try await asked(office) == 0)
                #expect(try await tombstones(office) == 4)
                let left = try await office.database.read { connection in
                    try connection.first("SELECT count(*) FROM record WHERE kind <> 'key'") { $0.integer(0) }
                }
                #expect(left == 0)

                // Asked again with the same key, it is tried again.
                tracker.fail { _, _ in nil }
                let again = try await client.post("/CreateWorkspace", Self.order(url), headers: key)
                #expect(again.status == 201, "\(again.text)")
                #expect(tracker.hooks.count == 2)
            }
        }
    }

    private func tombstones(_ office: Office) async throws -> Int {
        let records = try await office.log.read(.connections, partition: 0, from: 0, limit: 1000)
        return (0..<records.count).filter { records.value(at: $0) == nil }.count
    }

    @Test("the workspace whose set-up failed says so, to its own account")
    func tells() async throws {
        let office = try await Office()
        try await withTracker { url, tracker in
            tracker.fail { request, _ in request == "GET ideas" ? .refused(404) : nil }
            try await office.serve(settings: Self.settings) { client in
                let answer = try await client.post(
                    "/CreateWorkspace", Self.order(url), headers: ["Prefer": "respond-async"])
                let id = try #require(answer.json["workspace_id"]?.string)
                #expect(try await ended(id, client)["state"] == "FAILED")
                let workspace = try await client.get("/v1/workspaces/\(id)")
                #expect(workspace.json["name"] == "Mobile")
                #expect(workspace.json["setup"]?["state"] == "FAILED")
                #expect(workspace.json["setup"]?["reason"]?.string?.contains("404") == true)
                let stranger = client.with(token: try await office.token(account: "stranger"))
                #expect(try await stranger.get("/v1/workspaces/\(id)").status == 404)
                #expect(try await stranger.get("/v1/workspaces/\(id)/setup").status == 404)
            }
        }
    }

    @Test("a provider that fails now and then, or whose answers are lost, ends with one webhook a stream")
    func stumbles() async throws {
        for request in ["GET ideas", "POST ideas", "GET bugs", "POST bugs"] {
            let office = try await Office()
            try await withTracker { url, tracker in
                tracker.fail { $0 == request && $1 == 1 ? .lost : nil }
                try await office.serve(settings: Self.settings) { client in
                    let answer = try await client.post("/CreateWorkspace", Self.order(url))
                    #expect(answer.status == 201, "\(request): \(answer.text)")
                    #expect(tracker.hooks.map(\.project) == ["ideas", "bugs"], "\(request)")
                }
            }
        }
    }

    @Test("a set-up that is cancelled before it began is undone as well")
    func cancels() async throws {
        let office = try await Office()
        try await withTracker { url, tracker in
            var settings = Self.settings
            settings.jobs.slots = 0
            var id = ""
            try await office.serve(settings: settings) { client in
                let answer = try await client.post(
                    "/CreateWorkspace", Self.order(url), headers: ["Prefer": "respond-async"])
                id = answer.json["workspace_id"]?.string ?? ""
                let job = try #require(answer.json["setup"]?["job_id"]?.string)
                // As where no process of this one answers /v1/jobs.
                let cancelled = try await client.post("/v1/workspaces/\(id)/setup/cancel?job_id=\(job)", [:])
                #expect(cancelled.status == 200 && cancelled.json["job_id"]?.string == job, "\(cancelled.text)")
                #expect(try await client.post("/v1/workspaces/\(id)/setup/cancel", [:]).status == 409)
            }
            try await office.serve(settings: Self.settings) { [id] client in
                let setup = try await ended(id, client)
                #expect(setup["state"] == "CANCELLED")
                let workspaces = try await client.get("/v1/workspaces").json["workspaces"]
                #expect(workspaces == [])
                #expect(tracker.hooks.isEmpty)
            }
        }
    }

    @Test("a stream that is added later has its webhook made, and deleted with it")
    func streams() async throws {
        let office = try await Office()
        try await withTracker { url, tracker in
            try await office.serve(settings: Self.settings) { client in
                let made = try await client.post("/CreateWorkspace", Self.order(url, projects: ["ideas"]))
                let id = try #require(made.json["workspace_id"]?.string)
                func add(_ project: String) async throws -> TestClient.Answer {
                    try await client.post(
                        "/v1/streams",
                        [
                            "workspace_id": .string(id), "connector": "hooked",
                            "config": ["base_url": .string(url), "token": "other"],
                            "entity": ["project": .string(project)],
                        ])
                }
                let added = try await add("bugs")
                try #require(added.status == 201, "\(added.text)")
                #expect(added.json["status"] == "active")
                #expect(tracker.hooks.map(\.project) == ["ideas", "bugs"])

                // One that fails takes nothing else with it.
                tracker.fail { request, _ in request == "POST praise" ? .refused(403) : nil }
                #expect(try await add("praise").status == 422)
                let left = try await (client.get("/v1/streams").json, client.get("/v1/connections").json)
                #expect(left.0["streams"]?.array?.count == 2)
                #expect(left.1["connections"]?.array?.count == 2)

                let stream = try #require(added.json["stream_id"]?.string)
                #expect(try await client.send("POST", "/v1/streams/\(stream)/webhook-secret").status == 409)
                #expect(
                    try await client.send("PATCH", "/v1/streams/\(stream)", ["entity": ["project": "other"]]).status
                        == 409)
                #expect(try await client.send("DELETE", "/v1/streams/\(stream)").status == 204)
                try await waitUntil("its webhook is deleted") { tracker.hooks.map(\.project) == ["ideas"] }
                // The key of the workspace is gone when the job runs.
                #expect(try await client.send("DELETE", "/v1/workspaces/\(id)").status == 204)
                try await waitUntil("both are deleted, and nothing is kept for it") {
                    try await office.database.read { connection in
                        try connection.first("SELECT count(*) FROM hook") { $0.integer(0) }
                    } == 0
                }
                #expect(tracker.hooks.isEmpty)
            }
        }
    }

    @Test("whoever has no public address, no credentials, or says so, makes webhooks by hand")
    func byHand() async throws {
        let office = try await Office()
        try await withTracker { url, tracker in
            try await office.serve(settings: Self.settings) { client in
                func make(_ more: [String: JSON]) async throws -> TestClient.Answer {
                    var entity: [String: JSON] = [
                        "connector": "hooked", "config": ["base_url": .string(url), "token": "right"],
                        "entity": ["project": "ideas"],
                    ]
                    entity.merge(more) { $1 }
                    return try await client.post(
                        "/CreateWorkspace", ["name": "Mobile", "feedback_entities": [.object(entity)]])
                }
                let manual = try await make(["webhook": "manual"])
                let wanted = try await make(["config": ["base_url": .string(url)], "webhook": "register"])
                #expect(wanted.status == 422)
                #expect(manual.json["setup"] == ["state": "COMPLETED"])
                #expect(manual.json["streams"]?.array?.first?["webhook"] == "manual")
                #expect(manual.json["streams"]?.array?.first?["webhook_secret"]?.string?.hasPrefix("whsec_") == true)
                let own = try await make(["webhook_secret": "as the provider says"])
                #expect(own.json["streams"]?.array?.first?["webhook"] == "manual")
                let bare = try await make(["config": ["base_url": .string(url)]])
                #expect(
                    bare.json["streams"]?.array?.first?["webhook_reason"]?.string?.contains("to change webhooks")
                        == true)
                #expect(tracker.hooks.isEmpty)
            }
        }
    }

    /// Kills the process at each transaction, committed or not, and starts another one on what it left.
    @Test("killed at any point, it ends as it would have", arguments: TestDatabase.Engine.allCases)
    func kills(engine: TestDatabase.Engine) async throws {
        for isRefused in [false, true] {
            var count = 1
            while count < 60, try await kill(at: count, refused: isRefused, engine) { count += 1 }
            #expect(count > 6, "the set-up has more transactions than \(count)")
        }
    }

    /// - Returns: Whether the process died; else the whole set-up needs fewer transactions.
    private func kill(at count: Int, refused isRefused: Bool, _ engine: TestDatabase.Engine) async throws -> Bool {
        let rounds = Int(ProcessInfo.processInfo.environment["EARSHOT_TEST_SETUP_KILLS"] ?? "") ?? 1
        var died = false
        let deaths: [MortalDatabase.Death] =
            rounds > 1 ? MortalDatabase.Death.allCases : [count % 2 == 0 ? .after : .before]
        for death in deaths {
            try await withTracker { url, tracker in
                if isRefused { tracker.fail { request, _ in request == "POST bugs" ? .refused(403) : nil } }
                let folder = try TemporaryFolder()
                var mortal: MortalDatabase?
                let first = try await Office(folder: folder, engine: engine) { stored in
                    let wrapped = MortalDatabase(stored)
                    mortal = wrapped
                    return wrapped
                }
                let database = try #require(mortal)
                try await first.serve(settings: Self.settings) { client in
                    database.die(at: count, death)
                    let answer = try? await client.post(
                        "/CreateWorkspace", Self.order(url), headers: ["Prefer": "respond-async"])
                    guard answer?.status == 201, let id = answer?.json["workspace_id"]?.string else { return }
                    for _ in 0..<600 where !database.isDead {
                        let state = try? await client.get("/v1/workspaces/\(id)/setup").json["state"]?.string
                        if state == "COMPLETED" || state == "FAILED" { break }
                        try await Task.sleep(for: .milliseconds(10))
                    }
                }
                died = database.isDead
                try await first.close()
                guard died else { return }

                let second = try await Office(folder: folder, engine: engine)
                try await second.serve(settings: Self.settings) { client in
                    let workspaces = try await second.database.read { connection in
                        try connection.query("SELECT workspace FROM setup") { $0.text(0) }
                    }
                    guard let id = workspaces.first else {
                        #expect(count == 1 && death == .before, "what was committed is there")
                        return
                    }
                    let setup = try await ended(id, client)
                    #expect(setup["state"] == (isRefused ? "FAILED" : "COMPLETED"), "\(count) \(death): \(setup)")
                    #expect(tracker.hooks.map(\.project) == (isRefused ? [] : ["ideas", "bugs"]), "\(count) \(death)")
                    // The directory hears of it a moment later, from the log.
                    try await waitUntil("the directory knows the end: \(count) \(death)") {
                        let known = second.directory.current
                        return known.streams.values.map(\.status) == (isRefused ? [] : [.active, .active])
                            && (!isRefused || known.workspaces.isEmpty && known.connections.isEmpty)
                    }
                    if !isRefused {
                        #expect(try await asked(second) >= 2, "\(count) \(death)")
                    }
                }
                try await second.close()
            }
        }
        return died
    }
}
