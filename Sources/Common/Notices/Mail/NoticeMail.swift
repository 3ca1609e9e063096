import Common

/// A notice as a mail: for a person, on a phone as well.
enum NoticeMail {
    static func text(_ content: NoticeContent, attached: Bool) -> String {
        var parts = [content.title, content.text]
        if !content.facts.isEmpty {
            parts.append(content.facts.map { "\($0.name): \($0.value)" }.joined(separator: "\r\n"))
        }
        parts += content.quotes.map { quote in
            quote.split(whereSeparator: \.isNewline).map { "> \($0)" }.joined(separator: "\r\n")
        }
        if attached { parts.append("The file is attached.") }
        if let link = content.link { parts.append("\(link.title): \(link.url)") }
        return parts.filter { !$0.isEmpty }.joined(separator: "\r\n\r\n") + "\r\n"
    }

    /// Tables and styles in place: what mail programs show.
    static func html(_ content: NoticeContent, attached: Bool) -> String {
        let facts = content.facts.map { fact in
            """
            <tr><td style="padding:6px 12px 6px 0;color:#5d6b7d;vertical-align:top">\(escaped(fact.name))</td>\
            <td style="padding:6px 0;font-weight:600;overflow-wrap:anywhere">\(escaped(fact.value))</td></tr>
            """
        }
        let quotes = content.quotes.map { quote in
            """
            <blockquote style="margin:0 0 12px;padding:2px 0 2px 12px;border-left:3px solid #dde3ea;\
            overflow-wrap:anywhere">\(escaped(quote))</blockquote>
            """
        }
        var body = [
            "<h1 style=\"margin:0 0 8px;font-size:20px;line-height:1.3;overflow-wrap:anywhere\">\(escaped(content.title))</h1>",
            "<p style=\"margin:0 0 16px\">\(escaped(content.text))</p>",
        ]
        if !facts.isEmpty {
            body.append(
                """
                <table role="presentation" cellpadding="0" cellspacing="0" style="margin:0 0 16px;font-size:14px;\
                border-collapse:collapse">\(facts.joined())</table>
                """)
        }
        body += quotes
        if let link = content.link {
            body.append(
                """
                <p style="margin:20px 0"><a href="\(escaped(link.url))" style="display:inline-block;padding:12px 20px;\
                border-radius:6px;background:#3b6ea8;color:#ffffff;font-weight:600;text-decoration:none">\
                \(escaped(link.title))</a></p>
                """)
        }
        if attached { body.append("<p style=\"margin:0 0 16px;color:#5d6b7d\">The file is attached.</p>") }
        return """
            <!doctype html>
            <html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
            <title>\(escaped(content.title))</title></head>
            <body style="margin:0;background:#f3f5f8;color:#1c2430;font:16px/1.5 system-ui,'Segoe UI',Arial,sans-serif">
            <table role="presentation" width="100%" cellpadding="0" cellspacing="0"><tr><td align="center" style="padding:16px">
            <table role="presentation" width="100%" cellpadding="0" cellspacing="0" style="max-width:600px;background:#ffffff;\
            border-radius:8px;border-top:4px solid #3b6ea8"><tr><td style="padding:24px;text-align:left">
            \(body.joined(separator: "\n"))
            </td></tr></table>
            <p style="max-width:600px;margin:12px auto;color:#5d6b7d;font-size:13px;text-align:left">\
            Sent by Earshot, because somebody of this workspace had it sent to this address.</p>
            </td></tr></table></body></html>

            """
    }

    private static func escaped(_ text: String) -> String {
        text.unicodeScalars.reduce(into: "") { text, scalar in
            switch scalar {
            case "&": text += "&amp;"
            case "<": text += "&lt;"
            case ">": text += "&gt;"
            case "\"": text += "&quot;"
            case "'": text += "&#39;"
            case "\n": text += "<br>"
            case _ where scalar.value < 0x20: text += " "
            default: text.unicodeScalars.append(scalar)
            }
        }
    }
}
