import Common

/// Who spoke in a period, in all and by topic.
struct People: Sendable {
    private let authors: AuthorNumbers
    /// What days bring; groups say which of it is theirs.
    private var lists: [[UInt32]] = []
    private var all = Group()
    private var byTopic: [Int64: Group] = [:]

    /// Those who spoke, or spoke of one topic; the same one may be there many times.
    private struct Group: Sendable {
        /// Feedback whose author is not known.
        var unknown = 0
        var slices: [Slice] = []
        var others: [UInt32] = []

        mutating func add(_ slice: Slice, unknown: Int) {
            slices.append(slice)
            self.unknown += unknown
        }
    }

    /// A part of one of the lists.
    private struct Slice: Sendable {
        var list: Int
        var range: Range<Int>
    }

    /// - Parameter authors: Has numbered the people of the days that will be added.
    init(authors: AuthorNumbers) { self.authors = authors }

    mutating func add(_ row: FactRow) {
        let author = row.author
        guard author != 0 else {
            all.unknown += 1
            row.forEachTopic { byTopic[$0, default: Group()].unknown += 1 }
            return
        }
        let number = authors.number(of: UInt64(bitPattern: author))
        all.others.append(number)
        row.forEachTopic { byTopic[$0, default: Group()].others.append(number) }
    }

    /// Adds those of a day, of one sentiment.
    mutating func add(_ part: NumberedPeople.Part) {
        let list = lists.count
        lists.append(part.numbers)
        all.unknown += part.unknown
        all.slices.append(Slice(list: list, range: 0..<part.count))
        for topic in part.topics {
            byTopic[topic.topic, default: Group()].add(
                Slice(list: list, range: topic.numbers), unknown: topic.unknown)
        }
    }

    /// How many are known, and how many there are if everybody unknown is somebody else.
    struct Count: Hashable, Sendable {
        var known = 0
        var unknown = 0
        var people: Int { known + unknown }
    }

    /// Everybody once.
    struct Reach: Hashable, Sendable {
        var all = Count()
        var topics: [Int64: Count] = [:]
    }

    func reach() -> Reach {
        var seen = [UInt64](repeating: 0, count: authors.count / 64 + 1)
        return Reach(all: count(all, &seen), topics: byTopic.mapValues { count($0, &seen) })
    }

    /// - Parameter seen: A bit for each number, none of them set, before and after.
    private func count(_ group: Group, _ seen: inout [UInt64]) -> Count {
        var known = 0
        var named = group.others.count
        seen.withUnsafeMutableBufferPointer { seen in
            func see(_ numbers: UnsafeBufferPointer<UInt32>) {
                for number in numbers {
                    let word = Int(number &>> 6)
                    let bits = seen[word]
                    known &+= Int(truncatingIfNeeded: ~(bits &>> UInt64(number & 63)) & 1)
                    seen[word] = bits | 1 &<< UInt64(number & 63)
                }
            }
            group.others.withUnsafeBufferPointer(see)
            for slice in group.slices {
                named += slice.range.count
                lists[slice.list].withUnsafeBufferPointer { see(UnsafeBufferPointer(rebasing: $0[slice.range])) }
            }
            // A few are taken back one by one, many with all.
            guard named < seen.count else { return seen.update(repeating: 0) }
            for number in group.others { seen[Int(number &>> 6)] = 0 }
            for slice in group.slices {
                for number in lists[slice.list][slice.range] { seen[Int(number &>> 6)] = 0 }
            }
        }
        return Count(known: known, unknown: group.unknown)
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
