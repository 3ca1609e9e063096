import Common

/// A day of UTC of a workspace.
struct DayKey: Hashable, Comparable, Sendable {
    var workspace: Int64
    /// Where the day begins, in milliseconds.
    var day: Int64

    /// A day, in milliseconds.
    static let length: Int64 = 86_400_000

    init(workspace: Int64, day: Int64) {
        self.workspace = workspace
        self.day = day
    }

    /// The day that an instant is in.
    init(workspace: Int64, at timestamp: Int64) {
        self.init(workspace: workspace, day: timestamp.flooredQuotient(by: Self.length) * Self.length)
    }

    var range: Range<Int64> { day..<day + Self.length }

    static func < (left: DayKey, right: DayKey) -> Bool { (left.workspace, left.day) < (right.workspace, right.day) }
}

/// A day of a workspace, or a part of one, in one state of its facts.
///
/// As long as these are the same, so is all that was made of the facts of this range. A day whose row is gone and comes
/// again has another time.
struct DayPiece: Hashable, Sendable {
    /// In milliseconds.
    var range: Range<Int64>
    /// How often the day's facts were changed, and when last.
    var version: Int64
    var changedAt: Int64
}

/// A day whose facts are others than those that were summarised.
struct ChangedDay: Sendable {
    var key: DayKey
    /// How often its facts were changed.
    var version: Int64
}

extension DatabaseConnection {
    /// Notes, in the transaction that changes facts, that the summaries of their days hold no more.
    func markChanged(_ days: Set<DayKey>, at now: Timestamp) throws {
        guard !days.isEmpty else { return }
        let days = days.sorted()
        try write(
            BulkRows([
                .integers(days.map(\.workspace)), .integers(days.map(\.day)), .integers(days.map { _ in 1 }),
                .integers(days.map { _ in 0 }), .integers(days.map { _ in now.milliseconds }),
            ]),
            BulkStatement(
                into: "day", columns: ["workspace", "day", "version", "summarised", "changed_at"],
                key: ["workspace", "day"], conflict: .add(["version"], replacing: ["changed_at"])))
    }

    /// Days without a summary that holds and without a change since this time, the latest days first.
    func changedDays(until time: Timestamp, limit: Int) throws -> [ChangedDay] {
        try query(
            """
            SELECT workspace, day, version FROM day
            WHERE summarised <> version AND changed_at <= \(time) ORDER BY day DESC LIMIT \(limit)
            """
        ) { ChangedDay(key: DayKey(workspace: $0.integer(0), day: $0.integer(1)), version: $0.integer(2)) }
    }

    /// The days that have facts in a range, in their order, and whether they have a summary that holds.
    func days(of workspace: Int64, in range: Range<Int64>) throws -> [(piece: DayPiece, isSummarised: Bool)] {
        try query(
            """
            SELECT day, version, changed_at, summarised FROM day
            WHERE workspace = \(workspace) AND day > \(range.lowerBound - DayKey.length) AND day < \(range.upperBound)
            ORDER BY day
            """
        ) { row in
            let key = DayKey(workspace: workspace, day: row.integer(0))
            return (
                DayPiece(range: key.range, version: row.integer(1), changedAt: row.integer(2)),
                row.integer(3) == row.integer(1)
            )
        }
    }

    /// Whether a day is without a summary that holds.
    func hasChangedDays() throws -> Bool {
        try first("SELECT 1 FROM day WHERE summarised <> version LIMIT 1") { _ in true } ?? false
    }

    /// The summary of the facts of a day, or of a part of it, as they are in this transaction.
    func summarise(_ key: DayKey, _ part: Range<Int64>? = nil) throws -> DaySummary {
        let range = part ?? key.range
        var summary = DaySummary(day: key.day)
        try forEach(
            """
            SELECT \(raw: FactRow.columns) FROM fact
            WHERE workspace = \(key.workspace) AND timestamp >= \(range.lowerBound) AND timestamp < \(range.upperBound)
            """
        ) { summary.add(FactRow(row: $0)) }
        return summary
    }

    /// Writes the summary of a day, unless its facts were changed in the meantime.
    func write(_ summary: SummaryBytes, of changed: ChangedDay) throws {
        let key = changed.key
        let held = try execute(
            """
            UPDATE day SET summarised = \(changed.version)
            WHERE workspace = \(key.workspace) AND day = \(key.day) AND version = \(changed.version)
            """)
        guard held == 1 else { return }
        let values = ["numbers", "people", "quotes"]
        try write(
            BulkRows([
                .integers([key.workspace]), .integers([key.day]), .blobs([summary.numbers]),
                .blobs([summary.people]), .blobs([summary.quotes]),
            ]),
            BulkStatement(
                into: "day_summary", columns: ["workspace", "day"] + values, key: ["workspace", "day"],
                conflict: .replace(values)))
    }
}
