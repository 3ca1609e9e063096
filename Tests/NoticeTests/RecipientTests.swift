import Common
import Testing

@testable import Notices

@Suite("Who a notice can go to")
struct RecipientTests {
    @Test("addresses and channels are read", arguments: ["ann@example.org", "a.b+c@sub.example.org", "ch_0123abc"])
    func read(text: String) throws {
        let recipient = try #require(Recipient(text))
        #expect(recipient.text == text)
    }

    @Test("the host of an address is in small letters")
    func host() { #expect(Recipient("Ann@Example.ORG")?.text == "Ann@example.org") }

    @Test(
        "nothing else is, and nothing that means something to a mail server",
        arguments: [
            "", "ann", "@example.org", "ann@", "a@b@c", "a b@example.org", "a@example.org\r\nRCPT TO:<b@example.org>",
            "a\n@example.org", "<a@example.org>", "a@example.org>", "a,b@example.org", "\"a\"@example.org",
            "a@exa_mple.org", "a@.org", "a@example.org.", "ä@example.org", "ch_ABC", "job_123",
        ])
    func refuse(text: String) { #expect(Recipient(text) == nil) }
}
