import Common
import Foundation
import Synchronization

/// What was copied, and whether both sides say the same.
struct MigrationSummary: CopySummary, Sendable, Codable {
    struct Table: Sendable, Codable, Hashable {
        var service: String
        var table: String
        var source: Int
        var target: Int
    }

    /// The books of both sides.
    struct BothBooks: Sendable, Codable, Hashable {
        var source: Books
        var target: Books
        /// Rollups at the target that differ from their rows; nil if they were not compared.
        var mismatches: Int?

        init(source: Diagnosis, target: Diagnosis) {
            self.source = source.books
            self.target = target.books
            mismatches = target.mismatches?.count
        }

        var isEqual: Bool { source == target && mismatches ?? 0 == 0 }
    }

    var from: String
    /// Whether it went on with a copy that was cut short.
    var isResumed: Bool
    var topics: [LogComparison] = []
    var tables: [Table] = []
    var books: BothBooks?

    enum CodingKeys: String, CodingKey { case from, isResumed = "is_resumed", topics, tables, books }

    init(from: String, isResumed: Bool) {
        self.from = from
        self.isResumed = isResumed
    }

    var isEqual: Bool {
        topics.allSatisfy(\.isEqual) && tables.allSatisfy { $0.source == $0.target } && books?.isEqual ?? false
    }

    var text: String {
        var table = TextOfCounts()
        for topic in topics { table.add(topic.topic, topic.source, topic.target, isEqual: topic.isEqual) }
        for one in tables {
            table.add("\(one.service) \(one.table)", one.source, one.target, isEqual: one.source == one.target)
        }
        if let books {
            for (name, source, target) in [
                ("accepted", books.source.accepted, books.target.accepted),
                ("stored", books.source.stored, books.target.stored),
                ("in flight", books.source.inFlight, books.target.inFlight),
            ] { table.add("books: \(name)", source, target, isEqual: source == target) }
            if !books.isEqual { table.lines.append("THE BOOKS DIFFER: compare `earshot doctor` of both") }
        }
        table.lines.append(isEqual ? "everything is there" : "THE COPY IS NOT THE SAME")
        return table.lines.joined(separator: "\n")
    }
}

/// A count that several tasks add to.
final class Tally: Sendable {
    private let count = Mutex(0)

    /// - Returns: The count after it.
    func add(_ number: Int) -> Int {
        count.withLock { count in
            count += number
            return count
        }
    }
}
