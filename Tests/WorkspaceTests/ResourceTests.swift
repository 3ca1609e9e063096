import ByteJSON
import Common
import Foundation
import SQLiteLog
import ServiceKit
import TestKit
import Testing
import Workspace

@Suite("Workspaces, connections and streams")
struct ResourceTests {
    /// A workspace with a polled and a pushed stream.
    private func made(_ client: TestClient, forum url: String) async throws -> (
        workspace: String, polled: String, pushed: String
    ) {
        let answer = try await client.post(
            "/CreateWorkspace",
            [
                "name": "Mobile",
                "feedback_entities": [
                    ["connector": "polled", "config": ["base_url": .string(url), "api_key": "right"]],
                    ["connector": "pushed"],
                ],
            ])
        let streams = try #require(answer.json["streams"]?.array, "\(answer.text)")
        return (
            try #require(answer.json["workspace_id"]?.string), try #require(streams[0]["stream_id"]?.string),
            try #require(streams[1]["stream_id"]?.string)
        )
    }

    @Test("a workspace is renamed, its policy and filters change, and the others hear of it")
    func workspace() async throws {
        let office = try await Office()
        try await office.serve { client in
            let made = try await client.post("/v1/workspaces", ["name": "Mobile"])
            #expect(made.status == 201)
            let id = try #require(made.json["workspace_id"]?.string)
            let changed = try await client.send(
                "PATCH", "/v1/workspaces/\(id)",
                ["name": "Web", "personal_data": "drop", "filters": [["field": "author", "value": "bot"]]])
            #expect(changed.json["name"] == "Web")
            #expect(try await client.get("/v1/workspaces/\(id)").json == changed.json)
            let record = try office.workspace(id)
            #expect(record.name == "Web")
            #expect(record.personalData == .drop)
            #expect(record.filters == [FilterRule(field: .author, match: .contains, value: "bot")])
            #expect(!changed.text.contains(record.sealedKey))
        }
    }

