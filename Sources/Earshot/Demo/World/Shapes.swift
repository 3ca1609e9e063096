import ByteJSON
import Common

/// Items in the form of GitHub's webhook payloads.
enum RepositoryShape {
    static let name = "lanternfish/notebook"

    static func body(_ action: String, _ item: WorldItem, edited: Bool) -> [UInt8] {
        var w = JSONWriter()
        w.beginObject()
        w.member("action", action)
        w.key("issue")
        issue(item, edited: edited && item.position == 1, to: &w)
        if item.position > 1 {
            w.key("comment")
            w.beginObject()
            w.member("id", item.externalID)
            w.member("html_url", "https://github.com/\(name)/issues/\(item.thread)#issuecomment-\(item.externalID)")
            contents(item, edited: edited, to: &w)
            w.endObject()
        }
        w.key("repository")
        w.beginObject()
        w.member("id", 42)
        w.member("full_name", name)
        w.member("private", false)
        w.endObject()
        w.key("sender")
        w.beginObject()
        w.member("login", item.author.handle)
        w.endObject()
        w.endObject()
        return w.bytes
    }

    private static func issue(_ item: WorldItem, edited: Bool, to w: inout JSONWriter) {
        w.beginObject()
        w.member("number", item.thread)
        w.member("title", item.title)
        w.member("state", "open")
        if item.fate == .notFeedback {
            w.key("pull_request")
            w.beginObject()
            w.member("url", "https://api.github.com/repos/\(name)/pulls/\(item.thread)")
            w.endObject()
        }
        w.member("html_url", "https://github.com/\(name)/issues/\(item.thread)")
        if item.position == 1 {
            w.member("id", item.externalID)
            contents(item, edited: edited, to: &w)
        } else {
            w.member("id", 70_000_000 + item.thread)
            w.member("created_at", item.time.description)
            w.member("updated_at", item.time.description)
            w.member("body", "")
        }
        w.endObject()
    }

    private static func contents(_ item: WorldItem, edited: Bool, to w: inout JSONWriter) {
        let edit = edited ? item.edit : nil
        w.key("user")
        w.beginObject()
        w.member("login", item.author.handle)
        w.member("id", item.author.id)
        w.member("type", "User")
        w.endObject()
        w.member("created_at", item.time.description)
        w.member("updated_at", (edit?.time ?? item.time).description)
        w.member("author_association", "NONE")
        w.member("body", edit?.text ?? item.text)
    }
}

/// Items in the form of a Discourse forum's answers and webhook payloads.
enum ForumShape {
    /// One post as the posts routes serialise it.
    static func post(_ item: WorldItem, edited: Bool, isDeleted: Bool = false, to w: inout JSONWriter) {
        let edit = edited ? item.edit : nil
        let text = edit?.text ?? item.text
        w.beginObject()
        w.member("id", item.externalID)
        w.member("name", item.author.name)
        w.member("username", item.author.handle)
        w.member("created_at", item.time.description)
        w.member("cooked", "<p>\(text.escapedForHTML)</p>")
        w.member("raw", text)
        w.member("post_number", item.position)
        w.member("post_type", 1)
        w.member("updated_at", (edit?.time ?? item.time).description)
        w.key("reply_to_post_number")
        if item.position > 1 { w.integer(1) } else { w.null() }
        w.member("topic_id", item.thread)
        w.member("topic_slug", "topic-\(item.thread)")
        w.member("topic_title", item.title)
        w.member("category_id", 5)
        w.member("version", edit == nil ? 1 : 2)
        w.member("user_id", item.author.id)
        w.member("hidden", false)
        w.key("deleted_at")
        if isDeleted { w.string(item.time.advanced(bySeconds: 7200).description) } else { w.null() }
        w.member("user_deleted", false)
        w.endObject()
    }

    static func delivery(_ item: WorldItem, edited: Bool, isDeleted: Bool = false) -> [UInt8] {
        var w = JSONWriter()
        w.beginObject()
        w.key("post")
        var post = JSONWriter()
        Self.post(item, edited: edited, isDeleted: isDeleted, to: &post)
        // webhook posts carry the topic's archetype and category beside the post's own members
        w.raw(post.bytes.dropLast() + Array(",\"topic_archetype\":\"regular\",\"category_slug\":\"feedback\"}".utf8))
        w.endObject()
        return w.bytes
    }
}

extension String {
    var escapedForHTML: String {
        reduce(into: "") { text, character in
            switch character {
            case "<": text += "&lt;"
            case ">": text += "&gt;"
            case "&": text += "&amp;"
            default: text.append(character)
            }
        }
    }
}
