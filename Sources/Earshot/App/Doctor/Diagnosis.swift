import Common
import Parser
import Reports
import ServiceKit

/// What `earshot doctor` found.
struct Diagnosis: Sendable, Codable, Hashable {
    var books: Books
    var log: LogState
    /// Rollups that differ from the rows they sum up; nil if they were not compared.
    var mismatches: [Mismatch]?
    var workspaces: Int
    var streams: Int

    struct LogState: Sendable, Codable, Hashable {
        var available: Bool
        var reason: String?
        /// Records kept, by topic.
        var records: [String: Int64]
    }

    var isHealthy: Bool { books.balanced && log.available && mismatches?.isEmpty ?? true }

    init(_ platform: Assembly, deep: Bool) async throws {
        let reports = ReportsStore(database: try platform.database(of: "reports"))
        try await reports.migrate()
        let parserDatabase = try platform.database(of: "parser")
        let (ledgers, positions) = try await reports.settled()
        let parser = try await ParserLedger.load(from: parserDatabase)
        let feedback = try await platform.log.bounds(of: .feedback)
        let raw = try await platform.log.bounds(of: .raw)
        books = Books(
            reports: ledgers.total,
            feedbackLag: feedback.reduce(0) { $0 + max(0, $1.end - positions[$1.partition, default: 0]) },
            parser: parser,
            rawEnds: Dictionary(uniqueKeysWithValues: raw.map { ($0.partition, $0.end) }))
        var records: [String: Int64] = [:]
        for topic in Topic.all {
            records[topic.name] = try await platform.log.bounds(of: topic).reduce(0) { $0 + $1.end - $1.first }
        }
        switch await platform.log.health() {
        case .available: log = LogState(available: true, reason: nil, records: records)
        case .degraded(let reason): log = LogState(available: true, reason: reason, records: records)
        case .unavailable(let reason): log = LogState(available: false, reason: reason, records: records)
        }
        mismatches = deep ? try await reports.verify() : nil
        let known = platform.directory.current
        workspaces = known.workspaces.values.lazy.filter { !$0.isDeleted }.count
        streams = known.streams.values.lazy.filter { $0.status != .deleted }.count
    }
}
