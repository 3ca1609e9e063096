import Common
import Foundation
import Synchronization

/// What was copied, and whether both sides say the same.
struct MigrationSummary: Sendable, Codable {
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

    func json() throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys]
        var object = try JSONSerialization.jsonObject(with: encoder.encode(self)) as? [String: Any] ?? [:]
        object["equal"] = isEqual
        return String(
            decoding: try JSONSerialization.data(
                withJSONObject: object, options: [.sortedKeys, .withoutEscapingSlashes]), as: UTF8.self)
    }

    var text: String {
        var lines = ["                                       here       there"]
        func add(_ name: String, _ source: Int, _ target: Int, _ isEqual: Bool) {
            lines.append(
                name.padding(toLength: 31, withPad: " ", startingAt: 0) + Self.right(source) + Self.right(target)
                    + (isEqual ? "" : "  DIFFERS"))
        }
        for topic in topics { add(topic.topic, topic.source, topic.target, topic.isEqual) }
        for table in tables {
            add("\(table.service) \(table.table)", table.source, table.target, table.source == table.target)
        }
        if let books {
            for (name, source, target) in [
                ("accepted", books.source.accepted, books.target.accepted),
                ("stored", books.source.stored, books.target.stored),
                ("in flight", books.source.inFlight, books.target.inFlight),
            ] { add("books: \(name)", source, target, source == target) }
            if !books.isEqual { lines.append("THE BOOKS DIFFER: compare `earshot doctor` of both") }
        }
        lines.append(isEqual ? "everything is there" : "THE COPY IS NOT THE SAME")
        return lines.joined(separator: "\n")
    }

    private static func right(_ number: Int) -> String {
        String(repeating: " ", count: max(1, 12 - String(number).count)) + String(number)
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
