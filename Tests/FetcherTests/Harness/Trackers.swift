import Common
import Foundation

/// An issue tracker as GitHub has it: sorted by the time of the last change, `since` inclusive, pages by `Link`.
struct Tracker: Sendable {
    struct Issue: Sendable {
        var id: Int
        var updatedAt: Timestamp
        var body: String
        var isPull = false
        var isMalformed = false

        var json: String {
            let time = String(updatedAt.description.prefix(19)) + "Z"
            let id = isMalformed ? "" : "\"id\":\(id),"
            let pull = isPull ? ",\"pull_request\":{}" : ""
            return
                "{\(id)\"number\":\(self.id),\"title\":\"t\",\"body\":\"\(body)\",\"updated_at\":\"\(time)\",\"repository_url\":\"https://api.github.example/repos/Acme/App\"\(pull)}"
        }
    }

    var issues: [Issue] = []
    var pageSize = 100
    /// Called with the number of each request, before it is answered.
    var calls = 0

    /// Adds an issue, or edits the one that has this id.
    mutating func put(_ id: Int, at time: Timestamp, _ body: String = "b") {
        issues.removeAll { $0.id == id }
        issues.append(Issue(id: id, updatedAt: time, body: body))
    }

    /// The page that a call asks for.
    func page(_ call: Provider.Call, url: String) -> Provider.Reply {
        guard call.path == "/repos/acme/app/issues" else { return .json("[]") }
        let since = call["since"].flatMap { Timestamp($0) } ?? Timestamp(milliseconds: 0)
        let number = call["page"].flatMap { Int($0) } ?? 1
        let found = issues.filter { $0.updatedAt >= since }.sorted { ($0.updatedAt, $0.id) < ($1.updatedAt, $1.id) }
        let start = min(found.count, (number - 1) * pageSize)
        let end = min(found.count, start + pageSize)
        var reply = Provider.Reply.json("[" + found[start..<end].map(\.json).joined(separator: ",") + "]")
        if end < found.count {
            var next = url + call.path + "?page=\(number + 1)"
            if let since = call["since"] { next += "&since=\(since)" }
            reply.headers["Link"] = "<\(next)>; rel=\"next\", <\(url)/last>; rel=\"last\""
        }
        return reply
    }
}

/// A forum as Discourse has it.
struct Board: Sendable {
    struct Post: Sendable {
        var id: Int
        var topic: Int
        var createdAt: Timestamp
        var raw: String

        var json: String {
            "{\"id\":\(id),\"topic_id\":\(topic),\"post_number\":\(id),\"created_at\":\"\(createdAt)\",\"updated_at\":\"\(createdAt)\",\"raw\":\"\(raw)\"}"
        }
    }

    var posts: [Post] = []
    /// Older servers send the post `before` again.
    var isInclusive = false
    /// Older servers answer page 11 with page 1 again; newer ones refuse it.
    var loopsAtPageEleven = false
    var pageSize = 50

    func latest(_ call: Provider.Call) -> Provider.Reply {
        let before = call["before"].flatMap { Int($0) }
        let found = posts.sorted { $0.id > $1.id }.filter { post in
            before.map { isInclusive ? post.id <= $0 : post.id < $0 } ?? true
        }
        return .json("{\"latest_posts\":[" + found.prefix(pageSize).map(\.json).joined(separator: ",") + "]}")
    }

    func search(_ call: Provider.Call) -> Provider.Reply {
        let words = (call["q"] ?? "").split(separator: " ")
        func day(_ prefix: String) -> Timestamp? {
            words.first { $0.hasPrefix(prefix) }.flatMap { Timestamp($0.dropFirst(prefix.count)) }
        }
        let after = day("after:") ?? Timestamp(milliseconds: 0)
        let before = day("before:") ?? Timestamp(milliseconds: .max)
        var newest: [Int: Post] = [:]
        for post in posts where post.createdAt > after && post.createdAt < before {
            if newest[post.topic].map({ $0.id < post.id }) ?? true { newest[post.topic] = post }
        }
        let found = newest.values.sorted { $0.id > $1.id }
        var page = call["page"].flatMap { Int($0) } ?? 1
        if page > 10 {
            guard loopsAtPageEleven else {
                return Provider.Reply(status: 400, body: #"{"errors":["page"],"error_type":"invalid_parameters"}"#)
            }
            page = 1
        }
        let start = min(found.count, (page - 1) * pageSize)
        let end = min(found.count, start + pageSize)
        let more = end < found.count ? "true" : "null"
        let items = found[start..<end].map {
            "{\"id\":\($0.id),\"topic_id\":\($0.topic),\"created_at\":\"\($0.createdAt)\",\"blurb\":\"…\"}"
        }
        return .json(
            "{\"posts\":[\(items.joined(separator: ","))],\"grouped_search_result\":{\"more_full_page_results\":\(more)}}"
        )
    }

    func topic(_ id: Int) -> Provider.Reply {
        let found = posts.filter { $0.topic == id }.sorted { $0.id < $1.id }
        guard !found.isEmpty else {
            return Provider.Reply(status: 404, body: #"{"errors":["gone"],"error_type":"not_found"}"#)
        }
        return .json(
            "{\"id\":\(id),\"title\":\"Topic \(id)\",\"archetype\":\"regular\",\"tags\":[\"feedback\"],\"post_stream\":{\"posts\":[\(found.prefix(20).map(\.json).joined(separator: ","))],\"stream\":[\(found.map { String($0.id) }.joined(separator: ","))]}}"
        )
    }

    func posts(_ ids: [Int]) -> Provider.Reply {
        let found = posts.filter { ids.contains($0.id) }
        return .json("{\"post_stream\":{\"posts\":[\(found.map(\.json).joined(separator: ","))]}}")
    }

    func answer(_ call: Provider.Call) -> Provider.Reply {
        if call.path == "/posts.json" { return latest(call) }
        if call.path == "/search.json" { return search(call) }
        let parts = call.path.split(separator: "/")
        guard parts.count >= 2, parts[0] == "t", let id = Int(parts[1].prefix { $0 != "." }) else {
            return Provider.Reply(status: 404)
        }
        return parts.count == 3 ? posts(call.all("post_ids[]").compactMap { Int($0) }) : topic(id)
    }
}
