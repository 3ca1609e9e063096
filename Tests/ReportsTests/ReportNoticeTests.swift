import ByteJSON
import Common
import Crypto
import CurlTransport
import Foundation
import LocalFiles
import Notices
import ServiceKit
import Synchronization
import TestKit
import Testing

@testable import Reports

@Suite("Who is told that a report is there", .serialized, .timeLimit(.minutes(5)))
struct ReportNoticeTests {
    /// A server with a mail server behind it.
    private func run(
        settings: ReportsSettings = .quick, files: (any FileStorage)? = nil,
        now: @escaping @Sendable () -> Timestamp = { Timestamp("2021-03-01")! },
        _ body: (ReportsServer, MailServer) async throws -> Void
    ) async throws {
        let folder = try TemporaryFolder()
        let mails = try await MailServer(in: folder)
        let mail = try CurlMailSettings(
            url: Secret("smtp://localhost:\(mails.port)?tls=none"), sender: "earshot@example.org")
        try await ReportsServer.run(
            settings: settings, transport: CurlTransport(policy: .any), mail: CurlMail(mail), files: files, now: now
        ) { server in
            try await body(server, mails)
        }
    }

    private func ask(_ server: ReportsServer, _ notify: String, scopes: String = "read,manage", more: String = "")
        async throws -> ReportsServer.Answer
    {
        try await server.ask(
            "/v1/reports", method: "POST", scopes: scopes,
            body:
                #"{"workspace_id":"ws_a","kind":"verbatims_export","format":"csv","from":"2020-01-01","to":"2022-01-01","notify":[\#(notify)]\#(more)}"#
        )
    }

    private func notices(_ server: ReportsServer, _ state: String, _ count: Int) async throws -> [JSON] {
        @Sendable func list() async throws -> [JSON] {
            (try await server.ask("/v1/notices?workspace_id=ws_a").json["notices"]?.array ?? [])
                .filter { $0["state"]?.string == state }
        }
        try await waitUntil("\(count) notices are \(state)") { try await list().count == count }
        return try await list()
    }

