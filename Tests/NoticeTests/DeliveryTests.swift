import ByteJSON
import Common
import Crypto
import CurlTransport
import Foundation
import ServiceKit
import Synchronization
import TestKit
import Testing

@testable import Notices

@Suite("The delivery of notices", .timeLimit(.minutes(5)))
struct DeliveryTests {
    typealias Engine = TestDatabase.Engine

    private func mail(_ server: MailServer, timeout: Duration = .seconds(20)) throws -> CurlMail {
        var settings = try CurlMailSettings(
            url: Secret("smtp://localhost:\(server.port)?tls=none"), sender: "earshot@example.org")
        settings.timeout = timeout
        return CurlMail(settings)
    }

    @Test("one notice a recipient and event, and none where the transaction fails", arguments: Engine.allCases)
    func outbox(on engine: Engine) async throws {
        try await Receiver.run { receiver in
            let bench = try await NoticeBench(engine)
            let (channel, _) = try await bench.channel(.webhook, receiver.url)
            struct Refused: Error {}
            await #expect(throws: Refused.self) {
                try await bench.database.write { connection in
                    try bench.notices.put(
                        bench.content("job_0"), to: [.channel(channel.id)], of: bench.workspace, in: connection)
                    throw Refused()
                }
            }
            let other = WorkspaceID("ws_b")!
            try await bench.database.write {
                try bench.notices.put(bench.content("job_9"), to: [.channel(channel.id)], of: other, in: $0)
            }
            let ids = try await bench.put(to: [.channel(channel.id)])
            #expect(try await bench.put(to: [.channel(channel.id)]) == ids)
            try await withRunning(bench.jobs) {
                try await bench.wait(for: ids[0], .completed)
                #expect(try await bench.put(to: [.channel(channel.id)]) == ids)
                let second = try await bench.put("job_2", to: [.channel(channel.id)])
                try await bench.wait(for: second[0], .completed)
            }
            #expect(receiver.calls.map { $0.json["data"]?["report_id"]?.string } == ["job_1", "job_2"])
            let jobs = try await bench.database.read { try JobTable($0, at: .now).list(.init(), limit: 10) }
            #expect(jobs.count == 2 && jobs.allSatisfy { $0.state == .completed })
        }
    }

    @Test("a webhook is signed as Standard Webhooks has it, with both secrets while they rotate")
    func signatures() async throws {
        try await Receiver.run { receiver in
            let bench = try await NoticeBench()
            var (channel, old) = try await bench.channel(.webhook, receiver.url)
            let key = try #require(bench.notices.directory.current.workspaces[bench.workspace]?.sealedKey)
            let new = StandardWebhook.makeSecret()
            channel.secrets = [
                .init(sealed: try bench.notices.vault.seal(new, sealedKey: key)),
                .init(sealed: channel.secrets[0].sealed, notAfter: bench.world.now.advanced(bySeconds: 60)),
            ]
            try await bench.database.write { [channel] in try ChannelTable(connection: $0).update(channel) }
            try await withRunning(bench.jobs) {
                for (subject, secrets) in [("job_1", [new, old]), ("job_2", [new])] {
                    let id = try await bench.put(subject, to: [.channel(channel.id)])[0]
                    try await bench.wait(for: id, .completed)
                    let call = try #require(receiver.calls.last)
                    #expect(call.headers["webhook-id"] == id.rawValue)
                    #expect(call.headers["webhook-timestamp"] == "\(bench.world.now.milliseconds / 1000)")
                    let signed =
                        "\(id).\(call.headers["webhook-timestamp"] ?? "")." + String(decoding: call.body, as: UTF8.self)
                    let wanted = secrets.map { secret in
                        let key = SymmetricKey(data: Data(base64Encoded: String(secret.reveal().dropFirst(6)))!)
                        let code = HMAC<SHA256>.authenticationCode(for: Data(signed.utf8), using: key)
                        return "v1," + Data(code).base64EncodedString()
                    }
                    #expect(call.headers["webhook-signature"] == wanted.joined(separator: " "))
                    #expect(call.json["type"] == "report.completed")
                    bench.world.pass(61)
                }
            }
        }
    }

    @Test("a receiver that fails is asked again by the ladder, under the same id, and the log tells of each try")
    func ladder() async throws {
        try await Receiver.run { receiver in
            let bench = try await NoticeBench()
            let (channel, _) = try await bench.channel(.webhook, receiver.url)
            receiver.answer(500)
            try await withRunning(bench.jobs) {
                let id = try await bench.put(to: [.channel(channel.id)])[0]
                for (attempt, pauses) in [(1, 2.5...5.0), (2, 150...300), (3, 2000...2000)] {
                    let now = try await bench.wait(for: id, .requested, attempts: attempt)
                    #expect(now.job.attempt == attempt && now.job.reason?.hasSuffix(": so be it") == true)
                    let due = Double(now.job.due.milliseconds - bench.world.now.milliseconds) / 1000
                    #expect(pauses.contains(due), "\(due)")
                    if attempt == 2 { receiver.answer(503, ["Retry-After": "2000"]) }
                    if attempt == 3 { receiver.answer(204) }
                    bench.world.pass(pauses.upperBound)
                }
                let end = try await bench.wait(for: id, .completed)
                #expect(end.attempts.map(\.outcome) == ["deferred", "deferred", "deferred", "delivered"])
                #expect(end.attempts.map(\.status) == [500, 500, 503, 204])
                #expect(Set(receiver.calls.map { $0.headers["webhook-id"] }) == [id.rawValue])
            }
        }
    }

    @Test("410 disables the channel; enabled again, a notice is redelivered by hand")
    func gone() async throws {
        try await Receiver.run { receiver in
            let bench = try await NoticeBench()
            let (channel, _) = try await bench.channel(.webhook, receiver.url)
            receiver.answer(410)
            try await withRunning(bench.jobs) {
                let first = try await bench.put(to: [.channel(channel.id)])[0]
                #expect(try await bench.wait(for: first, .failed).job.reason == "answered 410: so be it")
                let second = try await bench.put("job_2", to: [.channel(channel.id)])[0]
                let refused = try await bench.wait(for: second, .failed)
                #expect(refused.job.reason?.contains("is disabled since") == true && refused.attempts.isEmpty)
                #expect(receiver.calls.count == 1)
                receiver.answer(200)
                var mended = channel
                mended.disabled = nil
                try await bench.database.write { [mended] in try ChannelTable(connection: $0).update(mended) }
                let notice = try await bench.notice(first).notice
                _ = try await bench.database.write { try bench.notices.redeliver(notice, in: $0) }
                bench.jobs.wake()
                let end = try await bench.wait(for: first, .completed)
                #expect(end.attempts.map(\.outcome) == ["refused", "delivered"])
                #expect(Set(receiver.calls.map { $0.headers["webhook-id"] }) == [first.rawValue])
            }
        }
    }

    @Test("nobody is told of what is not there any more")
    func missing() async throws {
        try await Receiver.run { receiver in
            let bench = try await NoticeBench()
            let (channel, _) = try await bench.channel(.webhook, receiver.url)
            let id = try await bench.put(to: [.channel(channel.id)])[0]
            bench.world.isThere.withLock { $0 = false }
            try await withRunning(bench.jobs) {
                let end = try await bench.wait(for: id, .failed)
                #expect(end.job.reason == "the report is not there any more")
            }
            #expect(receiver.calls.isEmpty)
        }
    }

    @Test("chats get blocks and cards; one that says there is no such channel is not asked again")
    func chats() async throws {
        try await Receiver.run { receiver in
            let bench = try await NoticeBench()
            let (slack, _) = try await bench.channel(.slack, receiver.url)
            let (teams, _) = try await bench.channel(.teams, receiver.url)
            try await withRunning(bench.jobs) {
                for id in try await bench.put(to: [.channel(slack.id)]) { try await bench.wait(for: id, .completed) }
                for id in try await bench.put(to: [.channel(teams.id)]) { try await bench.wait(for: id, .completed) }
                let blocks = try #require(receiver.calls[0].json["blocks"]?.array)
                #expect(blocks[0]["text"]?["text"] == "The report is ready")
                #expect(blocks[1]["text"]?["text"] == "It is &lt;big&gt; &amp; good.")
                #expect(blocks.last?["text"]?["text"]?.string?.hasPrefix("<https://earshot.example.org/r") == true)
                let card = receiver.calls[1].json["attachments"]?.array?.first?["content"]
                #expect(card?["type"] == "AdaptiveCard" && card?["actions"]?.array?.count == 1)
                receiver.answer(404)
                let id = try await bench.put("job_2", to: [.channel(slack.id)])[0]
                try await bench.wait(for: id, .failed)
                let kept = try await bench.database.read { try ChannelTable(connection: $0).channel(slack.id) }
                #expect(kept?.disabled != nil)
            }
        }
    }

    @Test("an address that is not allowed is refused for good")
    func forbidden() async throws {
        let outcome = try await NoticeSending(
            transport: CurlTransport(policy: .publicOnly), mail: nil, maximumAttachment: 0
        ).send(
            Notice(
                id: .make(), workspace: WorkspaceID("ws_a")!, recipient: .channel(.make()),
                content: NoticeContent(event: "e", subject: "s", title: "t", text: ""), createdAt: .now, job: .make()),
            to: .slack, at: Secret("http://127.0.0.1:1/"), secrets: [], now: .now)
        guard case .refused(let reason, _) = outcome else { return #expect(Bool(false), "\(outcome)") }
        #expect(reason.contains("fetch.allow_addresses"))
    }

    @Test("a provider that fails for several is left alone for a while, and costs the others no attempts")
    func breaker() async throws {
        try await Receiver.run { receiver in
            let bench = try await NoticeBench()
            let (channel, _) = try await bench.channel(.webhook, receiver.url)
            receiver.answer(500)
            try await withRunning(bench.jobs) {
                for number in 1...5 {
                    let id = try await bench.put("job_\(number)", to: [.channel(channel.id)])[0]
                    try await bench.wait(for: id, .requested, attempts: 1)
                }
                receiver.answer(200)
                let late = try await bench.put("job_6", to: [.channel(channel.id)])[0]
                // Another channel's host is well, and what comes after is delivered before it.
                let (other, _) = try await bench.channel(
                    .webhook, receiver.url.replacingOccurrences(of: "127.0.0.1", with: "localhost"))
                let well = try await bench.put("job_7", to: [.channel(other.id)])[0]
                try await bench.wait(for: well, .completed)
                let waiting = try await bench.notice(late)
                #expect(waiting.job.attempt == 0 && waiting.attempts.isEmpty)
                bench.world.pass(16)
                try await bench.wait(for: late, .completed)
            }
        }
    }

    // MARK: - Mail

    @Test("mail is refused, put off and delivered as the server says")
    func mails() async throws {
        let folder = try TemporaryFolder()
        let server = try await MailServer(in: folder)
        let bench = try await NoticeBench(mail: try mail(server))
        try await withRunning(bench.jobs) {
            let ids = try await bench.put(
                to: [.address("ann@example.org"), .address("nobody@example.org"), .address("later@example.org")])
            try await bench.wait(for: ids[0], .completed)
            #expect(try await bench.wait(for: ids[1], .failed).job.reason == "550 5.1.1 no such mailbox")
            try await bench.wait(for: ids[2], .requested, attempts: 1)
            bench.world.pass(5)
            try await bench.wait(for: ids[2], .completed)
            let mail = try #require(server.mails.first { $0.to == "ann@example.org" })
            #expect(mail.id == "<\(ids[0])@example.org>" && mail.subject == "The report is ready")
            #expect(
                mail.text.contains("> Said\r\n> in two lines")
                    && mail.text.contains("https://earshot.example.org/r?a=1&b=2"))
            #expect(mail.html.contains("It is &lt;big&gt; &amp; good.") && !mail.html.contains("<big>"))
            #expect(server.mails.count == 2)
        }
    }

    @Test("a server that hangs after the message gets it again under the same id, and the recipient has one")
    func hanging() async throws {
        let folder = try TemporaryFolder()
        let server = try await MailServer(in: folder)
        let bench = try await NoticeBench(mail: try mail(server, timeout: .seconds(1)))
        try await withRunning(bench.jobs) {
            let id = try await bench.put(to: [.address("hang@example.org")])[0]
            try await bench.wait(for: id, .requested, attempts: 1)
            bench.world.pass(5)
            #expect(try await bench.wait(for: id, .completed).attempts.map(\.outcome) == ["deferred", "delivered"])
            #expect(server.mails.count == 2 && Set(server.mails.map(\.id)).count == 1)
        }
    }

    @Test("a file goes with the mail if it is small, and stays behind the link if it is not")
    func files() async throws {
        let folder = try TemporaryFolder()
        let server = try await MailServer(in: folder)
        let notice = Notice(
            id: .make(), workspace: WorkspaceID("ws_a")!, recipient: .address("ann@example.org"),
            content: try await NoticeBench().content(), createdAt: .now, job: .make())
        for (most, count) in [(1000, 1), (999, 0)] {
            let sending = NoticeSending(
                transport: CurlTransport(policy: .any), mail: try mail(server), maximumAttachment: most)
            let outcome = try await sending.send(
                notice, to: "ann@example.org",
                attachment: .init(name: "report.csv", contentType: "text/csv; charset=utf-8", size: 1000) {
                    #expect(count == 1, "what stays behind is not read")
                    return Array(repeating: 65, count: 1000)
                })
            #expect(outcome == .delivered())
            let mail = try #require(server.mails.last)
            #expect(mail.files.count == count && mail.text.contains("attached") == (count == 1))
        }
    }
}
