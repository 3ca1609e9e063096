import Common
import Foundation

/// A message as it goes to a mail server: text and HTML, perhaps with a file.
struct MailMessage: Sendable {
    struct File: Sendable {
        var name: String
        var contentType: String
        var bytes: [UInt8]
    }

    /// Without brackets: `nt_…@earshot.example.org`.
    var id: String
    var from: String
    var to: String
    var subject: String
    var date: Timestamp
    var text: String
    var html: String
    var file: File?

    /// As RFC 5322 and MIME have it; the same message is the same bytes.
    var bytes: [UInt8] {
        let boundary = "=_\(id.prefix { $0 != "@" })"
        var lines = [
            "Message-ID: <\(id)>", "Date: \(Self.date(date))", "From: Earshot <\(from)>", "To: <\(to)>",
            "Subject: \(Self.header(subject))", "Auto-Submitted: auto-generated", "MIME-Version: 1.0",
        ]
        let alternatives =
            ["Content-Type: multipart/alternative; boundary=\"\(boundary)a\"", ""]
            + Self.part("\(boundary)a", "text/plain; charset=utf-8", Array(text.utf8))
            + Self.part("\(boundary)a", "text/html; charset=utf-8", Array(html.utf8)) + ["--\(boundary)a--", ""]
        if let file {
            lines += ["Content-Type: multipart/mixed; boundary=\"\(boundary)m\"", "", "--\(boundary)m"] + alternatives
            let name = file.name.filter { $0.isASCII && ($0.isLetter || $0.isNumber || "._-".contains($0)) }
            lines += Self.part(
                "\(boundary)m", file.contentType, file.bytes,
                ["Content-Disposition: attachment; filename=\"\(name)\""])
            lines += ["--\(boundary)m--", ""]
        } else {
            lines += alternatives
        }
        return Array(lines.joined(separator: "\r\n").utf8)
    }

    private static func part(_ boundary: String, _ type: String, _ bytes: [UInt8], _ more: [String] = []) -> [String] {
        ["--\(boundary)", "Content-Type: \(type)"] + more + [
            "Content-Transfer-Encoding: base64", "",
            Data(bytes).base64EncodedString(options: [
                .lineLength76Characters, .endLineWithCarriageReturn, .endLineWithLineFeed,
            ]),
        ]
    }

    /// A text in a header: as it is where it is plain, else in encoded words of whole characters (RFC 2047). Nothing in
    /// it ends a line.
    static func header(_ text: String) -> String {
        let text = String(text.map { $0.isNewline || $0.unicodeScalars.contains { $0.value < 0x20 } ? " " : $0 })
        guard !text.utf8.allSatisfy({ $0 >= 0x20 && $0 < 0x7F }) || text.utf8.count > 60 else { return text }
        var words: [String] = [""]
        for character in text {
            if words[words.count - 1].utf8.count + character.utf8.count > 42 { words.append("") }
            words[words.count - 1].append(character)
        }
        return words.map { "=?utf-8?B?\(Data($0.utf8).base64EncodedString())?=" }.joined(separator: "\r\n ")
    }

    /// `Mon, 05 Jan 2026 12:00:00 +0000`.
    static func date(_ time: Timestamp) -> String {
        let text = time.description
        let date = CivilDate(daysSinceEpoch: Int((Double(time.milliseconds) / 86_400_000).rounded(.down)))
        let days = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"]
        let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
        let clock = text.dropFirst(11).prefix(8)
        return
            "\(days[date.weekday]), \(text.dropFirst(8).prefix(2)) \(months[date.month - 1]) \(text.prefix(4)) \(clock) +0000"
    }
}
