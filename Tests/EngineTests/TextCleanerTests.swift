import Engines
import TestKit
import Testing

@Suite struct TextCleanerTests {
    private func clean(_ text: String, _ format: TextFormat) -> (text: String, quotes: [String], code: [String]) {
        let clean = TextCleaner.clean(Array(text.utf8), format: format)
        return (
            String(decoding: clean.text, as: UTF8.self), clean.quotes.map { String(decoding: $0, as: UTF8.self) },
            clean.code.map { String(decoding: $0, as: UTF8.self) }
        )
    }

    @Test(arguments: [
        ("<p>Hello &amp; <b>wel</b>come&nbsp;!</p>", "Hello & welcome !"),
        ("one<br>two<br/>three", "one\ntwo\nthree"), ("<ul><li>a</li><li>b</li></ul>", "a\nb"),
        ("<a href='https://example.org?a=1&b=2'>the link</a>", "the link"),
        ("x <img src='a.png' alt='a cat'> y <img class=\"emoji\" alt=\":heart:\">", "x y ❤"),
        ("<script>if (a < b) alert('x')</script>text<style>p{}</style>", "text"), ("<!-- <p>no</p> -->yes", "yes"),
        ("5 < 6 and 7 > 3, I <3 it", "5 < 6 and 7 > 3, I <3 it"),
        ("&#128512; &#x41; &eacute; &bogus; &", "😀 A é &bogus; &"),
        ("<p>unclosed <b>bold", "unclosed bold"), ("<div title='a > b'>in</div>", "in"), ("a <b", "a <b"),
        ("line\nbreak", "line break"), ("&lt;b&gt;", "<b>"), ("<td>a</td><td>b</td>", "a b"),
    ])
    func htmlIsCleaned(source: String, expected: String) {
        #expect(clean(source, .html).text == expected)
    }

    @Test func htmlQuotationsAndCodeAreSetApart() {
        let forum = clean(
            """
            <aside class="quote no-group" data-username="ann"><div class="title">ann:</div><blockquote><p>It is fine.</p>
            </blockquote></aside><p>I disagree.</p><pre><code class="lang-swift">let a = 1
              print(a &lt; 2)
            </code></pre><p>See above.</p>
            """, .html)
        #expect(forum.text == "I disagree.\n\nSee above.")
        #expect(forum.quotes == ["ann:\n\nIt is fine."])
        #expect(forum.code == ["let a = 1\n  print(a < 2)"])
        let nested = clean("<blockquote>a<blockquote>b</blockquote>c</blockquote>mine", .html)
        #expect(nested.text == "mine")
        #expect(nested.quotes == ["a\nb\nc"])
        let mail = clean(
            "<div>New</div><div class=\"gmail_quote\"><div>Old <div>deep</div></div></div><div>End</div>", .html)
        #expect(mail.text == "New\nEnd")
        #expect(mail.quotes == ["Old\ndeep"])
    }

    @Test(arguments: [
        ("# Title\n\nSome **bold** and _italic_ ~~gone~~", "Title\n\nSome bold and italic gone"),
        ("snake_case_name and 2*3*4", "snake_case_name and 2*3*4"),
        ("[text](https://example.org/a_(b)) and ![picture](x.png)", "text and"), ("[bug] it [x](", "[bug] it [x]("),
        ("- one\n- [x] two\n1. three", "one\ntwo\nthree"), ("run `make test` now", "run make test now"),
        ("<https://example.org> <b>x</b>", "https://example.org x"), ("\\*not bold\\*", "*not bold*"),
        ("a\n---\nb", "a\nb"), ("| a | b |\n|---|---|\n| 1 | 2 |", "a b\n1 2"), (":tada: :unknown:", "🎉 :unknown:"),
        ("https://example.org/a_b_c", "https://example.org/a_b_c"), ("text[^1] [a][b]", "text[^1] a"),
        ("<!-- fill in\nthe form -->\nDone", "Done"), ("5 * 4 = 20", "5 * 4 = 20"), ("#hashtag", "#hashtag"),
    ])
    func markdownIsCleaned(source: String, expected: String) {
        #expect(clean(source, .markdown).text == expected)
    }

    @Test func markdownQuotationsAndCodeAreSetApart() {
        let issue = clean(
            "> you said\n> that\n\nNo.\n\n```swift\nlet a = 1\n  b()\n```\nBye\n\n    indented()\n\nEnd", .markdown)
        #expect(issue.text == "No.\nBye\nEnd")
        #expect(issue.quotes == ["you said\nthat"])
        #expect(issue.code == ["let a = 1\n  b()", "    indented()"])
        let reply = clean("On Mon, Ann wrote:\n\n> old\n\nnew", .markdown)
        #expect(reply.text == "new")
        #expect(reply.quotes.count == 1)
    }

