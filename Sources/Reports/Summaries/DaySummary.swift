import Common

/// What a fact is counted by.
enum SummaryDimension: Int, Sendable, CaseIterable { case origin, topic, language, intent }

/// All that answers take from the facts of one day of a workspace, in a form that days can be put together in.
///
/// Everything is kept by sentiment, which questions may filter by. What it is made of has three forms of bytes, since
/// not every question needs all.
struct DaySummary: Hashable, Sendable {
    var numbers = DayNumbers()
    var people = DayPeople()
    var quotes: DayQuotes

    init(day: Int64) { quotes = DayQuotes(day: day) }

    mutating func add(_ row: FactRow) {
        numbers.add(row)
        guard !row.isMerged else { return }
        people.add(row)
        quotes.add(row)
    }
}

/// A summary as it is stored.
struct SummaryBytes: Hashable, Sendable {
    let numbers: [UInt8]
    let people: [UInt8]
    let quotes: [UInt8]

    init(_ summary: DaySummary) {
        numbers = summary.numbers.bytes
        people = summary.people.bytes
        quotes = summary.quotes.bytes
    }

    /// Reads numbers, people and quotes from the first three columns.
    init(_ row: any DatabaseRow) {
        numbers = row.blob(0)
        people = row.blob(1)
        quotes = row.blob(2)
    }

    var count: Int { numbers.count + people.count + quotes.count }
}

/// Sums by what facts are counted by.
struct DayNumbers: Hashable, Sendable {
    /// By sentiment, dimension and value.
    private(set) var sums: [[[Int64: RollupSums]]] = Array(
        repeating: Array(repeating: [:], count: SummaryDimension.allCases.count), count: Sentiment.allCases.count)

    mutating func add(_ row: FactRow) {
        let share = row.sums
        let part = Int(row.sentiment.code)
        func count(_ dimension: SummaryDimension, _ value: Int64, _ sums: inout [[[Int64: RollupSums]]]) {
            sums[part][dimension.rawValue][value, default: RollupSums()].add(share)
        }
        count(.origin, row.origin, &sums)
        count(.language, row.language, &sums)
        count(.intent, row.intent, &sums)
        row.forEachTopic { count(.topic, $0, &sums) }
    }

    /// For each sentiment and dimension the number of values, then each with its sums.
    var bytes: [UInt8] {
        var writer = PackedWriter()
        for dimensions in sums {
            for values in dimensions {
                writer.write(values.count)
                for (value, sums) in values.sorted(by: { $0.key < $1.key }) {
                    writer.write(value)
                    writer.write(sums.feedback)
                    writer.write(sums.merged)
                    writer.write(signed: sums.score)
                    writer.write(sums.rating)
                    writer.write(sums.ratings)
                }
            }
        }
        return writer.bytes
    }

    /// Hands each value of each dimension to `body`.
    static func forEach(
        in bytes: UnsafeRawBufferPointer, _ body: (Sentiment, SummaryDimension, Int64, RollupSums) -> Void
    ) throws {
        var reader = PackedReader(bytes)
        for code in Sentiment.allCases.indices {
            for dimension in SummaryDimension.allCases {
                for _ in 0..<(try reader.count()) {
                    let value = try reader.number()
                    var sums = RollupSums()
                    sums.feedback = try reader.number()
                    sums.merged = try reader.number()
                    sums.score = try reader.signed()
                    sums.rating = try reader.number()
                    sums.ratings = try reader.number()
                    body(Sentiment(code: Int64(code)), dimension, value, sums)
                }
            }
        }
    }
}

/// Who spoke, in all and by topic.
struct DayPeople: Hashable, Sendable {
    private struct Speakers: Hashable, Sendable {
        var known: Set<Int64> = []
        /// Feedback whose author is not known.
        var unknown = 0

        mutating func add(_ author: Int64) {
            if author == 0 { unknown += 1 } else { known.insert(author) }
        }
    }
    private struct Part: Hashable, Sendable {
        var all = Speakers()
        var byTopic: [Int64: Speakers] = [:]
    }
    private var parts = Array(repeating: Part(), count: Sentiment.allCases.count)

    mutating func add(_ row: FactRow) {
        let author = row.author
        let part = Int(row.sentiment.code)
        parts[part].all.add(author)
        row.forEachTopic { parts[part].byTopic[$0, default: Speakers()].add(author) }
    }

    /// For each sentiment all authors in the order of their bits, and for each topic which of these.
    var bytes: [UInt8] {
        var writer = PackedWriter()
        for part in parts {
            let authors = part.all.known.map { UInt64(bitPattern: $0) }.sorted()
            writer.write(authors.count)
            writer.write(part.all.unknown)
            for author in authors { writer.write(bits: author) }
            writer.write(part.byTopic.count)
            for (topic, speakers) in part.byTopic.sorted(by: { $0.key < $1.key }) {
                writer.write(topic)
                writer.write(speakers.unknown)
                writer.write(speakers.known.count)
                var position = 0
                var last = 0
                for author in speakers.known.map({ UInt64(bitPattern: $0) }).sorted() {
                    while authors[position] != author { position += 1 }
                    writer.write(position - last)
                    last = position
                }
            }
        }
        return writer.bytes
    }
}

/// What is worth quoting: every candidate that may be among the strongest of any range that holds the day.
struct DayQuotes: Hashable, Sendable {
    private let day: Int64
    private var parts = Array(repeating: QuoteCandidates(), count: Sentiment.allCases.count)

    init(day: Int64) { self.day = day }

    mutating func add(_ row: FactRow) { parts[Int(row.sentiment.code)].add(row) }

    var bytes: [UInt8] {
        var writer = PackedWriter()
        for part in parts {
            let candidates = part.all
            writer.write(candidates.count)
            for candidate in candidates {
                writer.write(candidate.strength)
                writer.write(candidate.timestamp - day)
                writer.write(candidate.id)
                writer.write(bits: UInt64(bitPattern: candidate.author))
                writer.write(candidate.topics.count)
                for topic in candidate.topics { writer.write(topic) }
            }
        }
        return writer.bytes
    }

    /// Adds the candidates of these sentiments to others.
    static func read(
        _ bytes: UnsafeRawBufferPointer, day: Int64, of sentiments: Set<Sentiment>, into others: inout QuoteCandidates
    ) throws {
        var reader = PackedReader(bytes)
        for code in Sentiment.allCases.indices {
            let isWanted = sentiments.contains(Sentiment(code: Int64(code)))
            for _ in 0..<(try reader.count()) {
                let strength = try reader.number()
                let timestamp = day + (try reader.number())
                let id = try reader.digest()
                let author = Int64(bitPattern: try reader.bits())
                let topics = try (0..<(try reader.count())).map { _ in try reader.number() }
                guard isWanted else { continue }
                others.add(
                    QuoteCandidates.Candidate(
                        strength: strength, timestamp: timestamp, id: id, author: author, topics: topics))
            }
        }
    }
}
