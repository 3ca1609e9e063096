import ByteJSON
import Common
import HTTPTypes
import Hummingbird
import SQLiteLog
import ServiceKit
import ServiceLifecycle
import Synchronization
import TestKit
import Testing

@Suite("HTTPServer")
struct HTTPServerTests {
    private struct Inside: Error { let detail = "/var/lib/secret.sqlite" }

    private static let role = Role(
        name: "test",
        routes: { router in
            router.get("/v1/things/{thing}") { request, context in
                let query = try request.requireOnly(parameters: ["limit", "interval"])
                return Response.json(["limit": .integer(Int64(try query.integer("limit", in: 1...100) ?? 50))])
            }
            router.post("/v1/things") { request, _ in
                let body = try await request.jsonObject(limit: 1000)
                let name = body.string("name", required: true)
                try body.finish()
                return Response.json(["name": .string(name ?? "")], status: .created)
            }
            router.get("/v1/mine") { _, context in
                Response.json(["account": .string(try context.requireCaller(.read).account.rawValue)])
            }
            router.get("/v1/broken") { _, _ -> Response in throw Inside() }
            router.get("/v1/down") { _, _ -> Response in throw EventLogError.unavailable("the disk is full") }
        })

    private func serve(_ roles: [Role] = [role], _ body: (Platform, TestClient) async throws -> Void) async throws {
        let platform = try await Platform()
        try await withServer(
            roles, authenticator: Authenticator(directory: platform.directory), log: platform.log, logger: .quiet
        ) { try await body(platform, $0) }
    }

    @Test("an unknown path is 404, a known one with another method 405 with what it takes")
    func unknown() async throws {
        try await serve { _, client in
            let missing = try await client.get("/v1/nothing")
            #expect(missing.status == 404)
            #expect(missing.header("Content-Type") == "application/problem+json")
            #expect(missing.json["code"] == "not_found")
            let wrong = try await client.send("DELETE", "/v1/things")
            #expect(wrong.status == 405)
            #expect(wrong.header("Allow") == "POST")
            let nested = try await client.send("POST", "/v1/things/7")
            #expect(nested.status == 405)
            #expect(nested.header("Allow") == "GET, HEAD")
        }
    }

    @Test("an unknown parameter is refused, with what may have been meant")
    func parameters() async throws {
        try await serve { _, client in
            let slip = try await client.get("/v1/things/1?limt=3")
            #expect(slip.status == 400)
            #expect(slip.json["code"] == "unknown_parameter")
            #expect(slip.json["detail"]?.string?.contains("did you mean `limit`?") == true)
            #expect(try await client.get("/v1/things/1?limit=3").json["limit"] == 3)
            for query in ["limit=0", "limit=x", "limit=1&limit=2", "limit=%zz"] {
                #expect(try await client.get("/v1/things/1?" + query).status == 400, "\(query)")
            }
        }
    }

