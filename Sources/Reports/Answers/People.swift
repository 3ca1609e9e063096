/// Who spoke in a period, in all and by topic.
struct People: Sendable {
    /// Numbers of authors, one for each feedback; 0 is nobody known.
    private var authors: [Int64] = []
    private var byTopic: [Int64: [Int64]] = [:]

    mutating func add(_ row: FactRow) {
        let author = row.author
        authors.append(author)
        row.forEachTopic { byTopic[$0, default: []].append(author) }
    }

    /// How many are known, and how many there are if everybody unknown is somebody else.
    struct Count: Hashable, Sendable {
        var known = 0
        var unknown = 0
        var people: Int { known + unknown }
    }

    func count() -> Count { Self.count(authors) }

    func topics() -> [Int64: Count] { byTopic.mapValues(Self.count) }

    /// Sorting needs less memory than a set.
    private static func count(_ authors: [Int64]) -> Count {
        var count = Count()
        var last: Int64 = 0
        for author in authors.sorted() {
            if author == 0 {
                count.unknown += 1
            } else if author != last {
                count.known += 1
            }
            last = author
        }
        return count
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