    @Test("deleting a workspace destroys its key and everything sealed with it")
    func shred() async throws {
        let office = try await Office()
        try await withForum { url, _ in
            try await office.serve { client in
                let order: JSON = ["name": "x", "feedback_entities": [["connector": "pushed"]]]
                let kept = try await client.post("/CreateWorkspace", order, headers: ["Idempotency-Key": "k"])
                let ids = try await made(client, forum: url)
                for id in [ids.workspace, try #require(kept.json["workspace_id"]?.string)] {
                    #expect(try await client.send("DELETE", "/v1/workspaces/\(id)").status == 204)
                }
                let known = office.directory.current
                let workspace = try office.workspace(ids.workspace)
                #expect(workspace.isDeleted && workspace.sealedKey.isEmpty)
                #expect(
                    known.connections.values.allSatisfy { $0.isDeleted && $0.sealedSecrets == nil && $0.config.isEmpty }
                )
                #expect(known.streams.values.allSatisfy { $0.status == .deleted && $0.webhookSecrets.isEmpty })
                for path in ["/v1/workspaces/\(ids.workspace)", "/v1/streams/\(ids.polled)"] {
                    #expect(try await client.get(path).status == 404)
                }
                #expect(try await client.get("/v1/streams").json["streams"] == [])
                // The answer that held the secret is gone as well: the key makes a new workspace.
                let again = try await client.post("/CreateWorkspace", order, headers: ["Idempotency-Key": "k"])
                #expect(again.json["workspace_id"] != kept.json["workspace_id"])
            }
        }
    }

    @Test("a stream is paused, mapped and rescheduled")
    func stream() async throws {
        let office = try await Office()
        try await withForum { url, _ in
            try await office.serve { client in
                let ids = try await made(client, forum: url)
                let path = "/v1/streams/\(ids.polled)"
                let changed = try await client.send(
                    "PATCH", path, ["status": "paused", "schedule": ["every": "2h"], "mapping": ["text": "body"]])
                #expect(changed.status == 200, "\(changed.text)")
                #expect(changed.json["schedule"] == ["every": "2h"])
                let record = try office.stream(ids.polled)
                #expect(record.status == .paused && record.pollEvery == 7200 && record.mapping == ["text": "body"])
                #expect(try await client.post(path + "/fetch", [:]).status == 409)
                let back = try await client.send(
                    "PATCH", path, ["status": "active", "mapping": .null, "schedule": ["every": "never"]])
                #expect(back.json["mapping"] == .null && back.json["schedule"] == ["every": "never"])
                #expect(try await client.send("PATCH", path, ["mapping": ["text": ["odd": 1]]]).status == 422)
                let moved = try await client.send(
                    "PATCH", path, ["entity": ["board": "bugs"], "backfill_since": "2020-01-01"])
                #expect(moved.status == 200, "\(moved.text)")
                #expect(try office.stream(ids.polled).entity["board"] == "bugs")
                #expect(try office.stream(ids.polled).backfillSince == Timestamp("2020-01-01"))
                #expect(try await client.send("PATCH", path, ["entity": ["bored": "bugs"]]).status == 422)
                #expect(try await client.send("PATCH", path, ["backfill_since": .null]).status == 200)
                #expect(try office.stream(ids.polled).backfillSince == nil)
                #expect(try await client.send("DELETE", path).status == 204)
                #expect(try await client.get(path).status == 404)
            }
        }
    }

    @Test("fetch now goes to the fetcher's topic")
    func fetch() async throws {
        let office = try await Office()
        try await withForum { url, _ in
            try await office.serve { client in
                let ids = try await made(client, forum: url)
                #expect(try await client.send("POST", "/v1/streams/\(ids.polled)/fetch").status == 202)
                let past = try await client.post("/v1/streams/\(ids.polled)/fetch", ["backfill_since": "2021-01-01"])
                #expect(past.status == 202)
                #expect(try await client.post("/v1/streams/\(ids.pushed)/fetch", [:]).status == 409)
                let records = try await office.log.read(.fetchRequests, partition: 0, from: 0, limit: 10)
                let requests = try (0..<records.count).map {
                    try JSONDecoder().decode(FetchRequest.self, from: Data(records.value(at: $0) ?? []))
                }
                #expect(requests.map(\.stream.rawValue) == [ids.polled, ids.polled])
                #expect(requests.map(\.backfillSince) == [nil, Timestamp("2021-01-01")])
            }
        }
    }

    @Test("a new webhook secret overlaps with the old one")
    func rotateSecret() async throws {
        let office = try await Office()
        try await office.serve { client in
            let made = try await client.post(
                "/CreateWorkspace", ["name": "x", "feedback_entities": [["connector": "pushed"]]])
            let stream = try #require(made.json["streams"]?.array?.first)
            let id = try #require(stream["stream_id"]?.string)
            for _ in 0..<7 {
                let answer = try await client.post("/v1/streams/\(id)/webhook-secret", ["overlap_hours": 1])
                #expect(answer.json["webhook_secret"]?.string?.hasPrefix("whsec_") == true)
                #expect(answer.json["webhook_secret"] != stream["webhook_secret"])
            }
            let secrets = try office.stream(id).webhookSecrets
            #expect(secrets.count == 5)
            #expect(secrets[0].notAfter == nil && secrets[1...].allSatisfy { $0.notAfter != nil })
            _ = try await client.post("/v1/streams/\(id)/webhook-secret", ["overlap_hours": 0])
            #expect(try office.stream(id).webhookSecrets.count == 1)
            let dictated = try await client.post(
                "/v1/streams/\(id)/webhook-secret", ["webhook_secret": "given-by-them"])
            #expect(!dictated.text.contains("given-by-them"))
        }
    }

    @Test("a connection is made, checked, discovered, given a new key and deleted")
    func connection() async throws {
        let office = try await Office()
        try await withForum { url, _ in
            try await office.serve { client in
                let workspace = try await client.post("/v1/workspaces", ["name": "x"]).json["workspace_id"] ?? .null
                let order: (String) -> JSON = { key in
                    [
                        "workspace_id": workspace, "connector": "polled",
                        "config": ["base_url": .string(url), "api_key": .string(key)],
                    ]
                }
                #expect(try await client.post("/v1/connections", order("wrong")).status == 422)
                let made = try await client.post("/v1/connections", order("right"))
                #expect(made.status == 201)
                #expect(made.json["has_secrets"] == true && !made.text.contains("right"))
                let path = "/v1/connections/\(made.json["connection_id"]?.string ?? "")"
                #expect(try await client.post(path + "/check", [:]).json["ok"] == true)
                let found = try await client.post(path + "/discover", [:]).json["entities"]?.array ?? []
                #expect(found.first == ["title": "Ideas", "entity": ["board": "ideas"]])
                #expect(try await client.send("PATCH", path, ["config": ["api_key": "wrong"]]).status == 422)
                #expect(try await client.post(path + "/check", [:]).json["ok"] == true)

                let stream = try await client.post(
                    "/v1/streams", ["connection_id": made.json["connection_id"] ?? .null, "entity": ["board": "ideas"]])
                #expect(stream.status == 201, "\(stream.text)")
                #expect(stream.json["connection_id"] == made.json["connection_id"])
                #expect(try await client.send("DELETE", path).status == 409)
                #expect(
                    try await client.send("DELETE", "/v1/streams/\(stream.json["stream_id"]?.string ?? "")").status
                        == 204)
                #expect(try await client.send("DELETE", path).status == 204)
            }
        }
    }

    @Test("lists come in pages, each item once")
    func pages() async throws {
        let office = try await Office()
        try await office.serve { client in
            for i in 0..<7 { _ = try await client.post("/v1/workspaces", ["name": .string("w\(i)")]) }
            var names: [String] = []
            var query = "?limit=3"
            while true {
                let page = try await client.get("/v1/workspaces" + query)
                names += (page.json["workspaces"]?.array ?? []).compactMap { $0["name"]?.string }
                guard let next = page.json["next_cursor"]?.string else { break }
                query = "?limit=3&cursor=\(next)"
            }
            #expect(names.sorted() == (0..<7).map { "w\($0)" })
            #expect(try await client.get("/v1/workspaces?limit=101").status == 400)
            #expect(try await client.get("/v1/workspaces?cursor=x").status == 400)
        }
    }

    @Test("the journal says who changed what")
    func audit() async throws {
        let office = try await Office()
        try await office.serve { client in
            let made = try await client.post("/v1/workspaces", ["name": "x"])
            let id = made.json["workspace_id"]?.string ?? ""
            _ = try await client.send("PATCH", "/v1/workspaces/\(id)", ["name": "y"])
            _ = try await client.send("DELETE", "/v1/workspaces/\(id)")
            let entries = try await client.get("/v1/audit").json["entries"]?.array ?? []
            let about = entries.filter { $0["subject"]?.string == id }
            #expect(
                Set(about.compactMap { $0["action"]?.string }) == [
                    "workspace.create", "workspace.change", "workspace.delete",
                ])
            #expect(about.allSatisfy { $0["token_id"]?.string?.hasPrefix("tk_") == true })
        }
    }

    @Test("connectors are described without their machinery")
    func connectors() async throws {
        let office = try await Office()
        try await office.serve { client in
            let list = try await client.get("/v1/connectors").json["connectors"]?.array ?? []
            #expect(list.compactMap { $0["connector"]?.string } == ["hooked", "polled", "pushed"])
            let one = try await client.get("/v1/connectors/polled").json
            #expect(one["config"]?.array?.last?["secret"] == true)
            #expect(try await client.get("/v1/connectors/none").status == 404)
        }
    }
}
