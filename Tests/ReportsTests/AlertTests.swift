import ByteJSON
import Common
import Foundation
import Notices
import SQLiteLog
import ServiceKit
import TestKit
import Testing

@testable import Reports

@Suite("What is watched for", .timeLimit(.minutes(5)))
struct AlertTests {
    private static let now = Timestamp("2021-03-01T00:00:00Z")!
    private static let hour: Int64 = 3_600_000

    private func finding(_ key: String) -> Finding {
        Finding(key: key, title: "t", text: "x", facts: [], range: 0..<1)
    }

    private func alert(
        _ key: String, _ state: Alert.State, raised hours: Double, snoozed: Double? = nil
    ) -> Alert {
        Alert(
            id: .make(), rule: .make(), workspace: WorkspaceID("ws_a")!, finding: finding(key), state: state,
            raisedAt: Self.now.advanced(bySeconds: -hours * 3600), seenAt: Self.now, endedAt: nil,
            snoozedUntil: snoozed.map { Self.now.advanced(bySeconds: $0 * 3600) })
    }

    private func steps(_ findings: [Finding], _ known: [Alert]) -> [AlertStep] {
        AlertStep.steps(findings, known: known, throttleHours: 24, now: Self.now)
    }

    @Test("what is found is raised once, kept while it is so, and ended when it is not")
    func steps() {
        let open = alert("a", .open, raised: 50)
        let seen = alert("b", .acknowledged, raised: 50)
        #expect(steps([finding("c")], []) == [.raise(finding("c"))])
        #expect(
            steps([finding("a"), finding("b")], [open, seen]) == [
                .keep(open.id, finding("a")), .keep(seen.id, finding("b")),
            ])
        #expect(steps([], [open, seen]) == [.end(open.id), .end(seen.id)])
    }

    @Test("what comes back soon, or was snoozed, is not told again")
    func throttled() {
        let fresh = alert("a", .ended, raised: 23)
        let old = alert("a", .ended, raised: 25)
        let snoozed = alert("a", .ended, raised: 99, snoozed: 1)
        #expect(steps([finding("a")], [fresh]) == [.reopen(fresh.id, finding("a"))])
        #expect(steps([finding("a")], [old]) == [.raise(finding("a"))])
        #expect(steps([finding("a")], [snoozed]) == [.reopen(snoozed.id, finding("a"))])
        #expect(steps([finding("b")], [fresh]) == [.raise(finding("b"))])
    }

    // MARK: - Findings

    private func rule(_ kind: AlertRule.Kind, minimum: Int = 3) -> AlertRule {
        var settings = AlertRule.Settings()
        settings.minimum = minimum
        return AlertRule(
            id: .make(), workspace: WorkspaceID("ws_a")!, name: "a rule", kind: kind, settings: settings, notify: [],
            isActive: true, snoozedUntil: nil, next: Self.now, letters: 0, createdAt: Self.now)
    }

    /// So many items in each day before now, the last day first.
    private func tables(_ days: [Int], _ change: (inout Item, _ day: Int, _ number: Int) -> Void = { _, _, _ in })
        async throws -> Tables
    {
        let tables = try await Tables()
        var items: [Item] = []
        for (day, count) in days.enumerated() {
            for number in 0..<count {
                var item = Item(id: "\(day)-\(number)", text: "Said \(day) \(number)")
                item.at = Self.now.milliseconds - Int64(day) * 24 * Self.hour - Self.hour - Int64(number)
                item.author = "p\(day)-\(number)"
                change(&item, day, number)
                items.append(item)
            }
        }
        var topic = FeedbackTopic()
        try await tables.take([topic.batch(items)])
        return tables
    }

    private func findings(_ rule: AlertRule, _ tables: Tables, streams: [StreamID: String] = [:]) async throws
        -> [Finding]
    {
        try await tables.database.read { connection in
            try AlertReading(
                connection: connection, settings: ReportsSettings(), now: Self.now, streams: streams
            ).findings(of: rule)
        }
    }

    @Test("volume: twice as much as in the days before, and no less than the minimum")
    func volume() async throws {
        let usual = [4, 4, 4, 4, 4, 4, 4]
        #expect(try await findings(rule(.volume), tables([9] + usual)).map(\.key) == ["volume"])
        #expect(try await findings(rule(.volume), tables([8] + usual)).isEmpty)
        #expect(try await findings(rule(.volume, minimum: 10), tables([9] + usual)).isEmpty)
        #expect(try await findings(rule(.volume), tables([3])).count == 1)
    }

    @Test("sentiment: much lower than before")
    func sentiment() async throws {
        func tables(bad: Int) async throws -> Tables {
            try await self.tables([10, 10, 10]) { item, day, number in
                item.sentiment = day == 0 && number < bad ? .negative : .positive
                item.score = item.sentiment == .negative ? -5 : 5
            }
        }
        #expect(try await findings(rule(.sentiment), tables(bad: 1)).map(\.key) == ["sentiment"])
        #expect(try await findings(rule(.sentiment), tables(bad: 0)).isEmpty)
        #expect(try await findings(rule(.sentiment, minimum: 11), tables(bad: 9)).isEmpty)
    }

    @Test("a topic that many speak of at once, with the filter that shows them")
    func topics() async throws {
        let tables = try await tables([30, 30]) { item, day, _ in item.topics = [day == 0 ? "crash" : "price"] }
        let found = try await findings(rule(.topic), tables)
        #expect(found.map(\.key) == ["crash"] && found.first?.filters == ["topic": ["crash"]])
    }

    @Test("a stream that had feedback and has none")
    func silence() async throws {
        let stream = StreamID(Item(id: "x", text: "x").stream)!
        let names = [stream: "Forum"]
        let usual = Array(repeating: 5, count: 7)
        #expect(try await findings(rule(.silence), tables([0] + usual), streams: names).map(\.key) == [stream.rawValue])
        #expect(try await findings(rule(.silence), tables([1] + usual), streams: names).isEmpty)
        #expect(try await findings(rule(.silence), tables([0] + usual), streams: [:]).isEmpty)
        #expect(try await findings(rule(.silence), tables([0, 2]), streams: names).isEmpty)
    }

    @Test("dead letters that are neither replayed nor acknowledged, for as long as they are not")
    func lettersHold() {
        var rule = rule(.deadLetters)
        rule.letters = nil
        #expect(rule.letters(after: 7) == 7, "those there were before are nobody's news")
        rule.letters = 2
        #expect(rule.letters(after: 7) == 2, "what was found is found again")
        #expect(rule.letters(after: 1) == 1, "what was replayed makes room for news")
    }

    @Test("an alert on dead letters is open until they are replayed, or acknowledged")
    func lettersLife() async throws {
        var settings = ReportsSettings.quick
        settings.lookSeconds = 0.05
        settings.alertSeconds = 0
        try await ReportsServer.run(settings: settings) { server in
            let made = try await server.ask(
                "/v1/alert-rules", method: "POST", scopes: "manage",
                body: #"{"workspace_id":"ws_a","kind":"dead_letters","minimum":2,"throttle_hours":0}"#)
            let rule = try #require(made.json["rule_id"]?.string)
            @Sendable func alerts() async throws -> [JSON] {
                try await server.ask("/v1/alerts?workspace_id=ws_a").json["alerts"]?.array ?? []
            }
            func letters(_ ids: [String], replayed: Bool = false) async throws {
                var batch = RecordBatch()
                for id in ids {
                    if replayed {
                        batch.appendTombstone(key: id)
                    } else {
                        batch.append(key: id, value: Array(#"{"id":"\#(id)","workspace_id":"ws_a"}"#.utf8))
                    }
                }
                try await server.log.append(batch, to: .deadLetters)
            }
            // The first look takes what there is for known.
            try await waitUntil("the rule was looked at") {
                try await server.database.read { connection in
                    try connection.first("SELECT letters FROM alert_rule WHERE id = \(rule)") { !$0.isNull(0) }
                } ?? false
            }
            try await letters(["dl_1", "dl_2", "dl_3"])
            try await waitUntil("the alert is raised") {
                try await alerts().first?["state"]?.string == "OPEN"
            }
            #expect(try await alerts().first?["links"]?["dead_letters"]?.string?.contains("replayed=false") == true)
            // It was looked at many times since.
            try await Task.sleep(for: .milliseconds(500))
            #expect(try await alerts().map { $0["state"]?.string } == ["OPEN"])
            try await letters(["dl_1", "dl_2"], replayed: true)
            try await waitUntil("it ends") { try await alerts().allSatisfy { $0["state"]?.string == "ENDED" } }

            try await letters(["dl_4", "dl_5", "dl_6"])
            @Sendable func open() async throws -> JSON? {
                try await alerts().first { $0["state"]?.string == "OPEN" }
            }
            try await waitUntil("another is raised") { try await open() != nil }
            let id = try #require(try await open()?["alert_id"]?.string)
            _ = try await server.ask("/v1/alerts/\(id)/acknowledge", method: "POST", scopes: "manage")
            try await waitUntil("it ends") { try await alerts().allSatisfy { $0["state"]?.string == "ENDED" } }
        }
    }

    @Test("dead letters since they were known")
    func deadLetters() async throws {
        let tables = try await Tables()
        try await tables.database.write { connection in
            for number in 0..<3 {
                try connection.execute("INSERT INTO dead_letter (id, workspace) VALUES (\("dl_\(number)"), 'ws_a')")
            }
        }
        #expect(try await findings(rule(.deadLetters), tables).count == 1)
        var later = rule(.deadLetters)
        later.letters = 1
        #expect(try await findings(later, tables).isEmpty)
        later.letters = nil
        #expect(try await findings(later, tables).isEmpty)
    }

    @Test("an alert is raised, told once, read behind a signed link, acknowledged, and its account's alone")
    func life() async throws {
        var settings = ReportsSettings.quick
        settings.lookSeconds = 0.05
        settings.alertSeconds = 0
        try await ReportsServer.run(settings: settings) { server in
            let now = Self.now.milliseconds
            var items = (0..<5).map { Item(id: "\($0)", text: "It <b>crashes</b> \($0)") }
            for index in items.indices { items[index].at = now - Self.hour - Int64(index) }
            try await server.send(items)
            let hook = try await server.ask(
                "/v1/channels", method: "POST", scopes: "manage",
                body: #"{"workspace_id":"ws_a","kind":"webhook","url":"http://127.0.0.1:9/"}"#)
            let channel = try #require(hook.json["channel_id"]?.string)
            let made = try await server.ask(
                "/v1/alert-rules", method: "POST", scopes: "manage",
                body: #"{"workspace_id":"ws_a","kind":"volume","minimum":3,"notify":["\#(channel)"]}"#)
            try #require(made.status == 201, "\(made.detail)")
            let rule = try #require(made.json["rule_id"]?.string)
            try await waitUntil("the alert is raised") {
                try await server.ask("/v1/alerts?workspace_id=ws_a").json["alerts"]?.array?.count == 1
            }
            let alert = try #require(try await server.ask("/v1/alerts").json["alerts"]?.array?.first)
            let id = try #require(alert["alert_id"]?.string)
            #expect(alert["state"]?.string == "OPEN" && alert["facts"]?["Last 24 hours"]?.string == "5")
            let page = try await server.ask("/v1/alerts/\(id)/verbatims")
            let html = String(decoding: page.bytes, as: UTF8.self)
            #expect(html.contains("&lt;b&gt;crashes") && !html.contains("<b>crashes"))
            let notices = try await server.ask("/v1/notices?workspace_id=ws_a").json["notices"]?.array ?? []
            #expect(notices.count == 1 && notices.first?["event"]?.string == "alert.raised")
            let seen = try await server.ask("/v1/alerts/\(id)/acknowledge", method: "POST", scopes: "manage")
            #expect(seen.json["state"]?.string == "ACKNOWLEDGED")
            let snoozed = try await server.ask(
                "/v1/alerts/\(id)/snooze", method: "POST", scopes: "manage", body: #"{"hours":5}"#)
            #expect(snoozed.json["snoozed_until"]?.string == "2021-03-01T05:00:00.000Z")
            #expect(try await server.ask("/v1/alerts?state=open").json["alerts"]?.array == [])
            for (method, path) in [
                ("GET", "/v1/alerts/\(id)"), ("POST", "/v1/alerts/\(id)/acknowledge"),
                ("GET", "/v1/alerts/\(id)/verbatims"), ("GET", "/v1/alert-rules/\(rule)"),
                ("DELETE", "/v1/alert-rules/\(rule)"), ("GET", "/v1/alerts?workspace_id=ws_a"),
            ] {
                let answer = try await server.ask(path, method: method, account: "ac_b", scopes: "read,manage")
                #expect(answer.status == 404, "\(method) \(path)")
                #expect(try await server.ask(path, method: method, account: nil).status == 401, "\(method) \(path)")
            }
            #expect(try await server.ask("/v1/alert-rules/\(rule)", method: "DELETE", scopes: "manage").status == 204)
            #expect(try await server.ask("/v1/alerts/\(id)").status == 404)
        }
    }
}
