import ByteJSON
public import Common
import Compression
import Foundation

/// Recorded feedback of real customers, in files of a folder: what is played instead of the invented world.
///
/// JSON Lines in gzip, in parts whose names sort: `discourse_*.jsonl.gz` (`{"topic":{…},"post":{…}}`),
/// `github_*.jsonl.gz` (issues as the REST interface gives them), `steam_*.jsonl.gz` (game reviews). Other files are
/// left alone.
public struct Corpus: Sendable {
    public let forum: Forum
    /// Issues as the tracker would push them.
    public let issues: [Delivery]
    /// Reviews, one JSON object a line.
    public let reviews: [UInt8]
    public let reviewCount: Int
    /// Pull requests among the issues: not feedback.
    public let pullRequestCount: Int
    /// The time of the first and the last item.
    public let span: ClosedRange<Timestamp>

    public static let repository = "rust-lang/rust"

    /// - Throws: ``PlayError`` if the folder holds no corpus, or a file that cannot be read.
    public init(folder: String) throws {
        let names: [String]
        do {
            names = try FileManager.default.contentsOfDirectory(atPath: folder).filter { $0.hasSuffix(".jsonl.gz") }
                .sorted()
        } catch {
            throw PlayError(what: "cannot read the folder \(folder): \(error.localizedDescription)")
        }
        var reader = CorpusReader()
        for name in names {
            guard let file = FileManager.default.contents(atPath: folder + "/" + name) else {
                throw PlayError(what: "cannot read \(folder)/\(name)")
            }
            try reader.read(file, named: name)
        }
        guard let first = reader.first, let last = reader.last else {
            throw PlayError(
                what:
                    "no recorded feedback in \(folder); it takes discourse_*.jsonl.gz, github_*.jsonl.gz and steam_*.jsonl.gz"
            )
        }
        forum = Forum(posts: reader.posts, titles: reader.titles)
        issues = reader.issues
        reviews = reader.reviews
        reviewCount = reader.reviewCount
        pullRequestCount = reader.pullRequestCount
        span = first...last
    }

    /// How many items there are, whatever becomes of them.
    public var count: Int { forum.postCount + issues.count + reviewCount }
}

/// Reads the parts of a corpus, one record after another.
private struct CorpusReader {
    var posts: [Forum.Post] = []
    var titles: [Int: String] = [:]
    var issues: [Delivery] = []
    var reviews: [UInt8] = []
    var reviewCount = 0
    var pullRequestCount = 0
    var first: Timestamp?
    var last: Timestamp?

    mutating func read(_ file: Data, named name: String) throws {
        let text: [UInt8]
        do {
            text = try Inflater.inflate(Array(file), as: .gzip, limits: InflateLimits(maximumBytes: 1 << 30))
        } catch {
            throw PlayError(what: "\(name) is no whole gzip file: \(error)")
        }
        for (number, line) in text.split(separator: 0x0A).enumerated() {
            do {
                try take(Array(line), from: name)
            } catch {
                throw PlayError(what: "\(name), line \(number + 1): \(error)")
            }
        }
    }

    private mutating func take(_ line: [UInt8], from name: String) throws {
        if name.hasPrefix("steam_") {
            reviews += line + [0x0A]
            reviewCount += 1
            if let seconds = try JSONDocument(parsing: line).root["timestamp_created"]?.int64 {
                see(Timestamp(seconds: seconds))
            }
        } else if name.hasPrefix("github_") {
            let issue = try JSONDocument(parsing: line).root
            if issue["pull_request"] != nil { pullRequestCount += 1 }
            if let time = issue["created_at"]?.string.flatMap({ Timestamp($0) }) { see(time) }
            let number = issue["id"]?.int64 ?? Int64(issues.count)
            issues.append(
                Delivery(
                    body: Array(#"{"action":"opened","issue":"#.utf8) + line
                        + Array(#","repository":{"full_name":"\#(Corpus.repository)","private":false}}"#.utf8),
                    headers: [
                        ("Content-Type", "application/json"), ("X-GitHub-Event", "issues"),
                        ("X-GitHub-Delivery", "recorded-\(number)"),
                    ]))
        } else if name.hasPrefix("discourse_") {
            let record = try JSONDocument(parsing: line).root
            guard let post = record["post"], let id = post["id"]?.int64, let topic = post["topic_id"]?.int64,
                let time = post["created_at"]?.string.flatMap({ Timestamp($0) })
            else { throw PlayError(what: "no post with id, topic_id and created_at") }
            see(time)
            titles[Int(topic)] = record["topic"]?["title"]?.string
            posts.append(
                Forum.Post(
                    id: Int(id), topic: Int(topic), number: Int(post["post_number"]?.int64 ?? 1), createdAt: time,
                    json: Array(post.raw), text: post["cooked"]?.string ?? "", username: post["username"]?.string ?? "")
            )
        }
    }

    private mutating func see(_ time: Timestamp) {
        first = min(first ?? time, time)
        last = max(last ?? time, time)
    }
}
