import Common
import Engines
import Testing

@Suite struct PersonalDataTests {
    private func masked(_ text: String) -> String {
        var texts = [AnnotatedText(text: Array(text.utf8))]
        PersonalDataEngine().annotate(&texts)
        return String(decoding: PersonalData.mask(texts[0].text, spans: texts[0].personalData), as: UTF8.self)
    }

    @Test(arguments: [
        ("Mail me: anna.b+x@mail.example.org.", "Mail me: <email>."),
        ("Ring +49 (0)30 1234-5678 please", "Ring <phone> please"), ("call 415-555-2671", "call <phone>"),
        ("my phone is 4155552671", "my phone is <phone>"), ("01 23 45 67 89", "<phone>"),
        ("(415) 555-2671!", "<phone>!"),
        ("card 4111 1111 1111 1111 declined", "card <card> declined"), ("5500-0000-0000-0004", "<card>"),
        ("IBAN DE89 3704 0044 0532 0130 00, thanks", "IBAN <iban>, thanks"), ("GB82WEST12345698765432", "<iban>"),
        ("from 203.0.113.77 since", "from <ip> since"), ("router 192.168.1.1", "router <ip>"),
        ("at 2001:db8:85a3::8a2e:370:7334", "at <ip>"), ("a@b.io c@d.io", "<email> <email>"),
        ("é@ü x@example.com ü", "é@ü <email> ü"),
    ])
    func isFound(text: String, expected: String) {
        #expect(masked(text) == expected)
    }

    @Test(arguments: [
        "version 4.2.1.0", "v10.15.7.1", "on 2024-01-15 at 12:30:45", "01.02.2024", "issue #123456789",
        "order 123456789012",
        "4111 1111 1111 1112", "$1,234,567.89", "1700000000000", "icon@2x.png", "@someone said",
        "git@github.com:a/b.git",
        "DE89 3704 0044 0532 0130 01", "100000000 downloads", "std::vector<int>", "12:34:56", "5 stars 10/10 100%",
        "Android 13 build 33.0.1.2", "2021-02-03 04:05:06.789", "npm i pkg@1.2.3", "bind 127.0.0.1", "3.14159265358979",
    ])
    func isNoPersonalData(text: String) {
        #expect(masked(text) == text)
    }

    @Test func masksKeepToTheText() {
        let text = Array("abcdef".utf8)
        let spans = [
            PersonalDataSpan(kind: .ip, range: 2..<4), PersonalDataSpan(kind: .email, range: 3..<5),
            PersonalDataSpan(kind: .card, range: 5..<9),
        ]
        #expect(String(decoding: PersonalData.mask(text, spans: spans), as: UTF8.self) == "ab<ip>ef")
    }
}
