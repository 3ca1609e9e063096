import ByteJSON
import Common
import Foundation
import Logging
import Notices
import ServiceKit
import Synchronization
import TestKit
import Testing

@testable import Reports

@Suite("Reports that are made again and again", .serialized, .timeLimit(.minutes(5)))
struct ScheduleTests {
    @Test(
        "a period is another one each time, by the clock of its zone",
        arguments: [
            ("previous_day", "2026-03-29T23:00:00Z", "2026-03-28T23:00:00Z", "2026-03-29T22:00:00Z"),
            ("previous_week", "2026-01-05T07:00:00Z", "2025-12-28T23:00:00Z", "2026-01-04T23:00:00Z"),
            ("previous_month", "2026-03-15T00:00:00Z", "2026-01-31T23:00:00Z", "2026-02-28T23:00:00Z"),
            ("previous_quarter", "2026-02-01T00:00:00Z", "2025-09-30T22:00:00Z", "2025-12-31T23:00:00Z"),
            ("previous_year", "2026-02-01T00:00:00Z", "2024-12-31T23:00:00Z", "2025-12-31T23:00:00Z"),
            ("last_7_days", "2026-01-05T07:00:00Z", "2025-12-28T23:00:00Z", "2026-01-04T23:00:00Z"),
        ])
    func periods(text: String, now: String, from: String, to: String) throws {
        let period = try #require(RelativePeriod(text))
        let zone = try #require(ZoneCache.shared["Europe/Berlin"])
        let range = period.range(at: Timestamp(now)!, in: zone)
        #expect(Timestamp(milliseconds: range.lowerBound) == Timestamp(from)!)
        #expect(Timestamp(milliseconds: range.upperBound) == Timestamp(to)!)
    }

