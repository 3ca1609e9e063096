import Common

/// What became of the items that the parser sent, in numbers.
public struct ReportsLedger: Sendable, Codable, Hashable {
    /// New, or a newer revision.
    public var stored = 0
    /// A revision that was known, or an older one.
    public var duplicate = 0
    /// A new item that is a cross-post.
    public var merged = 0
    /// Without anything said, or kept out by a rule or the policy of its workspace.
    public var filtered = 0
    /// Set aside, because it is not feedback.
    public var dead = 0

    public init() {}

    /// All items that were dealt with.
    public var total: Int { stored + duplicate + merged + filtered + dead }

    public static func + (left: ReportsLedger, right: ReportsLedger) -> ReportsLedger {
        var sum = left
        for outcome in ItemOutcome.allCases { sum[outcome] += right[outcome] }
        return sum
    }

    subscript(_ outcome: ItemOutcome) -> Int {
        get {
            switch outcome {
            case .stored: stored
            case .duplicate: duplicate
            case .merged: merged
            case .filtered: filtered
            case .dead: dead
            }
        }
        set {
            switch outcome {
            case .stored: stored = newValue
            case .duplicate: duplicate = newValue
            case .merged: merged = newValue
            case .filtered: filtered = newValue
            case .dead: dead = newValue
            }
        }
    }
}

/// The ledgers of all workspaces, and of what is of none.
public struct ReportsLedgers: Sendable, Codable, Hashable {
    public var total = ReportsLedger()
    public var workspaces: [String: ReportsLedger] = [:]

    public init() {}
}

enum ItemOutcome: String, Sendable, CaseIterable { case stored, duplicate, merged, filtered, dead }

extension DatabaseConnection {
    func ledgers() throws -> ReportsLedgers {
        var ledgers = ReportsLedgers()
        try forEach("SELECT workspace, outcome, items FROM ledger") { row in
            guard let outcome = ItemOutcome(rawValue: row.text(1)) else { return }
            let items = Int(row.integer(2))
            ledgers.total[outcome] += items
            if case let workspace = row.text(0), !workspace.isEmpty {
                ledgers.workspaces[workspace, default: ReportsLedger()][outcome] += items
            }
        }
        return ledgers
    }

    /// Adds to the ledgers, by workspace; an empty name is no workspace's.
    func add(_ ledgers: [String: ReportsLedger]) throws {
        let rows = ledgers.sorted { $0.key < $1.key }.flatMap { workspace, ledger in
            ItemOutcome.allCases.filter { ledger[$0] != 0 }.map { (workspace, $0.rawValue, Int64(ledger[$0])) }
        }
        guard !rows.isEmpty else { return }
        try write(
            BulkRows([.texts(rows.map(\.0)), .texts(rows.map(\.1)), .integers(rows.map(\.2))]),
            BulkStatement(
                into: "ledger", columns: ["workspace", "outcome", "items"], key: ["workspace", "outcome"],
                conflict: .add(["items"])))
    }
}
