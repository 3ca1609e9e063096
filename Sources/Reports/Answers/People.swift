import Common

/// Who spoke in a period, in all and by topic.
struct People: Sendable {
    private var known = AuthorNumbers()
    /// Feedback whose author is not known.
    private var unknown = 0
    private var byTopic: [Int64: Speakers] = [:]
    /// The numbers of a day's authors, in its order; kept for its memory.
    private var numbers: [UInt32] = []

    /// Those who spoke of one topic, each a bit.
    private struct Speakers: Sendable {
        var bits: [UInt64] = []
        var known = 0
        var unknown = 0

        @inline(__always) mutating func insert(_ number: UInt32) {
            let word = Int(number >> 6)
            if word >= bits.count { bits.append(contentsOf: repeatElement(0, count: word + 1 - bits.count)) }
            let bit: UInt64 = 1 << UInt64(number & 63)
            if bits[word] & bit == 0 {
                bits[word] |= bit
                known &+= 1
            }
        }
    }

    mutating func add(_ row: FactRow) {
        let author = row.author
        guard author != 0 else {
            unknown += 1
            row.forEachTopic { byTopic[$0, default: Speakers()].unknown += 1 }
            return
        }
        let number = known.number(of: UInt64(bitPattern: author))
        row.forEachTopic { byTopic[$0, default: Speakers()].insert(number) }
    }

    /// Adds those of a day, of these sentiments, from the bytes of ``DayPeople``.
    mutating func add(day bytes: UnsafeRawBufferPointer, of sentiments: Set<Sentiment>) throws {
        var reader = PackedReader(bytes)
        for code in Sentiment.allCases.indices {
            let isWanted = sentiments.contains(Sentiment(code: Int64(code)))
            let count = try reader.count()
            let unknown = Int(try reader.number())
            let authors = try reader.words(count)
            if isWanted {
                self.unknown += unknown
                numbers.removeAll(keepingCapacity: true)
                known.reserve(count)
                for at in 0..<count {
                    let author = authors.loadUnaligned(fromByteOffset: 8 &* at, as: UInt64.self)
                    numbers.append(known.number(of: UInt64(littleEndian: author)))
                }
            }
            for _ in 0..<(try reader.count()) {
                let topic = try reader.number()
                var speakers = isWanted ? byTopic.removeValue(forKey: topic) ?? Speakers() : Speakers()
                speakers.unknown += Int(try reader.number())
                var position = 0
                for _ in 0..<(try reader.count()) {
                    position += Int(try reader.number())
                    guard position < count else { throw DatabaseError.corrupt("a day's topic names nobody of the day") }
                    if isWanted { speakers.insert(numbers[position]) }
                }
                if isWanted { byTopic[topic] = speakers }
            }
        }
    }

    /// How many are known, and how many there are if everybody unknown is somebody else.
    struct Count: Hashable, Sendable {
        var known = 0
        var unknown = 0
        var people: Int { known + unknown }
    }

    func count() -> Count { Count(known: known.count, unknown: unknown) }

    func topics() -> [Int64: Count] { byTopic.mapValues { Count(known: $0.known, unknown: $0.unknown) } }
}

/// Numbers authors from 0 on, in the order in which they are first seen.
///
/// An open table in which an author's place is given by the upper bits. Authors are bits of a hash, and those of a day
/// come in their order: so a day goes through the table once from front to back, as through an array.
private struct AuthorNumbers: Sendable {
    /// 0 is a free place: no author is 0.
    private var authors: [UInt64] = Array(repeating: 0, count: 1 << 10)
    private var numbers: [UInt32] = Array(repeating: 0, count: 1 << 10)
    private var shift: UInt64 = 54
    private(set) var count = 0

    /// Makes room for so many more.
    mutating func reserve(_ more: Int) { while 2 * (count + more) > authors.count { grow() } }

    @inline(__always) mutating func number(of author: UInt64) -> UInt32 {
        if 2 &* (count &+ 1) > authors.count { grow() }
        let place = place(of: author)
        if authors[place] == author { return numbers[place] }
        authors[place] = author
        let number = UInt32(truncatingIfNeeded: count)
        numbers[place] = number
        count &+= 1
        return number
    }

    /// Where an author is, or is to be put.
    @inline(__always) private func place(of author: UInt64) -> Int {
        var place = Int(truncatingIfNeeded: author &>> shift)
        while authors[place] != author, authors[place] != 0 { place = (place &+ 1) & (authors.count &- 1) }
        return place
    }

    private mutating func grow() {
        let (oldAuthors, oldNumbers) = (authors, numbers)
        authors = Array(repeating: 0, count: 4 * oldAuthors.count)
        numbers = Array(repeating: 0, count: 4 * oldAuthors.count)
        shift -= 2
        for (author, number) in zip(oldAuthors, oldNumbers) where author != 0 {
            let place = place(of: author)
            authors[place] = author
            numbers[place] = number
        }
    }
}

/// Which topics more people talk about than was to be expected.
///
/// Expected is the number of people of the period before, times the growth of all people. The difference is judged in
/// standard deviations of Poisson counts, made even by the root (Anscombe): `2(√(n + ⅜) − √(e + ⅜)) / √(1 + g)`, with
/// n people now, e expected, g the growth. So one person becoming three says nothing, thirty becoming ninety much.
struct Emergence {
    let minimumPeople: Int
    let minimumDeviations: Double

    struct Topic: Hashable {
        var topic: Int64
        var now: Int
        var before: Int
        var deviations: Double
    }

    /// The emerging topics, the strongest first. Without anybody in the period before, nothing is.
    func topics(now: [Int64: People.Count], before: [Int64: People.Count], allNow: Int, allBefore: Int) -> [Topic] {
        guard allBefore > 0, allNow > 0 else { return [] }
        let growth = Double(allNow) / Double(allBefore)
        return now.compactMap { topic, count in
            let before = before[topic]?.people ?? 0
            let expected = Double(before) * growth
            let deviations =
                2 * ((Double(count.people) + 0.375).squareRoot() - (expected + 0.375).squareRoot())
                / (1 + growth).squareRoot()
            guard count.people >= minimumPeople, deviations >= minimumDeviations else { return nil }
            return Topic(
                topic: topic, now: count.people, before: before, deviations: (deviations * 100).rounded() / 100)
        }.sorted { ($1.deviations, $1.now, $0.topic) < ($0.deviations, $0.now, $1.topic) }
    }
}