    @Test("bodies: empty, broken, of another type, too large, with unknown members")
    func bodies() async throws {
        try await serve { _, client in
            #expect(try await client.post("/v1/things", ["name": "a"]).status == 201)
            #expect(try await client.send("POST", "/v1/things", body: []).status == 400)
            let broken = try await client.send(
                "POST", "/v1/things", headers: ["Content-Type": "application/json"], body: Array(#"{"name":}"#.utf8))
            #expect(broken.status == 400)
            #expect(broken.json["detail"]?.string?.contains("byte 8") == true)
            let text = try await client.send(
                "POST", "/v1/things", headers: ["Content-Type": "text/plain"], body: Array("x".utf8))
            #expect(text.status == 415)
            let large = try await client.post("/v1/things", ["name": .string(String(repeating: "x", count: 2000))])
            #expect(large.status == 413)
            let unknown = try await client.post("/v1/things", ["nmae": "a"])
            #expect(unknown.status == 422)
            let places = unknown.json["errors"]?.array?.compactMap { $0["at"]?.string }
            #expect(places == ["/name", "/nmae"])
        }
    }

    @Test("an error of ours tells nothing of our insides; a store that is down is 503")
    func failures() async throws {
        try await serve { _, client in
            let broken = try await client.get("/v1/broken")
            #expect(broken.status == 500)
            #expect(broken.json["code"] == "internal_error")
            #expect(!broken.text.contains("secret") && !broken.text.contains("Inside"))
            let down = try await client.get("/v1/down")
            #expect(down.status == 503)
            #expect(down.header("Retry-After") != nil)
            #expect(!down.text.contains("disk"))
        }
    }

    @Test("a reasonable request id is kept, any other replaced")
    func requestIDs() async throws {
        try await serve { _, client in
            let kept = try await client.get("/v1/nothing", headers: ["X-Request-Id": "abc-1.2_3"])
            #expect(kept.header("X-Request-Id") == "abc-1.2_3")
            #expect(kept.json["request_id"] == "abc-1.2_3")
            let odd = try await client.get("/live", headers: ["X-Request-Id": "a\"b c"])
            #expect((odd.header("X-Request-Id") ?? "").count >= 16)
            let long = try await client.get("/live", headers: ["X-Request-Id": String(repeating: "a", count: 129)])
            #expect((long.header("X-Request-Id") ?? "").count < 129)
        }
    }

    @Test("a route that wants a caller: 401 without one, 403 without the scope")
    func callers() async throws {
        try await serve { platform, client in
            let key = SigningKey(id: "one")
            try await platform.directory.publish([key.record()])
            let claims = TokenClaims.make(scopes: [.read])
            #expect(try await client.get("/v1/mine").status == 401)
            #expect(try await client.get("/v1/mine").header("WWW-Authenticate") == "Bearer")
            let good = try await client.with(token: key.sign(claims)).get("/v1/mine")
            #expect(good.json["account"]?.string == claims.account.rawValue)
            #expect(try await client.with(token: key.sign(.make(scopes: [.write]))).get("/v1/mine").status == 403)
            #expect(try await client.with(token: key.sign(.make(scopes: [.admin]))).get("/v1/mine").status == 200)
            let expired = try await client.with(token: key.sign(.make(lifetime: -1))).get("/v1/mine")
            #expect(expired.status == 401)
            #expect(expired.json["detail"]?.string?.contains("expired") == true)
            #expect(try await client.get("/v1/mine", headers: ["Authorization": "Basic eDp5"]).status == 401)
        }
    }

    @Test("a token that is not ours does not close an open route")
    func openRoutes() async throws {
        try await serve { _, client in
            let answer = try await client.with(token: "theirs").get("/live")
            #expect(answer.status == 200)
        }
    }

    @Test("ready says what is not")
    func readiness() async throws {
        let isWell = Atomic(false)
        let role = Role(
            name: "frail",
            readiness: {
                let well = isWell.load(ordering: .relaxed)
                return [HealthCheck(name: "frail database", isHealthy: well, reason: well ? nil : "the disk is full")]
            })
        try await serve([role]) { platform, client in
            let ailing = try await client.get("/ready")
            #expect(ailing.status == 503)
            #expect(ailing.json["errors"]?.array?.first?["at"] == "frail database")
            #expect(ailing.json["errors"]?.array?.first?["reason"] == "the disk is full")
            isWell.store(true, ordering: .relaxed)
            #expect(try await client.get("/ready").json["status"] == "ready")
            await platform.log.close()
            #expect(try await client.get("/ready").status == 503)
            #expect(try await client.get("/live").status == 200)
        }
    }

    @Test("requests are counted by route and status")
    func metrics() async throws {
        try await serve { _, client in
            for i in 0..<3 { _ = try await client.get("/v1/things/\(i)") }
            _ = try await client.get("/v1/nothing")
            let text = try await client.get("/metrics").text
            #expect(text.contains(#"earshot_http_requests_total{route="/v1/things/{thing}",status="200"} 3.0"#))
            #expect(text.contains(#"status="404"} 1.0"#))
            #expect(text.contains("# TYPE earshot_http_requests_total counter"))
        }
    }

    @Test("a graceful stop lets the request in hand finish")
    func gracefulStop() async throws {
        let platform = try await Platform()
        let (begun, beginning) = AsyncStream<Void>.makeStream()
        let role = Role(
            name: "slow",
            routes: { router in
                router.get("/slow") { _, _ in
                    beginning.yield()
                    try await Task.sleep(for: .milliseconds(300))
                    return Response.json(["done": true])
                }
            })
        let answer = Mutex<Task<TestClient.Answer, any Error>?>(nil)
        try await withServer(
            [role], authenticator: Authenticator(directory: platform.directory), log: platform.log, logger: .quiet
        ) { client in
            answer.withLock { $0 = Task { try await client.get("/slow") } }
            for await _ in begun { break }
        }
        let task = try #require(answer.withLock { $0 })
        #expect(try await task.value.json["done"] == true)
    }
}
