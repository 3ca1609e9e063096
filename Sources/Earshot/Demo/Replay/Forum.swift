import ByteJSON
public import Common

/// A Discourse forum's public posts, and its answers to the routes that a reader uses.
///
/// It answers as a real forum does: search gives one post a topic, at most ten pages and `null` at the end; a topic
/// gives its first twenty posts and the ids of the others.
public struct Forum: Sendable {
    /// A post as JSON, with what the routes select by.
    struct Post: Sendable {
        var id: Int
        var topic: Int
        var number: Int
        var createdAt: Timestamp
        var json: [UInt8]
        var text: String
        var username: String
    }
    struct Topic: Sendable {
        var id: Int
        var title: String
        var createdAt: Timestamp
        /// Indexes of its posts, by number.
        var posts: [Int]
    }

    /// By id, ascending.
    let posts: [Post]
    let topics: [Int: Topic]

    init(posts unsorted: [Post], titles: [Int: String]) {
        posts = unsorted.sorted { $0.id < $1.id }
        var topics: [Int: Topic] = [:]
        for (index, post) in posts.enumerated() {
            topics[
                post.topic,
                default: Topic(
                    id: post.topic, title: titles[post.topic] ?? "Topic \(post.topic)", createdAt: post.createdAt,
                    posts: [])
            ].posts.append(index)
        }
        let all = posts
        for id in topics.keys { topics[id]?.posts.sort { all[$0].number < all[$1].number } }
        self.topics = topics
    }

    /// The forum of the invented product as it is before the late posts, the changes and the deletions.
    ///
    /// - Parameter end: When its last post is said; all others as much earlier as they are in the world. nil leaves the
    ///   world's own times.
    public init(of world: World, endingAt end: Timestamp? = nil) {
        var titles: [Int: String] = [:]
        var posts: [Post] = []
        let items = world.items.filter { $0.channel == .forum && !$0.isLate }
        let last = items.map(\.time).max()
        let shift = last.flatMap { last in end.map { $0.milliseconds - last.milliseconds } } ?? 0
        for var item in items {
            item.time = Timestamp(milliseconds: item.time.milliseconds + shift)
            if titles[item.thread] == nil { titles[item.thread] = item.title }
            var w = JSONWriter()
            ForumShape.post(item, edited: false, to: &w)
            posts.append(
                Post(
                    id: item.externalID, topic: item.thread, number: item.position, createdAt: item.time,
                    json: w.bytes, text: item.text, username: item.author.handle))
        }
        self.init(posts: posts, titles: titles)
    }

    public var postCount: Int { posts.count }

    /// How many posts were said from this time on.
    public func postCount(since time: Timestamp) -> Int { posts.lazy.filter { $0.createdAt >= time }.count }

    // MARK: - answers

    /// `/posts.json?before=`: newest id first, fifty a page, `before` exclusive.
    func latest(before: Int?) -> [UInt8] {
        var w = JSONWriter()
        w.beginObject()
        w.key("latest_posts")
        w.beginArray()
        let end = before.map { bound in posts.partitioningIndex { $0.id >= bound } } ?? posts.count
        for index in (max(0, end - 50)..<end).reversed() { w.raw(posts[index].json) }
        w.endArray()
        w.endObject()
        return w.bytes
    }

    /// `/t/{id}.json`; nil if there is no such topic.
    func topic(_ id: Int) -> [UInt8]? {
        guard let topic = topics[id] else { return nil }
        var w = JSONWriter()
        w.beginObject()
        w.key("post_stream")
        w.beginObject()
        w.key("posts")
        w.beginArray()
        for index in topic.posts.prefix(20) { w.raw(posts[index].json) }
        w.endArray()
        w.key("stream")
        w.beginArray()
        for index in topic.posts { w.integer(posts[index].id) }
        w.endArray()
        w.endObject()
        w.member("id", topic.id)
        w.member("title", topic.title)
        w.member("fancy_title", topic.title)
        w.member("posts_count", topic.posts.count)
        w.member("created_at", topic.createdAt.description)
        w.member("slug", "topic-\(topic.id)")
        w.member("category_id", 5)
        w.member("archetype", "regular")
        w.key("tags")
        w.beginArray()
        w.string("feedback")
        w.endArray()
        w.endObject()
        return w.bytes
    }

    /// `/t/{id}/posts.json?post_ids[]=`.
    func posts(of topic: Int, ids: Set<Int>) -> [UInt8]? {
        guard let topic = topics[topic] else { return nil }
        var w = JSONWriter()
        w.beginObject()
        w.key("post_stream")
        w.beginObject()
        w.key("posts")
        w.beginArray()
        for index in topic.posts where ids.contains(posts[index].id) { w.raw(posts[index].json) }
        w.endArray()
        w.endObject()
        w.member("id", topic.id)
        w.endObject()
        return w.bytes
    }

    func post(_ id: Int) -> [UInt8]? {
        let index = posts.partitioningIndex { $0.id >= id }
        return index < posts.count && posts[index].id == id ? posts[index].json : nil
    }

    /// `/search.json`: one post a topic, the latest that matches, newest first; nil past the tenth page.
    func search(_ query: String, page: Int) -> [UInt8]? {
        guard page <= 10 else { return nil }
        var after: Timestamp?
        var before: Timestamp?
        for word in query.split(separator: " ") {
            if word.hasPrefix("after:") { after = Timestamp(word.dropFirst(6)) }
            if word.hasPrefix("before:") { before = Timestamp(word.dropFirst(7)) }
        }
        func matches(_ post: Post) -> Bool {
            if let after, post.createdAt <= after { return false }
            if let before, post.createdAt >= before { return false }
            return true
        }
        let hits = topics.values.compactMap { topic in topic.posts.last { matches(posts[$0]) } }
            .sorted { (posts[$0].createdAt, posts[$0].id) > (posts[$1].createdAt, posts[$1].id) }
        let shown = hits.dropFirst((max(1, page) - 1) * 50).prefix(50)
        let more = hits.count > max(1, page) * 50
        var w = JSONWriter()
        w.beginObject()
        w.key("posts")
        w.beginArray()
        for index in shown {
            let post = posts[index]
            w.beginObject()
            w.member("id", post.id)
            w.member("username", post.username)
            w.member("created_at", post.createdAt.description)
            w.member("blurb", String(post.text.prefix(180)))
            w.member("post_number", post.number)
            w.member("topic_id", post.topic)
            w.endObject()
        }
        w.endArray()
        w.key("topics")
        w.beginArray()
        for index in shown {
            guard let topic = topics[posts[index].topic] else { continue }
            w.beginObject()
            w.member("id", topic.id)
            w.member("title", topic.title)
            w.member("slug", "topic-\(topic.id)")
            w.member("posts_count", topic.posts.count)
            w.member("created_at", topic.createdAt.description)
            w.member("category_id", 5)
            w.endObject()
        }
        w.endArray()
        w.key("grouped_search_result")
        w.beginObject()
        w.key("more_full_page_results")
        if more { w.bool(true) } else { w.null() }
        w.member("term", query)
        w.key("error")
        w.null()
        w.endObject()
        w.endObject()
        return w.bytes
    }
}

extension Array {
    /// The first index whose element is in the second half, by binary search.
    func partitioningIndex(_ belongsInSecondHalf: (Element) -> Bool) -> Int {
        var low = 0
        var high = count
        while low < high {
            let middle = (low + high) / 2
            if belongsInSecondHalf(self[middle]) { high = middle } else { low = middle + 1 }
        }
        return low
    }
}
