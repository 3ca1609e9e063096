import ByteJSON
import Common
import Crypto
import Foundation
import ServiceKit
import TestKit
import Testing

@testable import Reports

@Suite("Reports that are made as jobs", .serialized, .timeLimit(.minutes(5)))
struct ReportJobTests {
    private static let nasty = "=HYPERLINK(\"http://evil.example\",\"click\"),\nand <script>alert('x')</script> & more"

    private func items() -> [Item] { (0..<40).map(item) }

    private func item(_ number: Int) -> Item {
        var item = Item(id: "\(number)", text: "The export of report \(number) fails, \"again\".")
        if number == 7 { item.text = Self.nasty }
        item.at += Int64(number / 3) * 86_400_000
        item.language = number.isMultiple(of: 2) ? "en" : "de"
        let isBad = number.isMultiple(of: 3)
        item.sentiment = isBad ? .negative : .positive
        item.score = isBad ? -4 : 5
        item.topics = ["export"]
        item.author = "a\(number % 5)"
        item.version = "2.\(number % 12)"
        return item
    }

    /// Asks for a report of everything and waits for its end.
    private func make(
        _ server: ReportsServer, _ kind: String, _ format: String, _ more: String = "", state: String = "COMPLETED"
    ) async throws -> JSON {
        let asked = try await server.ask(
            "/v1/reports", method: "POST",
            body:
                #"{"workspace_id":"ws_a","kind":"\#(kind)","format":"\#(format)","from":"2020-01-01","to":"2022-01-01"\#(more)}"#
        )
        try #require(asked.status == 202, "\(asked.detail)")
        let id = try #require(asked.json["report_id"]?.string)
        try await waitUntil("\(kind) as \(format) is over") {
            let now = try await server.ask("/v1/reports/\(id)").json["state"]?.string
            return now != "REQUESTED" && now != "RUNNING"
        }
        let report = try await server.ask("/v1/reports/\(id)").json
        #expect(report["state"]?.string == state, "\(report["reason"]?.string ?? "")")
        return report
    }

    private func file(_ server: ReportsServer, _ report: JSON) async throws -> [UInt8] {
        let link = try #require(report["links"]?["file"]?.string)
        let answer = try await server.ask(link)
        #expect(answer.status == 200)
        return answer.bytes
    }

    private func sum(_ bytes: [UInt8]) -> String {
        SHA256.hash(data: bytes).map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }

    @Test("every kind in every format is made, and its manifest tells what it is", arguments: TestStorage.allCases)
    func everyKind(storage: TestStorage) async throws {
        try await storage.run { server in
            try await server.send(items())
            for kind in ReportKinds.all {
                let more = kind.name == "topic_deep_dive" ? #","topic":"export""# : ""
                for format in kind.formats where format != .pdf {  // PDFTests
                    let report = try await make(server, kind.name, format.rawValue, more)
                    let bytes = try await file(server, report)
                    let manifest = try #require(report["manifest"])
                    #expect(manifest["rows"]?.integer == 40)
                    #expect(manifest["bytes"]?.integer == Int64(bytes.count) && !bytes.isEmpty)
                    #expect(manifest["sha256"]?.string == sum(bytes))
                    let id = try #require(report["report_id"]?.string)
                    #expect(try await server.kept("reports/\(id)/manifest.json") == manifest.bytes + [0x0A])
                    #expect(manifest["watermark"]?.object?.isEmpty == false)
                    #expect(manifest["query"]?["from"]?.array?.first?.string == "2020-01-01T00:00:00.000Z")
                    #expect(manifest["coverage"]?["in_flight"]?.integer == 0)
                    #expect(
                        report["history"]?.array?.compactMap { $0["state"]?.string } == [
                            "REQUESTED", "RUNNING", "COMPLETED",
                        ])
                    #expect(report["progress"]?.double == 1)
                }
            }
            let reports = Dictionary(grouping: try await server.paths()) { $0.split(separator: "/")[1] }
            for (report, paths) in reports { #expect(paths.count == 2, "nothing is left of the stages of \(report)") }
        }
    }

