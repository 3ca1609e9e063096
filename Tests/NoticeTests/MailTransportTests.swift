import ByteJSON
import Common
import CurlTransport
import TestKit
import Testing

@testable import Notices

/// Against a real mail server.
@Suite("Mail over SMTP", .timeLimit(.minutes(3)))
struct MailTransportTests {
    private func mail(to recipient: String) -> OutgoingMail {
        let message = MailMessage(
            id: "nt_1@example.org", from: "earshot@example.org", to: recipient, subject: "Größe",
            date: Timestamp("2026-01-05")!, text: "first\r\n.\r\nlast\r\n", html: "<p>ä</p>",
            file: .init(name: "a.csv", contentType: "text/csv", bytes: Array("1,2\r\n".utf8)))
        return OutgoingMail(to: recipient, message: message.bytes)
    }

    private func transport(
        _ server: MailServer, scheme: String = "smtp", login: String = "", query: String = "?tls=none",
        change: (inout CurlMailSettings) -> Void = { _ in }
    ) throws -> CurlMail {
        var settings = try CurlMailSettings(
            url: Secret("\(scheme)://\(login)localhost:\(server.port)\(query)"), sender: "earshot@example.org")
        settings.timeout = .seconds(20)
        change(&settings)
        return CurlMail(settings)
    }

    @Test("what is sent arrives as it was, a line with a full stop too")
    func arrives() async throws {
        let folder = try TemporaryFolder()
        let server = try await MailServer(in: folder)
        try await transport(server).send(mail(to: "ann@example.org"))
        let got = try #require(server.mails.first)
        #expect(got.to == "ann@example.org" && got.id == "<nt_1@example.org>" && got.subject == "Größe")
        #expect(got.text.contains("first\r\n.\r\nlast") && got.html.contains("<p>ä</p>"))
        #expect(got.json["defects"]?.array == [] && got.json["date"]?.string == "Mon, 05 Jan 2026 00:00:00 +0000")
        #expect(got.files.map(\.name) == ["a.csv"])
    }

    @Test("a message is known to be taken before the server has said goodbye")
    func goodbye() async throws {
        let server = try RawServer { connection in
            connection.write("220 here\r\n")
            while let line = connection.readLine() {
                switch line.prefix(4) {
                case "DATA":
                    connection.write("354 go on\r\n")
                    while let line = connection.readLine(), line != "." {}
                    connection.write("250 taken\r\n")
                // It never answers to that.
                case "QUIT": connection.waitForEnd()
                default: connection.write("250 ok\r\n")
                }
            }
        }
        defer { server.close() }
        var settings = try CurlMailSettings(
            url: Secret("smtp://localhost:\(server.port)?tls=none"), sender: "earshot@example.org")
        settings.timeout = .seconds(60)
        let began = ContinuousClock.now
        try await CurlMail(settings).send(mail(to: "ann@example.org"))
        #expect(ContinuousClock.now - began < .seconds(20))
    }

    @Test("refusals for good are told from those that pass")
    func refusals() async throws {
        let folder = try TemporaryFolder()
        let server = try await MailServer(in: folder)
        let transport = try transport(server)
        await #expect {
            try await transport.send(mail(to: "nobody@example.org"))
        } throws: { ($0 as? MailError) == .refused("550 5.1.1 no such mailbox") }
        await #expect {
            try await transport.send(mail(to: "spam@example.org"))
        } throws: { ($0 as? MailError) == .refused("554 5.7.1 this looks like spam") }
        await #expect {
            try await transport.send(mail(to: "later@example.org"))
        } throws: { ($0 as? MailError) == .deferred("451 4.7.1 come again later") }
        try await transport.send(mail(to: "later@example.org"))
        #expect(server.mails.count == 1)
    }

    @Test("a server that takes the message and never answers is given up, and may be asked again")
    func silence() async throws {
        let folder = try TemporaryFolder()
        let server = try await MailServer(in: folder)
        let transport = try transport(server) { $0.timeout = .seconds(1) }
        await #expect {
            try await transport.send(mail(to: "hang@example.org"))
        } throws: { error in
            if case .unavailable? = error as? MailError { true } else { false }
        }
        #expect(server.mails.count == 1)
    }

    @Test("a task that is cancelled does not wait for a server that is silent")
    func cancellation() async throws {
        let folder = try TemporaryFolder()
        let server = try await MailServer(in: folder)
        let transport = try transport(server) { $0.timeout = .seconds(170) }
        let task = Task { try await transport.send(mail(to: "hang@example.org")) }
        try await waitUntil("the message is there") { server.mails.count == 1 }
        task.cancel()
        await #expect { try await task.value } throws: { ($0 as? MailError) == .cancelled }
    }

    @Test("who wants encryption gets it or nothing, and a login is not sent in the clear")
    func encryption() async throws {
        let folder = try TemporaryFolder()
        let plain = try await MailServer(in: folder)
        await #expect {
            try await transport(plain, query: "").send(mail(to: "ann@example.org"))
        } throws: { error in
            if case .unavailable? = error as? MailError { true } else { false }
        }
        #expect(plain.mails.isEmpty)

        let other = try TemporaryFolder()
        let server = try await MailServer(in: other, isEncrypted: true, wantsLogin: true)
        let login = "earshot:right%2Fpass%20word@"
        try await transport(server, login: login, query: "") { $0.certificateAuthorities = server.certificate }
            .send(mail(to: "ann@example.org"))
        #expect(server.mails.first?.json["encrypted"]?.bool == true)
        for (login, trusts) in [("earshot:wrong@", true), (login, false)] {
            await #expect {
                try await transport(server, login: login, query: "") {
                    if trusts { $0.certificateAuthorities = server.certificate }
                }.send(mail(to: "ann@example.org"))
            } throws: { error in
                if case .unavailable? = error as? MailError { true } else { false }
            }
        }
        #expect(server.mails.count == 1)
    }

    @Test("settings that cannot be are refused without telling the password")
    func settings() {
        for url in ["http://x", "smtp://", "smtp://u:geheim@host?tls=perhaps", "smtps://u:geheim@host?tls=none"] {
            #expect {
                _ = try CurlMailSettings(url: Secret(url), sender: nil)
            } throws: { !"\($0)".contains("geheim") }
        }
        #expect(throws: CurlMailSettingsError.self) {
            try CurlMailSettings(url: Secret("smtp://host"), sender: "a@b\r\nDATA")
        }
    }
}
