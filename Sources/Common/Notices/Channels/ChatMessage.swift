import ByteJSON

/// A notice as chats take it.
enum ChatMessage {
    /// For an incoming webhook of Slack: blocks, and a text where blocks are not shown.
    static func slack(_ content: NoticeContent) -> JSON {
        var blocks: [JSON] = [
            ["type": "header", "text": ["type": "plain_text", "text": .string(short(content.title, 150))]],
            section(mrkdwn(content.text)),
        ]
        // Ten fields are the most that a section takes.
        if !content.facts.isEmpty {
            let fields = content.facts.prefix(10).map { fact -> JSON in
                ["type": "mrkdwn", "text": .string("*\(mrkdwn(fact.name))*\n\(mrkdwn(short(fact.value, 1500)))")]
            }
            blocks.append(["type": "section", "fields": .array(fields)])
        }
        blocks += content.quotes.prefix(5).map { quote in
            section(mrkdwn(short(quote, 2000)).split(separator: "\n").map { ">\($0)" }.joined(separator: "\n"))
        }
        if let link = content.link { blocks.append(section("<\(mrkdwn(link.url))|\(mrkdwn(link.title))>")) }
        return ["text": .string(mrkdwn("\(content.title): \(content.text)")), "blocks": .array(blocks)]
    }

    /// For a workflow of Teams: an adaptive card.
    static func teams(_ content: NoticeContent) -> JSON {
        var body: [JSON] = [
            block(content.title, ["size": "Large", "weight": "Bolder"]), block(content.text),
        ]
        if !content.facts.isEmpty {
            let facts = content.facts.map { fact -> JSON in
                ["title": .string(fact.name), "value": .string(plain(fact.value))]
            }
            body.append(["type": "FactSet", "facts": .array(facts)])
        }
        body += content.quotes.prefix(5).map { block(short($0, 2000), ["isSubtle": true]) }
        var card: [String: JSON] = [
            "$schema": "http://adaptivecards.io/schemas/adaptive-card.json", "type": "AdaptiveCard", "version": "1.4",
            "body": .array(body),
        ]
        if let link = content.link {
            card["actions"] = [["type": "Action.OpenUrl", "title": .string(link.title), "url": .string(link.url)]]
        }
        return [
            "type": "message",
            "attachments": [["contentType": "application/vnd.microsoft.card.adaptive", "content": .object(card)]],
        ]
    }

    private static func section(_ text: String) -> JSON {
        ["type": "section", "text": ["type": "mrkdwn", "text": .string(short(text, 3000))]]
    }

    private static func block(_ text: String, _ more: [String: JSON] = [:]) -> JSON {
        .object(more.merging(["type": "TextBlock", "wrap": true, "text": .string(plain(text))]) { $1 })
    }

    /// A text of Slack's, in which nothing mentions anybody or links anywhere.
    private static func mrkdwn(_ text: String) -> String {
        text.replacing("&", with: "&amp;").replacing("<", with: "&lt;").replacing(">", with: "&gt;")
    }

    /// A text of a card, in which nothing links anywhere.
    private static func plain(_ text: String) -> String {
        text.replacing("[", with: "\\[").replacing("]", with: "\\]")
    }

    private static func short(_ text: String, _ length: Int) -> String {
        text.count > length ? text.prefix(length - 1) + "…" : text
    }
}
