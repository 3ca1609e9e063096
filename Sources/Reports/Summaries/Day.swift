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

    /// Whether a day is without a summary that holds.
    func hasChangedDays() throws -> Bool {
        try first("SELECT 1 FROM day WHERE summarised <> version LIMIT 1") { _ in true } ?? false
    }

    /// The summary of the facts of a day, as they are in this transaction.
    func summarise(_ key: DayKey) throws -> DaySummary {
        var summary = DaySummary(day: key.day)
        try forEach(
            """
            SELECT \(raw: FactRow.columns) FROM fact
            WHERE workspace = \(key.workspace) AND timestamp >= \(key.day) AND timestamp < \(key.range.upperBound)
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
