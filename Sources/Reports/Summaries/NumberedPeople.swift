import Common

/// Who spoke on a day, in all and by topic, as numbers. Read from the bytes of ``DayPeople``.
struct NumberedPeople: Sendable {
    /// Those of one sentiment.
    struct Part: Sendable {
        /// All authors, then the authors of each topic.
        fileprivate(set) var numbers: [UInt32] = []
        /// How many of them come first as all.
        fileprivate(set) var count = 0
        /// Feedback whose author is not known.
        fileprivate(set) var unknown = 0
        fileprivate(set) var topics: [Topic] = []
    }

    /// Where those who spoke of a topic are.
    struct Topic: Sendable {
        let topic: Int64
        /// Feedback whose author is not known.
        let unknown: Int
        let numbers: Range<Int>
    }

    /// By the code of their sentiment.
    private(set) var parts: [Part] = []

    init(_ bytes: UnsafeRawBufferPointer, authors: AuthorNumbers) throws {
        var reader = PackedReader(bytes)
        for _ in Sentiment.allCases.indices {
            var part = Part()
            part.count = try reader.count()
            part.unknown = Int(try reader.number())
            authors.appendNumbers(of: try reader.words(part.count), to: &part.numbers)
            for _ in 0..<(try reader.count()) {
                let topic = try reader.number()
                let unknown = Int(try reader.number())
                let first = part.numbers.count
                var position = 0
                for _ in 0..<(try reader.count()) {
                    position += Int(try reader.number())
                    guard position < part.count, position >= 0 else {
                        throw DatabaseError.corrupt("a day's topic names nobody of the day")
                    }
                    part.numbers.append(part.numbers[position])
                }
                part.topics.append(Topic(topic: topic, unknown: unknown, numbers: first..<part.numbers.count))
            }
            parts.append(part)
        }
    }

    /// What it takes of memory, in bytes.
    var size: Int { parts.reduce(0) { $0 + 4 * $1.numbers.capacity + 32 * $1.topics.capacity } }
}
