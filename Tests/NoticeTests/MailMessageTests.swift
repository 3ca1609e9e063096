import Common
import Testing

@testable import Notices

@Suite("Mail as bytes")
struct MailMessageTests {
    @Test("a subject stays one header, whatever is in it")
    func subjects() {
        #expect(MailMessage.header("The report is ready") == "The report is ready")
        let hostile = MailMessage.header("a\r\nBcc: all@example.org")
        #expect(!hostile.contains("\n"))
        let long = MailMessage.header(String(repeating: "Grüße 👋🏽 ", count: 30))
        for line in long.split(separator: "\r\n") {
            #expect(line.utf8.count <= 76 && line.hasSuffix("?="), "\(line)")
        }
    }

    @Test("a time is written as mail has it")
    func dates() {
        #expect(MailMessage.date(Timestamp("2026-01-05T08:09:07Z")!) == "Mon, 05 Jan 2026 08:09:07 +0000")
        #expect(MailMessage.date(Timestamp("1969-12-31T23:59:59Z")!) == "Wed, 31 Dec 1969 23:59:59 +0000")
    }

    @Test("lines end as they must, and none is too long")
    func lines() {
        let message = MailMessage(
            id: "nt_a@example.org", from: "e@example.org", to: "a@example.org", subject: "s",
            date: Timestamp(seconds: 0), text: String(repeating: "x", count: 5000), html: "<p>\n</p>",
            file: .init(name: "a\"\r\n.csv", contentType: "text/csv", bytes: Array(repeating: 0, count: 1000)))
        let bytes = message.bytes
        for (index, byte) in bytes.enumerated() where byte == 0x0A { #expect(bytes[index - 1] == 0x0D) }
        let text = String(decoding: bytes, as: UTF8.self)
        #expect(text.split(separator: "\r\n").allSatisfy { $0.utf8.count <= 78 })
        #expect(text.contains("filename=\"a.csv\""))
        #expect(message.bytes == bytes)
    }
}