    @Test("an export has every item as it is stored, in the order of time")
    func export() async throws {
        try await ReportsServer.run { server in
            try await server.send(items())
            let bytes = try await file(server, try await make(server, "verbatims_export", "jsonl"))
            let lines = bytes.split(separator: 0x0A)
            let listed = try await server.ask("/v1/feedback?workspace_id=ws_a&limit=100").json["feedback"]?.array ?? []
            #expect(lines.count == 40)
            let found = try lines.map { JSON(try JSONDocument(parsing: Array($0)).root) }
            #expect(Set(found) == Set(listed))
            let times = found.compactMap { $0["context_info"]?["timestamp"]?.string }
            #expect(times == times.sorted())
            let german = try await make(server, "verbatims_export", "jsonl", #","language":"de""#)
            #expect(german["manifest"]?["rows"]?.integer == 20)
            let array = try await file(server, try await make(server, "verbatims_export", "json"))
            #expect(try JSON(JSONDocument(parsing: array).root).array == found)
        }
    }

    @Test("pages of an export are whole, however many there are")
    func pages() async throws {
        let tables = try await Tables()
        let items = (0..<120).map { Item(id: "\($0)", text: "Said \($0)", at: 1_609_459_200_000 + Int64($0 / 50)) }
        var topic = FeedbackTopic()
        try await tables.take([topic.batch(items)])
        let request = ReportRequest(
            kind: "verbatims_export", workspace: WorkspaceID("ws_a")!, format: .jsonl,
            parameters: Parameters([(name: "from", value: "2020-01-01"), (name: "to", value: "2022-01-01")]))
        let folder = try TemporaryFolder()
        let path = folder.file("export")
        for page in [1, 7, 50, 120, 500] {
            let rows = try await tables.database.read { connection in
                var file = try FileWriter(path: path)
                let reading = ReportReading(
                    connection: connection, settings: ReportsSettings(), progress: { _ in }, checkStopped: {})
                let made = try VerbatimsExport(page: page).writeData(request, reading, to: &file)
                _ = try file.finish()
                return made.rows
            }
            let lines = try String(contentsOfFile: path, encoding: .utf8).split(separator: "\n")
            #expect(rows == 120 && Set(lines).count == 120, "pages of \(page)")
        }
    }

    @Test("a manifest says of each version of an engine how many of the rows it read")
    func engines() async throws {
        try await ReportsServer.run { server in
            var items = items()
            for index in items.indices where index != 39 {
                items[index].engines = ["language@2", index < 25 ? "sentiment@3" : "sentiment@4"]
            }
            items[5].isDeleted = true
            try await server.send(items)
            for kind in ["verbatims_export", "insight_summary", "app_version_health"] {
                let manifest = try #require(try await make(server, kind, "json")["manifest"])
                #expect(manifest["rows"]?.integer == 39)
                #expect(
                    manifest["engines"] == ["language@2": 38, "sentiment@3": 24, "sentiment@4": 14], "\(kind)")
            }
            let some = try await make(server, "insight_summary", "json", #","language":"de""#)
            #expect(some["manifest"]?["engines"] == ["language@2": 18, "sentiment@3": 11, "sentiment@4": 7])
        }
    }

    @Test("a text from outside is no formula in a table, and no markup in a page")
    func hostileTexts() async throws {
        try await ReportsServer.run { server in
            try await server.send(items())
            let csv = String(
                decoding: try await file(server, try await make(server, "verbatims_export", "csv")), as: UTF8.self)
            #expect(csv.contains("\"'=HYPERLINK(\"\"http://evil.example\"\""))
            #expect(!csv.contains(",=HYPERLINK") && !csv.contains(",\"=HYPERLINK"))
            #expect(csv.contains(",-4,"), "numbers stay numbers")
            for kind in ReportKinds.all.map(\.name) {
                let more = kind == "topic_deep_dive" ? #","topic":"export""# : ""
                let report = try await make(server, kind, "html", more)
                let html = String(decoding: try await file(server, report), as: UTF8.self)
                #expect(!html.contains("<script"))
                #expect(html.hasPrefix("<!doctype html>") && html.hasSuffix("</html>\n"))
                #expect(!html.contains(" src="), "nothing comes from elsewhere")
            }
        }
    }

    @Test(
        "what begins like a formula is kept a text",
        arguments: ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", " =1", "\r=1", "\n=1", "＝1", "＠x"])
    func formulas(text: String) {
        let line = String(decoding: CSVText.line([.text(text)]), as: UTF8.self)
        #expect(line == "\"'\(text)\"\r\n")
        #expect(String(decoding: CSVText.line([.text("a=1"), .number("-1")]), as: UTF8.self) == "a=1,-1\r\n")
    }

    @Test("the same request of the same tables gives the same bytes")
    func sameBytes() async throws {
        try await ReportsServer.run { server in
            try await server.send(items())
            for kind in ReportKinds.all.map(\.name) {
                let more = kind == "topic_deep_dive" ? #","topic":"export""# : ""
                for format in ["csv", "html", "json", "xlsx"] {
                    let first = try await make(server, kind, format, more)
                    let second = try await make(server, kind, format, more)
                    #expect(first["report_id"] != second["report_id"])
                    #expect(first["manifest"]?["watermark"] == second["manifest"]?["watermark"])
                    #expect(try await file(server, first) == file(server, second), "\(kind) \(format)")
                }
            }
        }
    }

    @Test("what cannot be is refused before there is a job, and says what can be")
    func refusals() async throws {
        try await ReportsServer.run { server in
            for (body, words) in [
                (#"{"workspace_id":"ws_a"}"#, "`kind` is missing"),
                (#"{"workspace_id":"ws_a","kind":"verbatim_export"}"#, "verbatims_export"),
                (#"{"workspace_id":"ws_a","kind":"verbatims_export","format":"docx"}"#, "`format` is docx"),
                (
                    #"{"workspace_id":"ws_a","kind":"verbatims_export","interval":"day"}"#,
                    "unknown parameter `interval`"
                ),
                (#"{"workspace_id":"ws_a","kind":"insight_summary","from":"yesterday"}"#, "`from` is yesterday"),
                (#"{"kind":"insight_summary"}"#, "`workspace_id` is missing"),
            ] {
                let answer = try await server.ask("/v1/reports", method: "POST", body: body)
                #expect(answer.status == 400)
                #expect(answer.detail.contains(words), "\(answer.detail)")
            }
            #expect(try await server.ask("/v1/reports").json["reports"]?.array == [])
        }
    }

    @Test("no more reports wait than may")
    func bounds() async throws {
        var settings = ReportsSettings.quick
        settings.openReports = 2
        settings.jobs.slots = 0  // nobody works
        try await ReportsServer.run(settings: settings) { server in
            let body = #"{"workspace_id":"ws_a","kind":"insight_summary"}"#
            for expected in [202, 202, 429] {
                #expect(try await server.ask("/v1/reports", method: "POST", body: body).status == expected)
            }
            let waiting = try await server.ask("/v1/reports?state=requested").json["reports"]?.array ?? []
            #expect(waiting.count == 2)
            let id = try #require(waiting.first?["report_id"]?.string)
            #expect(try await server.ask("/v1/reports/\(id)/file").status == 409)
            #expect(try await server.ask("/v1/reports/\(id)", method: "DELETE").status == 409)
            let cancelled = try await server.ask("/v1/reports/\(id)/cancel", method: "POST")
            #expect(cancelled.json["state"]?.string == "CANCELLED")
            #expect(
                try await server.ask("/v1/reports/\(id)/retry", method: "POST").json["state"]?.string == "REQUESTED")
        }
    }

    @Test("the same Idempotency-Key is the same report, and no other request")
    func idempotency() async throws {
        try await ReportsServer.run { server in
            let body = #"{"workspace_id":"ws_a","kind":"insight_summary"}"#
            let headers = ["Idempotency-Key": "6c1f2a9e"]
            let first = try await server.ask("/v1/reports", method: "POST", body: body, headers: headers)
            let second = try await server.ask("/v1/reports", method: "POST", body: body, headers: headers)
            #expect(first.status == 202 && first.json["report_id"] == second.json["report_id"])
            let other = #"{"workspace_id":"ws_a","kind":"verbatims_export"}"#
            let third = try await server.ask("/v1/reports", method: "POST", body: other, headers: headers)
            #expect(third.status == 422)
        }
    }

    @Test("a report of another account is nowhere, and cannot be asked for")
    func walls() async throws {
        try await ReportsServer.run { server in
            try await server.send(items())
            let report = try await make(server, "verbatims_export", "csv")
            let id = try #require(report["report_id"]?.string)
            let all = "read,manage,write"
            for (method, path) in [
                ("GET", "/v1/reports/\(id)"), ("GET", "/v1/reports/\(id)/file"), ("POST", "/v1/reports/\(id)/cancel"),
                ("POST", "/v1/reports/\(id)/retry"), ("DELETE", "/v1/reports/\(id)"), ("GET", "/v1/jobs/\(id)"),
                ("POST", "/v1/jobs/\(id)/cancel"), ("POST", "/v1/jobs/\(id)/retry"),
                ("GET", "/v1/reports?workspace_id=ws_a"), ("GET", "/v1/jobs?workspace_id=ws_a"),
            ] {
                #expect(
                    try await server.ask(path, method: method, account: "ac_b", scopes: all).status == 404, "\(path)")
                #expect(try await server.ask(path, method: method, account: nil).status == 401, "\(path)")
            }
            for path in ["/v1/reports", "/v1/jobs"] {
                let list = try await server.ask(path, account: "ac_b", scopes: all)
                #expect(list.status == 200 && !String(decoding: list.bytes, as: UTF8.self).contains(id))
            }
            let asked = try await server.ask(
                "/v1/reports", method: "POST", account: "ac_b",
                body: #"{"workspace_id":"ws_a","kind":"insight_summary"}"#)
            #expect(asked.status == 404)
            #expect(try await server.ask("/v1/reports/\(id)/file").status == 200)
        }
    }

    @Test(
        "a report is listed, cannot be cancelled when it is made, and its file goes when it is deleted",
        arguments: TestStorage.allCases)
    func life(storage: TestStorage) async throws {
        try await storage.run { server in
            try await server.send(items())
            let report = try await make(server, "insight_summary", "html")
            let id = try #require(report["report_id"]?.string)
            let list = try await server.ask("/v1/reports?workspace_id=ws_a&state=completed").json["reports"]?.array
            #expect(list?.compactMap { $0["report_id"]?.string } == [id])
            #expect(try await server.ask("/v1/reports/\(id)/cancel", method: "POST").status == 409)
            #expect(try await server.ask("/v1/reports/\(id)/retry", method: "POST").status == 409)
            #expect(
                try await server.paths() == [
                    "reports/\(id)/manifest.json", "reports/\(id)/rendering-1/insight_summary-\(id).html",
                ])
            #expect(try await server.ask("/v1/reports/\(id)", method: "DELETE").status == 204)
            try await waitUntil("its files are gone") { try await server.paths().isEmpty }
            #expect(try await server.ask("/v1/reports/\(id)").status == 404)
        }
    }
}
