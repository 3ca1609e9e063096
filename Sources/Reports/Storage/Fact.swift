import Common

/// What is counted of one piece of feedback: a row of `fact`. Words are numbers, 0 is none.
struct Fact: Hashable, Sendable {
    var workspace: Int64
    var timestamp: Int64
    var feedback: Digest128
    var origin: Int64
    var language: Int64
    var sentiment: Sentiment
    var intent: Int64
    var topics: [Int64]
    /// Thousandths of the score.
    var score: Int64
    /// Thousandths of the rating on a scale from 1 to 5; 0 is no rating.
    var rating: Int64
    var version: Int64
    var platform: Int64
    var country: Int64
    /// A number for the person; 0 is nobody known.
    var author: Int64
    /// A cross-post of another one, which is counted in its place.
    var isMerged: Bool

    static let columns = (key.columns + counted).joined(separator: ", ")

    static let key = BulkKey("fact", "workspace", "timestamp", "feedback")
    /// The columns that are not of the key.
    fileprivate static let counted = [
        "origin", "language", "sentiment", "intent", "topics", "score", "rating", "version", "platform", "country",
        "author", "merged",
    ]

    init(
        workspace: Int64, timestamp: Int64, feedback: Digest128, origin: Int64, language: Int64, sentiment: Sentiment,
        intent: Int64, topics: [Int64], score: Int64, rating: Int64, version: Int64, platform: Int64, country: Int64,
        author: Int64, isMerged: Bool
    ) {
        self.workspace = workspace
        self.timestamp = timestamp
        self.feedback = feedback
        self.origin = origin
        self.language = language
        self.sentiment = sentiment
        self.intent = intent
        self.topics = topics
        self.score = score
        self.rating = rating
        self.version = version
        self.platform = platform
        self.country = country
        self.author = author
        self.isMerged = isMerged
    }

    /// Reads a row of ``columns``.
    init(_ row: any DatabaseRow) {
        self.init(
            workspace: row.integer(0), timestamp: row.integer(1), feedback: row.digest(2), origin: row.integer(3),
            language: row.integer(4), sentiment: Sentiment(code: row.integer(5)), intent: row.integer(6),
            topics: row.withBytes(7) { PackedNumbers.unpack($0) }, score: row.integer(8), rating: row.integer(9),
            version: row.integer(10), platform: row.integer(11), country: row.integer(12), author: row.integer(13),
            isMerged: row.integer(14) != 0)
    }
}

extension Sentiment {
    /// Its number in tables: 0, 1, 2 from negative to positive.
    var code: Int64 {
        switch self {
        case .negative: 0
        case .neutral: 1
        case .positive: 2
        }
    }

    init(code: Int64) { self = code == 0 ? .negative : code == 2 ? .positive : .neutral }
}

/// Numbers in few bytes, seven bits each, the lowest first (LEB128).
enum PackedNumbers {
    static func pack(_ numbers: [Int64]) -> [UInt8] {
        var bytes: [UInt8] = []
        for number in numbers {
            var rest = UInt64(bitPattern: number)
            while rest >= 0x80 {
                bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
                rest >>= 7
            }
            bytes.append(UInt8(rest))
        }
        return bytes
    }

    static func unpack(_ bytes: UnsafeRawBufferPointer) -> [Int64] {
        var numbers: [Int64] = []
        forEach(bytes) { numbers.append($0) }
        return numbers
    }

    @inline(__always) static func forEach(_ bytes: UnsafeRawBufferPointer, _ body: (Int64) -> Void) {
        var number: UInt64 = 0
        var shift: UInt64 = 0
        for byte in bytes {
            number |= UInt64(byte & 0x7F) << shift
            shift += 7
            if byte < 0x80 {
                body(Int64(bitPattern: number))
                number = 0
                shift = 0
            }
        }
    }
}

/// What a fact can be found by.
protocol Countable {
    var workspace: Int64 { get }
    var timestamp: Int64 { get }
    var id: Digest128 { get }
}

extension DatabaseConnection {
    /// The facts of items, by their ids; of those that are not counted there is none.
    func facts(of items: [some Countable]) throws -> [Digest128: Fact] {
        let items = items.sorted { ($0.workspace, $0.timestamp, $0.id) < ($1.workspace, $1.timestamp, $1.id) }
        let keys = BulkRows([
            .integers(items.map(\.workspace)), .integers(items.map(\.timestamp)), .digests(items.map(\.id)),
        ])
        var facts: [Digest128: Fact] = [:]
        facts.reserveCapacity(items.count)
        try forEach(Fact.key.columns + Fact.counted, of: Fact.key, in: keys) { row in
            let fact = Fact(row)
            facts[fact.feedback] = fact
        }
        return facts
    }

    /// Writes facts, over what is there unless all are new.
    func write(_ facts: [Fact], areNew: Bool) throws {
        guard !facts.isEmpty else { return }
        let facts = facts.inTheirOrder
        try write(
            BulkRows([
                .integers(facts.map(\.workspace)), .integers(facts.map(\.timestamp)), .digests(facts.map(\.feedback)),
                .integers(facts.map(\.origin)), .integers(facts.map(\.language)),
                .integers(facts.map(\.sentiment.code)), .integers(facts.map(\.intent)),
                .blobs(facts.map { PackedNumbers.pack($0.topics) }), .integers(facts.map(\.score)),
                .integers(facts.map(\.rating)), .integers(facts.map(\.version)), .integers(facts.map(\.platform)),
                .integers(facts.map(\.country)), .integers(facts.map(\.author)),
                .integers(facts.map { $0.isMerged ? 1 : 0 }),
            ]),
            BulkStatement(
                into: "fact", columns: Fact.key.columns + Fact.counted, key: Fact.key.columns,
                conflict: areNew ? .fail : .replace(Fact.counted)))
    }

    func delete(_ facts: [Fact]) throws {
        let facts = facts.inTheirOrder
        try delete(
            Fact.key,
            in: BulkRows([
                .integers(facts.map(\.workspace)), .integers(facts.map(\.timestamp)), .digests(facts.map(\.feedback)),
            ]))
    }
}

extension [Fact] {
    /// In the order of workspace and time; only keys are moved about.
    fileprivate var inTheirOrder: [Fact] {
        let keys = enumerated().map { ($1.workspace, $1.timestamp, $1.feedback, $0) }
        return keys.sorted { ($0.0, $0.1, $0.2) < ($1.0, $1.1, $1.2) }.map { self[$0.3] }
    }
}