    @Test(arguments: [
        ("[b]bold[/b] [i]it[/i] [color=red]red[/color]", "bold it red"), ("[url=https://a.b]link[/url]", "link"),
        ("[img]https://a.b/c.png[/img]done", "done"), ("[list][*]a[*]b[/list]", "a\nb"),
        ("[1] see [sic] [/notatag]", "[1] see [sic] [/notatag]"), ("[quote]never closed", "never closed"), ("[b", "[b"),
    ])
    func bbcodeIsCleaned(source: String, expected: String) {
        #expect(clean(source, .bbcode).text == expected)
    }

    @Test func bbcodeQuotationsAndCodeAreSetApart() {
        let post = clean(
            "[quote=\"ann, post:1\"]old [b]words[/b][/quote]mine [code]x[0] = [b]1[/b][/code] end", .bbcode)
        #expect(post.text == "mine\nend")
        #expect(post.quotes == ["old words"])
        #expect(post.code == ["x[0] = [b]1[/b]"])
    }

    @Test func mailQuotationsAreSetApart() {
        let below = clean(
            "Thanks!\n\nOn Mon, 3 Jun 2024, Ann <ann@example.org> wrote:\n> It is fixed.\n> Try it.\n\nStill broken.",
            .plain)
        #expect(below.text == "Thanks!\nStill broken.")
        #expect(below.quotes == ["On Mon, 3 Jun 2024, Ann <ann@example.org> wrote:\nIt is fixed.\nTry it."])
        let original = clean("See below\n-----Original Message-----\nFrom: Ann\nHello", .plain)
        #expect(original.text == "See below")
        #expect(original.quotes == ["From: Ann\nHello"])
    }

    @Test func plainTextKeepsItsSigns() {
        let text = "a < b && *c* [d] \u{201C}e\u{201D} 😀\nnext"
        #expect(clean(text, .plain).text == text)
    }

    @Test func bytesThatAreNotTextAreReplaced() {
        #expect(TextCleaner.clean([0x61, 0xFF, 0x62, 0x00, 0x63], format: .plain).text == Array("a\u{FFFD}bc".utf8))
    }

    /// Size is no excuse: twice the input may not take much more than twice the time; here, that it ends.
    @Test(arguments: TextFormat.allCases)
    func hostileInputEnds(format: TextFormat) {
        let pieces = [
            "<", "<a ", "<a \"", "<a '\"<b '", "[", "](", "[a](", "` `` ", "[quote]", "<div>", "<blockquote>", "&",
            "[b=",
            "<!--", "> ", "*_~ ", "[code]", "<script></scrip", "[img]a", "<aside class='quote'>", "On x wrote:\n",
            "\n> a\n",
            "![", "```\n", "    a\n", "\u{0}",
        ]
        for piece in pieces {
            let source = String(repeating: piece, count: 100_000 / piece.utf8.count)
            let result = TextCleaner.clean(Array(source.utf8), format: format)
            #expect(
                result.text.count + result.quotes.joined().count + result.code.joined().count <= source.utf8.count * 3)
        }
    }

    @Test(arguments: TextFormat.allCases)
    func anyMixtureGivesCleanText(format: TextFormat) {
        let pieces = [
            "word ", "<p>", "</p>", "<blockquote>", "</blockquote>", "<pre>", "</pre>", "<b", ">", "\"", "'", "&amp;",
            "&#", "\n",
            "\n\n", "> ", "```", "`", "[quote]", "[/quote]", "[code]", "[/code]", "[url=x]", "](", ")", "[", "!", "**",
            "_", "    ",
            "<!--", "-->", "- ", "é", "😀", "<script>", "</script>", "On a, b wrote:\n", "|", "\\", ":smile:",
            "<aside class=quote>",
            "</aside>", "\t", "\r\n",
        ]
        var random = RandomSource(seed: 5)
        for _ in 0..<600 {
            var source: [UInt8] = []
            for _ in 0..<Int.random(in: 0..<40, using: &random) {
                source += Array(pieces.randomElement(using: &random)!.utf8)
            }
            if Bool.random(using: &random), !source.isEmpty {
                source[Int.random(in: 0..<source.count, using: &random)] = 0x9C
            }
            let result = TextCleaner.clean(source, format: format)
            for part in [result.text] + result.quotes {
                #expect(String(validating: part, as: UTF8.self) != nil)
                #expect(part.first.map { $0 > 0x20 } ?? true)
                #expect(!part.contains { $0 < 0x20 && $0 != 0x0A })
            }
            #expect(result.quotes.allSatisfy { !$0.isEmpty })
            #expect(TextCleaner.clean(source, format: format) == result)
        }
    }
}
