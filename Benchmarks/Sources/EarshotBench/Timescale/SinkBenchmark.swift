import ArgumentParser
import ByteJSON
import Common
import Connectors
import Crypto
import CurlTransport
import Foundation
import LocalFiles
import Logging
import PostgresDatabase
import Reports
import SQLiteLog
import ServiceKit
import ServiceLifecycle

/// The sink of the reports, rollups and offsets included, beside a bare binary COPY of the rows that it wrote into the
/// tables that it wrote them to.
struct SinkBenchmark: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "sink",
        abstract:
            "Store feedback in PostgreSQL: new, known already, edited; beside a bare binary COPY of the same rows.",
        discussion: "EARSHOT_TEST_TIMESCALE=postgres://… names a server where a database can be made.")

    @Option(help: "Feedback of a round.") var count = 100_000
    @Option(help: "How often all is timed.") var repetitions = 3

    func run() async throws {
        guard let server = ScratchDatabase.server() else { return }
        var rates: [String: [Double]] = [:]
        var hasTimescale = false
        for _ in 0..<repetitions {
            let database = try ScratchDatabase(on: server)
            hasTimescale = database.hasTimescale
            do {
                for (what, rate) in try await measure(database) { rates[what, default: []].append(rate) }
            } catch {
                try database.drop()
                throw error
            }
            try database.drop()
        }
        print("\(count) feedback, hypertables: \(hasTimescale ? "yes" : "no"), median of \(repetitions)")
        let medians = rates.mapValues(median)
        let bare = medians["copy both"] ?? 1
        var table = Table("", "feedback/s", "of COPY of both", "wanted")
        for (what, key, wanted) in [
            ("bare binary COPY of feedback and fact, both in one transaction a batch", "copy both", ""),
            ("– of the items alone (feedback)", "copy feedback", ""),
            ("– of the counted rows alone (the hypertable fact)", "copy fact", ""),
            ("– of feedback and fact, each in one piece", "copy whole", ""),
            ("sink: new feedback", "new", "0.50"), ("sink: known already, sent again", "known", ""),
            ("sink: every one edited", "edited", ""), ("sink: every one moved to another time", "moved", ""),
        ] { table.add(what, grouped(medians[key] ?? 0), fixed((medians[key] ?? 0) / bare, 2), wanted) }
        table.show()
    }

    private func measure(_ scratch: ScratchDatabase) async throws -> [String: Double] {
        let folder = FileManager.default.temporaryDirectory.path + "/earshot-sink-\(UUID().uuidString)"
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let log = try SQLiteLog(folder: folder)
        let database = try PostgresDatabase(PostgresSettings(url: Secret(scratch.url), schema: "earshot_reports"))
        try await log.create(Topic.all)
        var rates: [String: Double] = [:]
        var logger = Logger(label: "bench")
        logger.logLevel = .error
        let directory = Directory(log: log, logger: logger)
        try await directory.load()
        let store = ReportsStore(database: database)
        for (turn, what) in ["new", "known", "edited", "moved"].enumerated() {
            try await append(turn, revision: [1, 1, 2, 3][turn], to: log)
            let role = try await ReportsRole.build(
                RoleContext(
                    log: log, database: database, transport: CurlTransport(policy: .any), directory: directory,
                    vault: try Vault(masterKey: Array(repeating: 7, count: 32)), connectors: ConnectorRegistry([]),
                    metrics: Metrics(), logger: logger, publicURL: "", files: try LocalFiles(folder: folder + "/files"))
            )
            let begun = ContinuousClock.now
            try await withThrowingTaskGroup(of: Void.self) { tasks in
                for service in role.services { tasks.addTask { try await service.run() } }
                while try await !isSettled(log, store) { try await Task.sleep(for: .milliseconds(10)) }
                rates[what] = Double(count) / (ContinuousClock.now - begun).inSeconds
                tasks.cancelAll()
            }
            if turn == 0 {
                for (key, rate) in try copy(in: scratch, by: folder) { rates[key] = rate }
            }
        }
        try await database.close()
        await log.close()
        return rates
    }

    /// Takes the rows out and puts them back by COPY, from empty tables on: in one piece, and in batches of as many as
    /// the sink takes, in the order in which it took them.
    private func copy(in scratch: ScratchDatabase, by folder: String) throws -> [(String, Double)] {
        let tables = ["feedback", "fact"]
        let orders = ["feedback": "raw_offset", "fact": "timestamp"]
        let batch = ReportsSettings().batchSize
        let starts = stride(from: 0, to: count, by: batch)
        for table in tables {
            try scratch.run("\\copy (SELECT * FROM \(table)) TO '\(folder)/\(table)' (FORMAT binary)")
            for start in starts {
                try scratch.run(
                    """
                    \\copy (SELECT * FROM \(table) ORDER BY \(orders[table] ?? "1") LIMIT \(batch) OFFSET \(start)) TO \
                    '\(folder)/\(table)-\(start)' (FORMAT binary)
                    """)
            }
        }
        func rate(_ script: [String]) throws -> Double {
            try scratch.run("TRUNCATE feedback, fact", "CHECKPOINT")
            return Double(count) / (try scratch.seconds(script))
        }
        func piece(_ table: String, _ start: Int) -> String {
            "\\copy \(table) FROM '\(folder)/\(table)-\(start)' (FORMAT binary)"
        }
        var rates: [(String, Double)] = []
        for table in tables { rates.append(("copy \(table)", try rate(starts.map { piece(table, $0) }))) }
        rates.append(
            ("copy whole", try rate(tables.map { "\\copy \($0) FROM '\(folder)/\($0)' (FORMAT binary)" })))
        rates.append(
            (
                "copy both",
                try rate(starts.flatMap { start in ["BEGIN"] + tables.map { piece($0, start) } + ["COMMIT"] })
            ))
        return rates
    }

    private func isSettled(_ log: SQLiteLog, _ store: ReportsStore) async throws -> Bool {
        let positions = try await store.positions()
        return try await log.bounds(of: .feedback).allSatisfy { $0.end == positions[$0.partition] ?? 0 }
    }

    /// Puts feedback on the topic as the parser would: half as many people as feedback, half a year.
    private func append(_ turn: Int, revision: Int64, to log: SQLiteLog) async throws {
        let workspace = WorkspaceID(digest: SHA256.hash(data: Array("workspace".utf8)).prefix(16))
        let stream = StreamID(digest: SHA256.hash(data: Array("stream".utf8)).prefix(16))
        for start in stride(from: 0, to: count, by: 1000) {
            var batch = RecordBatch()
            for number in start..<min(count, start + 1000) {
                let at = Timestamp(
                    milliseconds: 1_767_225_600_000 + Int64(number) * (15_552_000_000 / Int64(count))
                        + (revision == 3 ? 86_400_000 : 0))
                var feedback = Feedback(
                    id: FeedbackID.derive(
                        workspace: workspace, connector: "jsonl", instance: "file", externalID: "\(number)"),
                    workspace: workspace,
                    source: .init(
                        name: "jsonl", instance: "file", connection: nil, stream: stream, externalID: "\(number)",
                        how: "import"),
                    text: "Number \(number): since the last update the export of a report takes minutes, and then it "
                        + "fails. Before, it took seconds. I like the rest of it, \(revision) of 5.",
                    connector: "jsonl@1", contentHash: "\(revision)", timestamp: at, collectedAt: at,
                    revision: revision, raw: .init(partition: 0, offset: Int64(turn * count + number), item: 0))
                feedback.language = ["en", "de", "ja"][number % 3]
                feedback.sentiment = Sentiment.allCases[number % 3]
                feedback.sentimentScore = Double(number % 19) - 9
                feedback.intent = Intent.allCases[number % Intent.allCases.count]
                feedback.topics = [["export"], ["export", "speed"], []][number % 3]
                feedback.rating = Double(1 + number % 5)
                feedback.author = .init(id: "\(number * 7 % (count / 2))", name: nil, email: nil, country: "de")
                var writer = JSONWriter()
                feedback.write(to: &writer)
                batch.append(key: feedback.id.rawValue, value: writer.bytes)
            }
            try await log.append(batch, to: .feedback)
        }
    }
}
