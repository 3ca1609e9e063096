import ByteJSON
import Common
import Foundation
import SQLiteLog
import ServiceKit
import TestKit
import Testing
import Workspace

@Suite("POST /CreateWorkspace")
struct CreateWorkspaceTests {
    private func order(_ url: String, key: String = "right") -> JSON {
        [
            "name": "Mobile",
            "feedback_entities": [
                [
                    "connector": "polled", "config": ["base_url": .string(url), "api_key": .string(key)],
                    "entity": ["board": "ideas"], "schedule": ["every": "15m"], "backfill_since": "2021-01-01",
                ],
                [
                    "connector": "polled", "config": ["base_url": .string(url), "api_key": .string(key)],
                    "entity": ["board": "bugs"],
                ],
                ["connector": "pushed", "name": "In-app form"],
            ],
            "personal_data": "mask",
            "filters": [["field": "text", "match": "contains", "value": "spam"]],
        ]
    }

    @Test("makes a workspace with its streams, and everybody knows them at once")
    func creates() async throws {
        let office = try await Office()
        try await withForum { url, requests in
            try await office.serve { client in
                let answer = try await client.post("/CreateWorkspace", order(url))
                try #require(answer.status == 201, "\(answer.text)")
                let id = try #require(answer.json["workspace_id"]?.string.flatMap { WorkspaceID($0) })
                let streams = try #require(answer.json["streams"]?.array)
                #expect(answer.json["name"] == "Mobile")
                #expect(streams.map { $0["connector"]?.string } == ["polled", "polled", "pushed"])
                #expect(streams[0]["connection_id"] == streams[1]["connection_id"])
                #expect(!answer.text.contains("right"))

                let known = office.directory.current
                let workspace = try #require(known.workspaces[id])
                #expect(workspace.personalData == .mask)
                #expect(workspace.filters == [FilterRule(field: .text, match: .contains, value: "spam")])
                for stream in streams {
                    let streamID = try #require(stream["stream_id"]?.string.flatMap { StreamID($0) })
                    let record = try #require(known.streams[streamID])
                    let secret = try #require(stream["webhook_secret"]?.string)
                    #expect(stream["webhook_url"]?.string == "https://earshot.example.org/hooks/\(streamID)")
                    #expect(stream["status"] == "active")
                    #expect(secret.hasPrefix("whsec_"))
                    #expect(Data(base64Encoded: String(secret.dropFirst(6)))?.count == 32)
                    let sealed = try #require(record.webhookSecrets.first?.sealed)
                    #expect(try office.vault.open(sealed, sealedKey: workspace.sealedKey).reveal() == secret)
                }
                let first = try #require(known.streams(of: id).first { $0.entity["board"] == "ideas" })
                #expect(first.pollEvery == 900)
                #expect(first.backfillSince == Timestamp("2021-01-01"))
                let connection = try #require(known.connections[first.connection])
                #expect(connection.config == ["base_url": .string(url)])
                let secrets = try office.vault.open(
                    try #require(connection.sealedSecrets), sealedKey: workspace.sealedKey)
                #expect(secrets.reveal() == #"{"api_key":"right"}"#)
                #expect(requests.all == ["check right", "check right"])
            }
        }
    }

    @Test("all that is wrong is told at once, with pointers, and nothing is made")
    func refuses() async throws {
        let office = try await Office()
        try await office.serve { client in
            let answer = try await client.post(
                "/CreateWorkspace",
                [
                    "name": "", "personal_data": "burn", "nmae": "x",
                    "feedback_entities": [
                        ["connector": "polld"],
                        ["connector": "polled", "config": ["base_url": "no address", "api_kye": "x"]],
                        ["connector": "pushed", "schedule": ["every": "15m"]],
                        ["connector": "pushed", "schedule": ["every": "often"], "backfill_since": "yesterday"],
                        ["connector": "pushed", "mapping": ["text": ["no_such_function": "x"]]],
                        7,
                    ],
                ])
            #expect(answer.status == 422)
            let places = Set((answer.json["errors"]?.array ?? []).compactMap { $0["at"]?.string })
            for place in [
                "/name", "/personal_data", "/nmae", "/feedback_entities/0/connector",
                "/feedback_entities/1/config/base_url", "/feedback_entities/1/config/api_kye",
                "/feedback_entities/2/schedule", "/feedback_entities/3/schedule/every",
                "/feedback_entities/3/backfill_since", "/feedback_entities/4/mapping", "/feedback_entities/5",
            ] { #expect(places.contains(place), "\(place)") }
            #expect(try await client.get("/v1/workspaces").json["workspaces"] == [])
            #expect(office.directory.current.workspaces.isEmpty)
        }
    }

    @Test("a provider that refuses the credentials refuses the whole workspace")
    func checks() async throws {
        let office = try await Office()
        try await withForum { url, _ in
            try await office.serve { client in
                let answer = try await client.post("/CreateWorkspace", order(url, key: "wrong-key"))
                #expect(answer.status == 422)
                let errors = answer.json["errors"]?.array ?? []
                #expect(errors.map { $0["at"] } == ["/feedback_entities/0", "/feedback_entities/1"])
                #expect(errors.allSatisfy { $0["reason"]?.string?.contains("refuses the credentials") == true })
                #expect(!answer.text.contains("wrong-key"))
                #expect(office.directory.current.workspaces.isEmpty)
            }
        }
    }

    @Test("a provider that is not there refuses it too")
    func unreachable() async throws {
        let office = try await Office()
        try await office.serve { client in
            let answer = try await client.post("/CreateWorkspace", order("http://127.0.0.1:1"))
            #expect(answer.status == 422)
            #expect(answer.json["errors"]?.array?.first?["reason"]?.string?.contains("was not reached") == true)
        }
    }

    @Test("with an idempotency key the same request makes one workspace and gets one answer")
    func idempotency() async throws {
        let office = try await Office()
        try await office.serve { client in
            let key = ["Idempotency-Key": "order-1"]
            let order: JSON = ["name": "Mobile", "feedback_entities": [["connector": "pushed"]]]
            async let first = client.post("/CreateWorkspace", order, headers: key)
            async let second = client.post("/CreateWorkspace", order, headers: key)
            let answers = try await [first, second, client.post("/CreateWorkspace", order, headers: key)]
            #expect(answers.map(\.status) == [201, 201, 201])
            #expect(Set(answers.map(\.bytes)).count == 1)
            #expect(try await client.get("/v1/workspaces").json["workspaces"]?.array?.count == 1)

            let other = try await client.post("/CreateWorkspace", ["name": "Other"], headers: key)
            #expect(other.status == 422)
            #expect(other.json["code"] == "idempotency_key_reused")
            // Another account's key of the same text is another key.
            let stranger = client.with(token: try await office.token(account: "acme"))
            let own = try await stranger.post("/CreateWorkspace", order, headers: key)
            #expect(own.status == 201)
            #expect(own.json["workspace_id"] != answers[0].json["workspace_id"])
        }
    }

    @Test("what was committed and not published goes out at the next start, and a lost log is filled again")
    func outbox() async throws {
        let folder = try TemporaryFolder()
        let first = try await Office(folder: folder)
        var id = ""
        try await first.serve { client in
            await first.log.close()  // the log dies; the database lives
            let answer = try await client.post("/CreateWorkspace", ["name": "Mobile"])
            #expect(answer.status == 201)
            id = answer.json["workspace_id"]?.string ?? ""
        }
        try await first.database.close()
        try FileManager.default.removeItem(atPath: folder.file("log"))

        let second = try await Office(folder: folder)
        #expect(try await WorkspaceRole.bootstrap(second.context) == nil)
        #expect(try second.workspace(id).name == "Mobile")
        #expect(second.directory.current.keys.count == 1)
        try await second.close()
    }

    @Test("limits: bodies of a megabyte, a hundred entities, names of two hundred characters")
    func limits() async throws {
        let office = try await Office()
        try await office.serve { client in
            func status(_ name: String, entities: Int = 0) async throws -> Int {
                let entities = JSON.array(Array(repeating: ["connector": "pushed"], count: entities))
                return try await client.post(
                    "/CreateWorkspace", ["name": .string(name), "feedback_entities": entities]
                ).status
            }
            let largest = try await status(String(repeating: "é", count: 200), entities: 100)
            #expect(largest == 201)
            #expect(try await status("x", entities: 101) == 422)
            #expect(try await status(String(repeating: "é", count: 201)) == 422)
            #expect(try await status(String(repeating: "x", count: 1 << 20)) == 413)
        }
    }
}
