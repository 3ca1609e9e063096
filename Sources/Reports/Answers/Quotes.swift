import ByteJSON
import Common

/// Collects what is worth quoting: for each topic, and in all, the strongest and newest.
struct QuoteCandidates: Sendable {
    struct Candidate: Hashable, Sendable {
        /// The size of the score, in thousandths.
        var strength: Int64
        var timestamp: Int64
        var id: Digest128
        var author: Int64
    }

    private var byTopic: [Int64: [Candidate]] = [:]
    private var strongest: [Candidate] = []
    private static let keptByTopic = 4
    private static let kept = 24

    mutating func add(_ row: FactRow) {
        let strength = abs(row.score)
        let timestamp = row.timestamp
        var candidate: Candidate?
        func insert(into list: inout [Candidate], limit: Int) {
            if list.count == limit, let last = list.last, (strength, timestamp) < (last.strength, last.timestamp) {
                return
            }
            let new =
                candidate ?? Candidate(strength: strength, timestamp: timestamp, id: row.feedback, author: row.author)
            candidate = new
            list.insert(new, at: list.firstIndex { Self.isStronger(new, $0) } ?? list.count)
            if list.count > limit { list.removeLast() }
        }
        insert(into: &strongest, limit: Self.kept)
        row.forEachTopic { insert(into: &byTopic[$0, default: []], limit: Self.keptByTopic) }
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
