import ByteJSON
import Common
import SQLiteLog
import ServiceKit
import TestKit
import Testing

@testable import Reports

@Suite(.serialized) struct RouteTests {
    private static let all = "workspace_id=ws_a&from=2020-01-01&to=2022-01-01"

    @Test func whatIsOnTheTopicIsInTheReport() async throws {
        try await ReportsServer.run { server in
            try await server.send([
                Item(id: "1", sentiment: .negative, score: -5, topics: ["export"], author: "ann"),
                Item(id: "2", text: "Love the new search", sentiment: .positive, score: 6, author: "ben"),
                Item(id: "3", workspace: "ws_b"),
            ])
            let report = try await server.report(
                Self.all + "&interval=year&group_by=source,topic&compare=previous_period")
            #expect(report.totals.feedback == 2)
            #expect(report.totals.authors == 2)
            #expect(report.totals.netSentiment == 0)
            #expect(report.series.map(\.feedback) == [0, 2])
            #expect(report.series.map(\.start) == ["2020-01-01T00:00:00+00:00", "2021-01-01T00:00:00+00:00"])
            #expect(report.breakdowns["source"]?.map(\.value) == ["discourse"])
            #expect(report.quotes.first?.text == "The export button does nothing when I press it.")
            #expect(report.previous?.totals.feedback == 0)
            #expect(report.coverage.streams.map(\.status) == ["pending"])
            #expect(report.coverage.inFlight == 0)
            let posted = try await server.ask(
                "/GetInsightReports", method: "POST",
                body:
                    #"{"workspace_id":"ws_a","from":"2020-01-01","to":"2022-01-01","sentiment":["negative"],"group_by":["source","topic"]}"#
            )
            #expect(posted.json["totals"]?["feedback"]?.integer == 1)
        }
    }

    @Test func whatIsOnItsWayIsCountedByWorkspace() async throws {
        try await ReportsServer.run { server in
            func accept(_ workspace: String, _ count: Int) async throws {
                var batch = RecordBatch()
                for _ in 0..<count {
                    batch.append(
                        key: String?.none, headers: [RawHeader.workspace: workspace], value: Array("{}".utf8))
                }
                try await server.log.append(batch, to: .raw)  // and nobody parses here
            }
            func coverage(_ workspace: String, _ account: String) async throws -> InsightReport.Coverage {
                try await server.report(
                    "workspace_id=\(workspace)&from=2020-01-01&to=2022-01-01", account: account
                ).coverage
            }
            try await accept("ws_a", 7)
            try await accept("ws_b", 3)
            let ours = try await coverage("ws_a", "ac_a")
            #expect(ours.inFlight == 7 && !ours.isMinimum)
            let theirs = try await coverage("ws_b", "ac_b")
            #expect(theirs.inFlight == 3 && !theirs.isMinimum)

            try await accept("ws_b", Backlog.bound)
            let few = try await coverage("ws_a", "ac_a")
            #expect(few.isMinimum && few.inFlight <= 7)
            let many = try await coverage("ws_b", "ac_b")
            #expect(many.isMinimum && many.inFlight > 1000)
        }
    }

