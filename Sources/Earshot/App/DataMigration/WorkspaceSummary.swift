import Common
import Foundation

/// What of one workspace was copied, and whether both sides say the same.
struct WorkspaceSummary: CopySummary, Sendable, Codable {
    /// One number of both sides.
    struct Count: Sendable, Codable, Hashable {
        /// `log earshot.raw`, `table reports fact`, `ledger parser emitted`.
        var what: String
        var source: Int
        var target: Int
        var isEqual: Bool { source == target }
    }

    var from: String
    var workspace: WorkspaceID
    var account: AccountID
    /// Whether it went on with a copy that was cut short.
    var isResumed: Bool
    var counts: [Count] = []
    /// Rows that were compared value by value and differ; nil if they were not compared.
    var differentRows: Int?
    /// Rollups at the target that differ from their rows; nil if they were not compared.
    var mismatches: Int?

    enum CodingKeys: String, CodingKey {
        case from, workspace = "workspace_id", account = "account_id", isResumed = "is_resumed", counts,
            differentRows = "different_rows", mismatches
    }

    var isEqual: Bool { counts.allSatisfy(\.isEqual) && differentRows ?? 0 == 0 && mismatches ?? 0 == 0 }

    mutating func add(_ what: String, _ source: Int, _ target: Int) {
        counts.append(Count(what: what, source: source, target: target))
    }

    var text: String {
        var table = TextOfCounts()
        for count in counts { table.add(count.what, count.source, count.target, isEqual: count.isEqual) }
        if let differentRows, differentRows > 0 { table.lines.append("\(differentRows) ROWS DIFFER") }
        if let mismatches, mismatches > 0 { table.lines.append("\(mismatches) ROLLUPS DIFFER FROM THEIR ROWS") }
        table.lines.append(
            isEqual
                ? "workspace \(workspace) is there, of account \(account); now delete or pause it here"
                : "THE COPY IS NOT THE SAME")
        return table.lines.joined(separator: "\n")
    }
}

/// Numbers of both sides, line by line, for a person.
struct TextOfCounts: Sendable {
    var lines = ["                                       here       there"]

    mutating func add(_ name: String, _ source: Int, _ target: Int, isEqual: Bool) {
        lines.append(
            name.padding(toLength: max(31, name.count), withPad: " ", startingAt: 0) + Self.right(source)
                + Self.right(target) + (isEqual ? "" : "  DIFFERS"))
    }

    private static func right(_ number: Int) -> String {
        String(repeating: " ", count: max(1, 12 - String(number).count)) + String(number)
    }
}