    @Test("each recipient gets one mail, with the file, and a link that opens without a token")
    func mail() async throws {
        try await run { server, mails in
            try await server.send([Item(id: "1", text: "The export fails.")])
            let asked = try await ask(server, #""ann@example.org","bob@example.org","ann@example.org""#)
            #expect(asked.status == 202)
            #expect(asked.json["notify"]?.array?.count == 2)
            let id = try #require(asked.json["report_id"]?.string)
            let done = try await notices(server, "COMPLETED", 2)
            #expect(Set(done.compactMap { $0["recipient"]?.string }) == ["ann@example.org", "bob@example.org"])
            #expect(mails.mails.count == 2)
            let report = try await server.ask("/v1/reports/\(id)").json
            let sum = try #require(report["manifest"]?["sha256"]?.string)
            for mail in mails.mails { #expect(mail.files.map(\.sum) == [sum]) }

            let text = try #require(mails.mails.first?.text)
            let link = try #require(text.firstMatch(of: #/https://earshot\.example\.org(/v1/reports/\S+)/#)).1
            let file = try await server.ask(String(link), account: nil)
            #expect(file.status == 200)
            #expect(SHA256.hash(data: file.bytes).map { String(format: "%02x", $0) }.joined() == sum)
            // With a token or without, another signature or time is no key.
            let until = try #require(link.firstMatch(of: #/expires=(\d+)/#)).1
            // The last character has bits that say nothing.
            let other = "\(link.dropLast(2))\(link.dropLast().hasSuffix("A") ? "B" : "A")\(link.suffix(1))"
            for changed in [String(link).replacing(until, with: "9999999999"), other] {
                #expect(try await server.ask(changed, account: nil).status == 403)
            }
            #expect(try await server.ask("/v1/reports/\(id)/file", account: nil).status == 401)

            #expect(try await server.ask("/v1/reports/\(id)", method: "DELETE").status == 204)
            #expect(try await server.ask(String(link), account: nil).status == 403)
            let notice = try #require(done.first?["notice_id"]?.string)
            let again = try await server.ask("/v1/notices/\(notice)/redeliver", method: "POST", scopes: "manage")
            #expect(again.status == 202)
            let failed = try await notices(server, "FAILED", 1)
            #expect(failed.first?["reason"]?.string?.contains("not there any more") == true)
            #expect(mails.mails.count == 2)
        }
    }

    private static let tell = #","notify":["ann@example.org","bob@example.org"]"#

    @Test("who was to be told is told once of a report that failed, however often it is tried again")
    func failure() async throws {
        let folder = try TemporaryFolder()
        let files = LimitedFiles(try LocalFiles(folder: folder.path), quota: 1)
        try await run(files: files) { server, mails in
            try await server.send([Item(id: "1", text: "The export fails.")])
            let id = try await server.askForExport(Self.tell)
            for _ in 0..<2 {
                #expect(try await server.end(of: id)["state"]?.string == "FAILED")
                _ = try await notices(server, "COMPLETED", 2)
                #expect(try await server.ask("/v1/reports/\(id)/retry", method: "POST").status == 202)
            }
            #expect(try await server.end(of: id)["state"]?.string == "FAILED")
            let told = try await notices(server, "COMPLETED", 2)
            #expect(told.allSatisfy { $0["event"]?.string == "report.failed" })
            #expect(mails.mails.map(\.to).sorted() == ["ann@example.org", "bob@example.org"])
            let mail = try #require(mails.mails.first)
            #expect(mail.subject == "Verbatims of ws_a could not be made")
            #expect(mail.text.contains("the quota of ws_a is 1 bytes") && mail.files.isEmpty)
            #expect(mail.text.contains("earshot jobs retry \(id)"))
        }
    }

    @Test("they are told of one that expired, and not of one that somebody cancelled")
    func otherEnds() async throws {
        var settings = ReportsSettings.quick
        settings.jobs.slots = 0  // nobody works on reports: what tidies up does so all the same
        let hours = Mutex(0.0)
        try await run(
            settings: settings, now: { Timestamp("2021-03-01")!.advanced(bySeconds: hours.withLock { $0 } * 3600) }
        ) {
            server, mails in
            let cancelled = try await server.askForExport(Self.tell)
            #expect(try await server.ask("/v1/reports/\(cancelled)/cancel", method: "POST").status == 200)
            let id = try await server.askForExport(Self.tell)
            hours.withLock { $0 = 7 }
            #expect(try await server.end(of: id)["state"]?.string == "EXPIRED")
            let told = try await server.ask("/v1/notices?workspace_id=ws_a").json["notices"]?.array ?? []
            #expect(told.count == 2 && told.allSatisfy { $0["event"]?.string == "report.failed" })
            #expect(Set(told.compactMap { $0["subject"]?.string }) == [id])
        }
    }

    @Test("who cannot be told is refused before there is a report")
    func refusals() async throws {
        try await run { server, _ in
            for (notify, scopes, status) in [
                (#""ann""#, "read,manage", 400), (#""ch_0000000000000000000000000a""#, "read,manage", 404),
                (#""ann@example.org""#, "read", 403),
            ] {
                let answer = try await ask(server, notify, scopes: scopes)
                #expect(answer.status == status, "\(notify)")
            }
            let reports = try await server.ask("/v1/reports").json["reports"]?.array
            #expect(reports == [])
        }
        try await ReportsServer.run { server in
            let answer = try await ask(server, #""ann@example.org""#)
            #expect(answer.status == 400 && answer.detail.contains("EARSHOT_MAIL_URL"))
        }
    }

    @Test("a channel shows its secret once and its address never, and is its account's alone")
    func channels() async throws {
        try await run { server, _ in
            let made = try await server.ask(
                "/v1/channels", method: "POST", scopes: "manage",
                body: #"{"workspace_id":"ws_a","kind":"webhook","url":"http://127.0.0.1:9/secret-path"}"#)
            #expect(made.status == 201)
            let id = try #require(made.json["channel_id"]?.string)
            let secret = try #require(made.json["secret"]?.string)
            #expect(secret.hasPrefix("whsec_"))
            for path in ["/v1/channels", "/v1/channels/\(id)"] {
                let text = String(decoding: try await server.ask(path).bytes, as: UTF8.self)
                #expect(text.contains(id) && !text.contains("secret-path") && !text.contains("whsec_"))
            }
            let rotated = try await server.ask("/v1/channels/\(id)/rotate-secret", method: "POST", scopes: "manage")
            #expect(
                rotated.json["secret"]?.string?.hasPrefix("whsec_") == true && rotated.json["secret"]?.string != secret)
            let tested = try await server.ask("/v1/channels/\(id)/test", method: "POST", scopes: "manage")
            let notice = try #require(tested.json["notice_id"]?.string)
            for (method, path) in [
                ("GET", "/v1/channels/\(id)"), ("DELETE", "/v1/channels/\(id)"), ("POST", "/v1/channels/\(id)/test"),
                ("POST", "/v1/channels/\(id)/enable"), ("POST", "/v1/channels/\(id)/rotate-secret"),
                ("GET", "/v1/notices/\(notice)"), ("POST", "/v1/notices/\(notice)/redeliver"),
                ("GET", "/v1/channels?workspace_id=ws_a"), ("GET", "/v1/notices?workspace_id=ws_a"),
            ] {
                #expect(
                    try await server.ask(path, method: method, account: "ac_b", scopes: "read,manage").status == 404,
                    "\(method) \(path)")
            }
            for path in ["/v1/channels", "/v1/notices"] {
                let list = try await server.ask(path, account: "ac_b", scopes: "read,manage")
                #expect(!String(decoding: list.bytes, as: UTF8.self).contains(id))
            }
            for body in [
                #"{"workspace_id":"ws_a","kind":"webhook","url":"ftp://example.org/"}"#,
                #"{"workspace_id":"ws_a","kind":"pager","url":"https://example.org/"}"#,
            ] {
                #expect(
                    try await server.ask("/v1/channels", method: "POST", scopes: "manage", body: body).status == 422)
            }
            #expect(try await server.ask("/v1/channels/\(id)", method: "DELETE", scopes: "manage").status == 204)
            #expect(try await server.ask("/v1/channels/\(id)").status == 404)
        }
    }
}