    @Test func wallsStandOnEveryRoute() async throws {
        try await ReportsServer.run { server in
            let item = Item(id: "1")
            try await server.send([item])
            let routes = [
                "/GetInsightReports?workspace_id=ws_a", "/v1/feedback?workspace_id=ws_a",
                "/v1/feedback/\(item.feedbackID)", "/v1/feedback/\(item.feedbackID)/trace",
            ]
            for route in routes {
                #expect(try await server.ask(route).status == 200, "\(route)")
                #expect(try await server.ask(route, account: "ac_c", scopes: "admin").status == 200, "\(route)")
                let other = try await server.ask(route, account: "ac_b")
                #expect(other.status == 404, "\(route)")
                #expect(!other.detail.contains("deleted"))
                #expect(try await server.ask(route, account: nil).status == 401, "\(route)")
                #expect(try await server.ask(route, scopes: "write").status == 403, "\(route)")
            }
            #expect(
                try await server.ask(
                    "/GetInsightReports", method: "POST", account: "ac_b", body: #"{"workspace_id":"ws_a"}"#
                ).status == 404)
            #expect(try await server.ask("/v1/events?workspace_id=ws_a", account: "ac_b").status == 404)
            #expect(try await server.ask("/v1/events", account: nil).status == 401)
        }
    }

    @Test(arguments: [
        ("form=2021-01-01", "did you mean `from`?"), ("timezone=Asia/Kolkatta", "did you mean `Asia/Kolkata`?"),
        ("from=yesterday", "neither a date"), ("from=2021-02-02&to=2021-02-02", "exclusive"),
        ("interval=dya", "did you mean `day`?"), ("group_by=sources", "did you mean `source`?"),
        ("sentiment=bad", "negative, neutral, positive"), ("rating=6", "1 to 5"),
        ("from=2021-01-01&from=2021-01-02", "2 values"),
        ("from=1970-01-01&interval=hour", "10000 buckets"), ("compare=last_year", "previous_period"),
        ("stream=x", "st_"),
    ])
    func whatIsWrongIsSaid(query: String, reason: String) async throws {
        try await ReportsServer.run { server in
            let answer = try await server.ask("/GetInsightReports?workspace_id=ws_a&\(query)")
            #expect(answer.status == 400)
            #expect(answer.detail.contains(reason), "\(answer.detail)")
        }
    }

    @Test func timesAndValuesAreReadAsPeopleWriteThem() async throws {
        try await ReportsServer.run { server in
            let midnight = Timestamp("2021-01-31T18:30:00Z")!.milliseconds  // in Kolkata
            try await server.send([
                Item(id: "1", text: "before", at: midnight - 1, language: "de"),
                Item(id: "2", text: "at", at: midnight),
                Item(id: "3", text: "later", at: midnight + 3_600_000, language: "ja"),
            ])
            func count(_ query: String) async throws -> Int {
                try await server.report("workspace_id=ws_a&" + query).totals.feedback
            }
            #expect(try await count("from=2021-02-01&timezone=Asia/Kolkata") == 2)
            #expect(try await count("from=2021-01-01&to=2021-02-01&timezone=Asia/Kolkata") == 1)
            #expect(try await count("from=2021-02-01T00:00:00%2B05:30") == 2)
            #expect(try await count("from=2021-02-01T00:00:00+05:30") == 2, "a plus sign that nobody escaped")
            #expect(try await count("from=2021-01-31T19:00:00Z") == 1)
            #expect(try await count("language=de,ja") == 2)
            #expect(try await count("language=de&language=ja") == 2)
            #expect(try await count("q=LATER") == 1)
        }
    }

    @Test func pagesShowEverythingOnce() async throws {
        try await ReportsServer.run { server in
            let items = (0..<45).map { number in
                Item(
                    id: "\(number)", text: "number \(number)", at: 1_609_459_200_000 + Int64(number / 4) * 1000,
                    topics: number % 3 == 0 ? ["third"] : [])
            }
            try await server.send(items)
            for (filter, expected) in [("", items), ("&topic=third", items.filter { !$0.topics.isEmpty })] {
                var shown: [String] = []
                var times: [String] = []
                var cursor = ""
                repeat {
                    let page = try await server.ask("/v1/feedback?workspace_id=ws_a&limit=7\(filter)\(cursor)").json
                    for one in page["feedback"]?.array ?? [] {
                        shown.append(one["unique_identifier"]?.string ?? "")
                        times.append(one["context_info"]?["timestamp"]?.string ?? "")
                    }
                    cursor = page["next_cursor"]?.string.map { "&cursor=\($0)" } ?? ""
                } while !cursor.isEmpty
                #expect(shown.count == expected.count)
                #expect(Set(shown) == Set(expected.map(\.feedbackID)))
                #expect(times == times.sorted(by: >))
            }
            #expect(try await server.ask("/v1/feedback?workspace_id=ws_a&limit=501").status == 400)
            #expect(try await server.ask("/v1/feedback?workspace_id=ws_a&cursor=zzz").status == 400)
        }
    }

    @Test func aTraceTellsWhatBecameOfAnItem() async throws {
        try await ReportsServer.run { server in
            let first = Item(id: "1", text: "Great app", author: "ann")
            var copy = Item(id: "2", text: "great  APP", author: "ann")
            copy.at += 1000
            try await server.send([first, copy])
            let trace = try await server.ask("/v1/feedback/\(copy.feedbackID)/trace").json
            #expect(trace["status"]?.string == "merged")
            #expect(trace["merged_into"]?.string == first.feedbackID)
            #expect(trace["raw"]?["offset"]?.integer == 1)
            #expect(trace["steps"]?.array?.compactMap { $0["step"]?.string } == ["said", "collected", "stored"])
            let other = try await server.ask("/v1/feedback/\(first.feedbackID)/trace").json
            #expect(other["cross_posts"]?.array?.compactMap(\.string) == [copy.feedbackID])
            #expect(try await server.store.ledger().workspaces["ws_a"]?.merged == 1)

            var gone = first
            gone.isDeleted = true
            try await server.send([gone], firstOffset: 2)
            #expect(try await server.ask("/v1/feedback/\(first.feedbackID)").status == 410)
            #expect(try await server.ask("/v1/feedback/\(copy.feedbackID)/trace").json["status"]?.string == "stored")
            #expect(try await server.store.verify() == [])
        }
    }

    @Test func whatIsStoredIsToldToThoseWhoMayHear() async throws {
        try await ReportsServer.run { server in
            let ours = server.listen("/v1/events", account: "ac_a")
            let theirs = server.listen("/v1/events", account: "ac_b")
            defer {
                ours.close()
                theirs.close()
            }
            try await waitUntil("both listen") { ours.text.contains("retry") && theirs.text.contains("retry") }
            var item = Item(id: "1")
            try await server.send([item])
            item.isDeleted = true
            try await server.send([item, Item(id: "2", workspace: "ws_b")], firstOffset: 1)
            try await waitUntil("news arrive") {
                ours.text.contains("event: feedback_deleted") && theirs.text.contains("event: feedback\n")
            }
            #expect(ours.text.contains("event: feedback\ndata: {\"unique_identifier\":\"\(item.feedbackID)\""))
            #expect(!ours.text.contains("ws_b"))
            #expect(!theirs.text.contains("ws_a"))

            let id = theirs.text.split(separator: "\n").first { $0.hasPrefix("id: ") }!.dropFirst(4)
            try await server.send([Item(id: "3", workspace: "ws_b")], firstOffset: 3)
            let back = server.listen("/v1/events", account: "ac_b", headers: ["Last-Event-ID": String(id)])
            let late = server.listen("/v1/events", account: "ac_b", headers: ["Last-Event-ID": "1-999"])
            defer {
                back.close()
                late.close()
            }
            try await waitUntil("the missed event") { back.text.contains(Item(id: "3", workspace: "ws_b").feedbackID) }
            #expect(!back.text.contains(Item(id: "2", workspace: "ws_b").feedbackID))
            try await waitUntil("the gap") { late.text.contains("event: gap") }
        }
    }

    @Test func whatIsNoFeedbackIsSetAsideAndCounted() async throws {
        try await ReportsServer.run { server in
            var batch = RecordBatch()
            batch.append(key: "x", headers: [RawHeader.workspace: "ws_a"], value: Array("[1".utf8))
            try await server.log.append(batch, to: .feedback)
            try await server.settle()
            try await waitUntil("the dead letter is counted") {
                try await server.report(Self.all).coverage.deadLetters == 1
            }
            #expect(try await server.store.ledger().total.dead == 1)
        }
    }
}
