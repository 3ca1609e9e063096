public import Common
import Crypto

/// What of this service's tables belongs to a workspace that is moved to another installation.
///
/// Summaries of days are made anew there. Reports that were made, and notices that went out, stay behind.
public struct ReportsCarrying: Sendable {
    /// The workspace's number here and there.
    private let here: Int64
    private let there: Int64
    /// The numbers of words there, by those here.
    private let words: [Int64: Int64]

    /// Finds the words that a workspace's facts have, and gives them numbers in the other database.
    public init(of workspace: WorkspaceID, from source: any Database, to target: any Database) async throws {
        let word = Word(.workspace, workspace.rawValue)
        let known = try await source.read { connection -> (number: Int64, words: [(number: Int64, word: Word)])? in
            guard let number = try connection.number(of: word) else { return nil }
            return (number, try connection.words(of: number))
        }
        guard let known else {
            // No feedback yet: there are no such numbers.
            (here, there, words) = (-1, -1, [:])
            return
        }
        let numbers = try await target.write { connection in
            var numbers = WordNumbers(connection, known: [:])
            let own = try numbers.number(of: word)
            return (own, try known.words.map { ($0.number, try numbers.number(of: $0.word)) })
        }
        here = known.number
        there = numbers.0
        words = Dictionary(numbers.1) { first, _ in first }
    }

    /// The rows to be copied, in this order: days are known last, so that they are summarised when all is there.
    ///
    /// - Parameter deadLetters: The ids that dead letters get, by those that they had.
    public func rows(of events: CarriedEvents, account: AccountID, deadLetters: [String: String]) -> [WorkspaceRows] {
        let workspace = events.workspace
        return [
            numbered("feedback") { row in
                let place = events.place(
                    of: Topic.raw.name, partition: Int(row.integer("raw_partition")), offset: row.integer("raw_offset"))
                row["raw_partition"] = .integer(Int64(place.partition))
                row["raw_offset"] = .integer(place.offset)
                row["document"] = .blob(events.document(row.blob("document"), of: account))
            },
            numbered("fact") { [words] row in
                for column in ["origin", "language", "intent", "version", "platform", "country"] {
                    row[column] = .integer(try Self.number(of: row.integer(column), in: words))
                }
                let topics = row.blob("topics").withUnsafeBytes { PackedNumbers.unpack($0) }
                row["topics"] = .blob(PackedNumbers.pack(try topics.map { try Self.number(of: $0, in: words) }))
            },
            numbered("rollup"),
            WorkspaceRows("ledger", "workspace = \(workspace)"),
            WorkspaceRows("dead_letter", "workspace = \(workspace)") { row in
                let id = row.text("id")
                row["id"] = .text(deadLetters[id] ?? Self.derived(from: id, in: workspace))
            },
            WorkspaceRows("channel", "workspace = \(workspace)", isStill: false),
            WorkspaceRows("report_schedule", "workspace = \(workspace)", isStill: false) { row in
                row["last_report"] = .null
            },
            WorkspaceRows("alert_rule", "workspace = \(workspace)", isStill: false),
            WorkspaceRows("alert", "workspace = \(workspace)", isStill: false),
            numbered("day", isStill: false) { row in row["summarised"] = .integer(0) },
        ]
    }

    private func numbered(
        _ table: String, isStill: Bool = true, change: @escaping @Sendable (inout CarriedRow) throws -> Void = { _ in }
    ) -> WorkspaceRows {
        WorkspaceRows(table, "workspace = \(here)", there: "workspace = \(there)", isStill: isStill) { [there] row in
            row["workspace"] = .integer(there)
            try change(&row)
        }
    }

    private static func number(of word: Int64, in words: [Int64: Int64]) throws -> Int64 {
        if word == 0 { return 0 }
        guard let number = words[word] else { throw DatabaseError.corrupt("a fact has no word \(word)") }
        return number
    }

    /// The id of a dead letter that is kept here only.
    private static func derived(from id: String, in workspace: WorkspaceID) -> String {
        DeadLetterID(Digest128(SHA256.hash(data: Array("\(workspace)/\(id)".utf8)))).rawValue
    }
}

extension DatabaseConnection {
    /// All words that the facts of a workspace have.
    fileprivate func words(of workspace: Int64) throws -> [(number: Int64, word: Word)] {
        var numbers: Set<Int64> = []
        try forEach(
            """
            SELECT origin, language, intent, version, platform, country, topics FROM fact WHERE workspace = \(workspace)
            """
        ) { row in
            for column in 0..<6 { numbers.insert(row.integer(column)) }
            row.withBytes(6) { PackedNumbers.forEach($0) { numbers.insert($0) } }
        }
        var words: [(number: Int64, word: Word)] = []
        let sorted = numbers.sorted()
        for start in stride(from: 0, to: sorted.count, by: 500) {
            let some = sorted[start..<min(start + 500, sorted.count)]
            try forEach("SELECT id, kind, text FROM word WHERE id IN \(list: some)") { row in
                guard let kind = Word.Kind(rawValue: row.integer(1)) else { return }
                words.append((row.integer(0), Word(kind, row.text(2))))
            }
        }
        return words
    }
}
