import ByteJSON
import Common

/// Collects what is worth quoting: for each topic, and in all, the strongest and newest.
struct QuoteCandidates: Hashable, Sendable {
    struct Candidate: Hashable, Sendable {
        /// The size of the score, in thousandths.
        var strength: Int64
        var timestamp: Int64
        var id: Digest128
        var author: Int64
        var topics: [Int64]
    }

    private var byTopic: [Int64: [Candidate]] = [:]
    private var strongest: [Candidate] = []
    private static let keptByTopic = 4
    private static let kept = 24

    mutating func add(_ row: FactRow) {
        let (strength, timestamp) = (abs(row.score), row.timestamp)
        var isWanted = Self.hasRoom(strongest, Self.kept, strength, timestamp)
        row.forEachTopic {
            isWanted = isWanted || Self.hasRoom(byTopic[$0] ?? [], Self.keptByTopic, strength, timestamp)
        }
        guard isWanted else { return }
        var topics: [Int64] = []
        row.forEachTopic { topics.append($0) }
        add(
            Candidate(
                strength: strength, timestamp: timestamp, id: row.feedback, author: row.author, topics: topics))
    }

    mutating func add(_ candidate: Candidate) {
        Self.insert(candidate, into: &strongest, limit: Self.kept)
        for topic in candidate.topics {
            Self.insert(candidate, into: &byTopic[topic, default: []], limit: Self.keptByTopic)
        }
    }

    /// All of them, each once, in the order of time.
    var all: [Candidate] {
        Set(strongest + byTopic.values.joined()).sorted { ($0.timestamp, $0.id) < ($1.timestamp, $1.id) }
    }

    private static func insert(_ new: Candidate, into list: inout [Candidate], limit: Int) {
        guard hasRoom(list, limit, new.strength, new.timestamp) else { return }
        list.insert(new, at: list.firstIndex { isStronger(new, $0) } ?? list.count)
        if list.count > limit { list.removeLast() }
    }

    /// Whether something of this strength may be among the first of a list.
    private static func hasRoom(_ list: [Candidate], _ limit: Int, _ strength: Int64, _ timestamp: Int64) -> Bool {
        guard list.count == limit, let last = list.last else { return true }
        return (strength, timestamp) >= (last.strength, last.timestamp)
    }

    private static func isStronger(_ left: Candidate, _ right: Candidate) -> Bool {
        (left.strength, left.timestamp, right.id) > (right.strength, right.timestamp, left.id)
    }

    /// Chooses quotes: one for each of the first topics, then the strongest, no two of one person; texts of a
    /// readable length go first.
    ///
    /// - Parameter topics: The most frequent topics, first things first.
    func choose(_ count: Int, topics: [Int64], in connection: any DatabaseConnection) throws -> [InsightReport.Quote] {
        let groups = topics.prefix(count).compactMap { byTopic[$0] } + [strongest]
        let quotes = try read(groups.flatMap { $0.map(\.id) }.unique, in: connection)
        var chosen: [InsightReport.Quote] = []
        var authors: Set<Int64> = []
        func take(from group: [Candidate], upTo limit: Int) {
            let usable = group.filter { quotes[$0.id] != nil }
            let readable = usable.filter { (25...600).contains(quotes[$0.id]?.text.unicodeScalars.count ?? 0) }
            var taken = 0
            for candidate in readable + usable where taken < limit && chosen.count < count {
                guard let quote = quotes[candidate.id], !chosen.contains(quote), !authors.contains(candidate.author)
                else { continue }
                if candidate.author != 0 { authors.insert(candidate.author) }
                chosen.append(quote)
                taken += 1
            }
        }
        for group in groups.dropLast() { take(from: group, upTo: 1) }
        take(from: strongest, upTo: count)
        return chosen
    }

    private func read(_ ids: [Digest128], in connection: any DatabaseConnection) throws
        -> [Digest128: InsightReport.Quote]
    {
        var quotes: [Digest128: InsightReport.Quote] = [:]
        try connection.forEachChunk(of: ids) { chunk in
            try connection.forEach("SELECT document FROM feedback WHERE id IN \(list: chunk)") { row in
                guard let feedback = try? Feedback(JSONDocument(parsing: row.blob(0)).root), !feedback.text.isEmpty,
                    let id = feedback.id.digest
                else { return }
                quotes[id] = InsightReport.Quote(
                    id: feedback.id, text: feedback.text, sentimentScore: feedback.sentimentScore, url: feedback.url,
                    timestamp: feedback.timestamp, source: feedback.source.name, topics: feedback.topics)
            }
        }
        return quotes
    }
}