    @Test(
        "nothing else is a period",
        arguments: ["", "week", "previous_hour", "last_0_days", "last_9999_days", "last__days"])
    func noPeriods(text: String) { #expect(RelativePeriod(text) == nil) }

    private func schedule(_ cron: String, missed: ReportSchedule.Missed = .once) throws -> ReportSchedule {
        let created = Timestamp("2026-01-01T00:00:00Z")!
        let rule = try Cron(cron, timeZone: "Europe/Berlin")
        return ReportSchedule(
            id: .make(), workspace: WorkspaceID("ws_a")!, name: "Weekly", cron: rule, missed: missed,
            kind: "insight_summary", format: .html, period: try #require(RelativePeriod("previous_week")),
            parameters: Parameters([(name: "language", value: "de")]), notify: [.address("ann@example.org")],
            skipsEmpty: true, isActive: true, next: try #require(rule.next(after: created)), last: nil,
            createdAt: created)
    }

    @Test("each run is asked for once, however many processes look, and with the week that was meant")
    func runs() async throws {
        let tables = try await Tables()
        let clock = Mutex(Timestamp("2026-01-05T06:59:00Z")!)
        let now = { @Sendable in clock.withLock { $0 } }
        let made = try schedule("0 8 * * MON")
        try await tables.database.write { try ScheduleTable(connection: $0).save(made) }
        func runner() -> ScheduleRunner {
            let jobs = JobEngine(
                database: tables.database, definitions: [JobDefinition(ReportJob.kind, steps: [])], metrics: Metrics(),
                logger: .init(label: "test"), now: now)
            return ScheduleRunner(
                database: tables.database, jobs: jobs, settings: ReportsSettings(), logger: .init(label: "test"),
                now: now)
        }
        let runners = [runner(), runner()]
        for runner in runners { #expect(try await runner.runDue() == 0) }
        // Two weeks are missed: one report stands for both, that of the later one.
        clock.withLock { $0 = Timestamp("2026-01-19T07:00:00Z")! }
        let counts = try await withThrowingTaskGroup(of: Int.self) { tasks in
            for runner in runners { tasks.addTask { try await runner.runDue() } }
            return try await tasks.reduce(into: []) { $0.append($1) }
        }
        #expect(counts.reduce(0, +) == 1)
        let found = try await tables.database.read { try JobTable($0, at: now()).list(.init(), limit: 10) }
        let request = try ReportRequest(try #require(found.first))
        #expect(found.count == 1 && request.skipsEmpty && request.notify == [.address("ann@example.org")])
        #expect(request.parameters.list("from") == ["2026-01-11T23:00:00.000Z"])
        #expect(request.parameters.list("to") == ["2026-01-18T23:00:00.000Z"])
        #expect(request.parameters.list("language") == ["de"])
        let kept = try await tables.database.read { try ScheduleTable(connection: $0).schedule(made.id) }
        #expect(kept?.next == Timestamp("2026-01-26T07:00:00Z")! && kept?.last?.report == found.first?.id)
    }

    @Test("what is longer ago than an hour is left out, if so wanted")
    func skipped() throws {
        let made = try schedule("0 8 * * *", missed: .skip)
        #expect(made.runs(until: Timestamp("2026-01-05T07:59:00Z")!) == [Timestamp("2026-01-05T07:00:00Z")!])
        #expect(made.runs(until: Timestamp("2026-01-05T08:01:00Z")!).isEmpty)
    }

    @Test("a schedule is made, changed, tested and deleted, and is its account's alone")
    func routes() async throws {
        try await ReportsServer.run { server in
            try await server.send([Item(id: "1", text: "The export fails.")])
            let body =
                #"{"workspace_id":"ws_a","cron":"0 8 * * MON","timezone":"Europe/Berlin","report":{"kind":"insight_summary","period":"previous_week","language":"en"}}"#
            let made = try await server.ask("/v1/schedules", method: "POST", scopes: "manage", body: body)
            try #require(made.status == 201, "\(made.detail)")
            #expect(made.json["next_at"]?.string == "2021-03-01T07:00:00.000Z")
            let id = try #require(made.json["schedule_id"]?.string)
            let path = "/v1/schedules/\(id)"
            #expect(try await server.ask(path).json["report"]?["language"]?.array == ["en"])
            let paused = try await server.ask(path, method: "PATCH", scopes: "manage", body: #"{"state":"paused"}"#)
            #expect(paused.json["state"]?.string == "paused" && paused.json["next_at"] == nil)
            let tested = try await server.ask(path + "/test", method: "POST", scopes: "manage")
            let report = try #require(tested.json["report_id"]?.string)
            try await waitUntil("the report is made") {
                try await server.ask("/v1/reports/\(report)").json["state"]?.string == "COMPLETED"
            }
            for (method, path) in [
                ("GET", path), ("PATCH", path), ("DELETE", path), ("POST", path + "/test"),
                ("GET", "/v1/schedules?workspace_id=ws_a"),
            ] {
                let answer = try await server.ask(
                    path, method: method, account: "ac_b", scopes: "read,manage",
                    body: method == "PATCH" ? "{}" : nil)
                #expect(answer.status == 404, "\(method) \(path)")
            }
            let others = try await server.ask("/v1/schedules", account: "ac_b")
            #expect(!String(decoding: others.bytes, as: UTF8.self).contains(id))
            #expect(try await server.ask(path, method: "DELETE", scopes: "manage").status == 204)
            #expect(try await server.ask(path).status == 404)
            for (change, word) in [
                (#""cron":"0 8 * *","report":{"kind":"insight_summary","period":"previous_week"}"#, "five are wanted"),
                (#""cron":"@daily","report":{"kind":"insight_summary","period":"week"}"#, "previous_week"),
                (
                    #""cron":"@daily","report":{"kind":"insight_summary","period":"previous_week","from":"2020-01-01"}"#,
                    "the schedule's"
                ),
                (#""cron":"@daily","report":{"kind":"nothing","period":"previous_week"}"#, "insight_summary"),
                (
                    #""cron":"@daily","report":{"kind":"verbatims_export","period":"previous_week","interval":"day"}"#,
                    "interval"
                ),
            ] {
                let answer = try await server.ask(
                    "/v1/schedules", method: "POST", scopes: "manage", body: #"{"workspace_id":"ws_a",\#(change)}"#)
                #expect(answer.status == 422)
                #expect(String(decoding: answer.bytes, as: UTF8.self).contains(word), "\(answer.detail)")
            }
        }
    }
}
