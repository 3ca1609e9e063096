import ByteJSON
import Common

/// A filter in the terms of the tables.
struct ResolvedFilter {
    /// What the rows of `fact` must satisfy.
    private(set) var condition: SQL
    private let topics: Set<Int64>?
    /// Needs the document.
    let text: TextSearch?

    /// Looks up the numbers of the filter's words.
    init(_ filter: FeedbackFilter, workspace: Int64, in connection: any DatabaseConnection) throws {
        condition = "fact.workspace = \(workspace)"
        text = filter.text
        topics = filter.topics.isEmpty ? nil : Set(try Self.numbers(.topic, filter.topics, connection))
        if !filter.sources.isEmpty || !filter.streams.isEmpty {
            let origins = try connection.origins().filter { _, origin in
                (filter.sources.isEmpty || filter.sources.contains(origin.source))
                    && (filter.streams.isEmpty || filter.streams.contains(origin.stream))
            }
            condition += " AND fact.origin IN \(list: origins.keys.sorted())"
        }
        if !filter.sentiments.isEmpty {
            condition += " AND fact.sentiment IN \(list: filter.sentiments.map(\.code))"
        }
        if !filter.ratings.isEmpty { condition += " AND (fact.rating + 500) / 1000 IN \(list: filter.ratings)" }
        let words: [(String, Word.Kind, [String])] = [
            ("language", .language, filter.languages), ("intent", .intent, filter.intents),
            ("version", .version, filter.versions), ("platform", .platform, filter.platforms),
            ("country", .country, filter.countries),
        ]
        for (column, kind, texts) in words where !texts.isEmpty {
            condition += " AND fact.\(raw: column) IN \(list: try Self.numbers(kind, texts, connection))"
        }
    }

    private static func numbers(_ kind: Word.Kind, _ texts: [String], _ connection: any DatabaseConnection) throws
        -> [Int64]
    {
        try texts.compactMap { text in
            text == FeedbackFilter.unknown ? 0 : try connection.number(of: Word(kind, text))
        }
    }

    /// Whether a row that satisfies the condition is meant.
    func admits(_ row: FactRow) -> Bool {
        if let topics {
            var isAbout = false
            row.forEachTopic { isAbout = isAbout || topics.contains($0) }
            guard isAbout || (topics.contains(0) && row.hasNoTopics) else { return false }
        }
        guard let text else { return true }
        guard let core = try? JSONDocument(parsing: row.document).root["core_attributes"] else { return false }
        return text.matches(title: core["title"]?.string, text: core["text"]?.string ?? "")
    }
}

/// A row of `fact` as a scan reads it, column by column where needed.
struct FactRow {
    static let columns = """
        fact.timestamp, fact.sentiment, fact.score, fact.rating, fact.merged, fact.author, fact.topics, fact.origin, \
        fact.language, fact.intent, fact.version, fact.platform, fact.country, fact.feedback
        """
    let row: any DatabaseRow

    var timestamp: Int64 { row.integer(0) }
    var sentiment: Sentiment { Sentiment(code: row.integer(1)) }
    var score: Int64 { row.integer(2) }
    var rating: Int64 { row.integer(3) }
    var isMerged: Bool { row.integer(4) != 0 }
    var author: Int64 { row.integer(5) }
    var origin: Int64 { row.integer(7) }
    var language: Int64 { row.integer(8) }
    var intent: Int64 { row.integer(9) }
    var version: Int64 { row.integer(10) }
    var platform: Int64 { row.integer(11) }
    var country: Int64 { row.integer(12) }
    var feedback: Digest128 { row.digest(13) }
    /// Only if the scan was for text.
    var document: [UInt8] { row.blob(14) }
    func withDocument<Value>(_ body: (UnsafeBufferPointer<UInt8>) throws -> Value) rethrows -> Value {
        try row.withBytes(14) { try body($0.bindMemory(to: UInt8.self)) }
    }
    var hasNoTopics: Bool { row.withBytes(6) { $0.isEmpty } }

    func forEachTopic(_ body: (Int64) -> Void) {
        row.withBytes(6) { PackedNumbers.forEach($0, body) }
    }

    /// What the row adds to sums.
    var sums: RollupSums {
        var sums = RollupSums()
        if isMerged {
            sums.merged = 1
        } else {
            sums.feedback = 1
            sums.score = score
            sums.rating = rating
            sums.ratings = sums.rating > 0 ? 1 : 0
        }
        return sums
    }

    /// Its value in a breakdown; topics are several and come by ``forEachTopic(_:)``.
    func value(_ grouping: InsightQuestion.Grouping) -> Int64 {
        switch grouping {
        case .source, .stream: origin
        case .language: language
        case .sentiment: sentiment.code
        case .intent: intent
        case .topic: 0
        case .rating: (rating + 500) / 1000
        case .productVersion: version
        case .platform: platform
        case .country: country
        }
    }
}

extension DatabaseConnection {
    /// Hands the facts of a range that the filter admits to `body`, in any order.
    func scan(
        _ range: Range<Int64>, _ filter: ResolvedFilter, includingMerged: Bool, _ body: (FactRow) throws -> Void
    ) throws {
        let document = filter.text == nil ? "" : ", feedback.document"
        let join = filter.text == nil ? "" : " JOIN feedback ON feedback.id = fact.feedback"
        let merged = includingMerged ? "" : " AND fact.merged = 0"
        try forEach(
            """
            SELECT \(raw: FactRow.columns + document) FROM fact\(raw: join)
            WHERE \(filter.condition) AND fact.timestamp >= \(range.lowerBound) AND fact.timestamp < \(range.upperBound)
                \(raw: merged)
            """
        ) { row in
            let row = FactRow(row: row)
            if filter.admits(row) { try body(row) }
        }
    }
}
