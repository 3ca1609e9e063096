import ArgumentParser
import ByteJSON
import Demo
import Foundation

/// The JSON scanner beside a copy of the same bytes and Foundation's decoder.
struct JSONBenchmark: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "json", abstract: "Scan and read posts of 1.5 KB: ours, a copy of the bytes, Foundation's decoder."
    )

    @Option(help: "How often each way is timed.") var repetitions = 9

    func run() async throws {
        let posts = Self.posts(2000)
        let bytes = posts.reduce(0) { $0 + $1.count }
        let encoded = posts.map { Data($0) }
        let decoder = JSONDecoder()
        var room = [UInt8](repeating: 0, count: posts.map(\.count).max() ?? 0)
        var sink = 0
        let ways: [(name: String, run: () throws -> Void)] = [
            (
                "copy of the bytes",
                {
                    for post in posts { room.withUnsafeMutableBytes { $0.copyBytes(from: post) } }
                    sink &+= Int(room[0])
                }
            ),
            (
                "ours: validate and index",
                {
                    for post in posts { sink &+= try JSONDocument(parsing: post).root.count }
                }
            ),
            (
                "ours: and read 10 fields",
                {
                    for post in posts { sink &+= Self.read(try JSONDocument(parsing: post).root) }
                }
            ),
            (
                "JSONDecoder, 10 fields",
                {
                    for post in encoded { sink &+= try decoder.decode(Post.self, from: post).id }
                }
            ),
            (
                "JSONSerialization",
                {
                    for post in encoded {
                        sink &+= (try JSONSerialization.jsonObject(with: post) as? [String: Any])?.count ?? 0
                    }
                }
            ),
        ]
        // In turns, so that what else the machine does falls on all alike.
        var seconds = [[Double]](repeating: [], count: ways.count)
        for _ in 0..<repetitions {
            for (index, way) in ways.enumerated() {
                let begun = ContinuousClock.now
                try way.run()
                seconds[index].append((ContinuousClock.now - begun).inSeconds)
            }
        }
        let medians = seconds.map { median($0) / Double(posts.count) }
        print(
            "\(posts.count) posts of \(bytes / posts.count) bytes, one thread, median of \(repetitions) (\(sink & 1))")
        var table = Table("way", "µs a post", "posts a second", "MB/s", "times JSONDecoder")
        for (way, median) in zip(ways, medians) {
            table.add(
                way.name, fixed(median * 1e6, 2), grouped(1 / median),
                grouped(Double(bytes / posts.count) / median / 1e6), fixed(medians[3] / median, 1))
        }
        table.show()
    }

    private struct Post: Decodable {
        var id, topic_id, post_number, reads: Int
        var username, raw, cooked, created_at: String
        var score: Double
        var hidden: Bool
    }

    private static func read(_ post: JSONValue) -> Int {
        var sum = Int(post["id"]?.int64 ?? 0) &+ Int(post["topic_id"]?.int64 ?? 0)
        sum &+= Int(post["post_number"]?.int64 ?? 0) &+ Int(post["reads"]?.int64 ?? 0)
        for name in ["username", "raw", "cooked", "created_at"] { sum &+= post[name]?.string?.utf8.count ?? 0 }
        sum &+= Int(post["score"]?.double ?? 0)
        return post["hidden"]?.bool == true ? sum : sum &+ 1
    }

    /// Posts as a forum writes them: many small members, two texts, escapes, now and then other scripts.
    private static func posts(_ count: Int) -> [[UInt8]] {
        let texts = World.generate(items: 4000).items.map(\.text).filter { $0.utf8.count > 40 }
        return (0..<count).map { number in
            let text = (0..<4).map { texts[(number * 4 + $0) % texts.count] }.joined(separator: "\n\n")
            let raw = String(text.prefix(420))
            var w = JSONWriter(reservingCapacity: 2048)
            w.beginObject()
            w.member("id", 100_000 + number)
            w.member("name", "Person \(number % 97)")
            w.member("username", "person_\(number % 97)")
            w.member("avatar_template", "/user_avatar/forum.example.org/person_\(number % 97)/{size}/\(number)_2.png")
            w.member("created_at", "2021-0\(number % 9 + 1)-1\(number % 10)T10:11:12.345Z")
            w.member("cooked", "<p>" + raw.split(separator: "\n\n").joined(separator: "</p>\n\n<p>") + "</p>")
            w.member("post_number", number % 40 + 1)
            w.member("post_type", 1)
            w.member("updated_at", "2021-0\(number % 9 + 1)-1\(number % 10)T10:12:13.456Z")
            for name in ["reply_count", "quote_count", "incoming_link_count", "reads", "readers_count", "trust_level"] {
                w.member(name, (number * 31 + name.utf8.count) % 500)
            }
            w.member("score", Double(number % 1000) / 5)
            for name in ["yours", "can_edit", "can_delete", "moderator", "admin", "staff", "hidden", "wiki"] {
                w.member(name, number % 7 == 0 && name == "wiki")
            }
            for name in ["reply_to_post_number", "user_title", "primary_group_name", "flair_name"] {
                w.key(name)
                w.null()
            }
            w.member("topic_id", number / 40 + 1)
            w.member("topic_slug", "what-people-say-about-release-\(number % 12)")
            w.key("actions_summary")
            w.beginArray()
            w.beginObject()
            w.member("id", 2)
            w.member("count", number % 5)
            w.endObject()
            w.endArray()
            w.member("raw", raw)
            w.endObject()
            return w.bytes
        }
    }
}
