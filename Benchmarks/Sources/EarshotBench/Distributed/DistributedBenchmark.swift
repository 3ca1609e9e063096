import ArgumentParser
import ByteJSON
import CKafkaLoop
import Client
import Common
import Foundation
import KafkaLog
import Logging
import PostgresDatabase

/// The distributed shape: five processes on a broker and a database server, all on this machine.
struct DistributedBenchmark: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "distributed",
        abstract: "Raw event to visible insight with a process a role on Kafka and PostgreSQL: rate, freshness.",
        discussion: """
            EARSHOT_TEST_KAFKA=host:port names a broker without topics of Earshot's, and EARSHOT_TEST_TIMESCALE=postgres://… \
            (or EARSHOT_TEST_POSTGRES) a server where a database can be made. Topics and database go again afterwards.
            """)

    @Option(help: "The binary that `make build` made.") var earshot = ".build/release/earshot"
    @Option(help: "Feedback of the run that measures the rate.") var count = 200_000
    @Option(help: "Feedback a second of the run that measures freshness.") var pace = 4000
    @Option(help: "Seconds of that run.") var seconds = 30
    @Option(help: "The first of five ports to use.") var port = 18_440

    /// Requests of the paced run in a second, and rows of each that are watched.
    private static let requestsPerSecond = 20
    private static let watchedRows = 4

    func run() async throws {
        guard let broker = ProcessInfo.processInfo.environment["EARSHOT_TEST_KAFKA"] else {
            print("SKIPPED: EARSHOT_TEST_KAFKA=host:port names no broker")
            return
        }
        guard let server = ScratchDatabase.server() else { return }
        try await requireNoRecords(on: broker)
        let database = try ScratchDatabase(on: server)
        let roles = RolesUnderTest(binary: earshot, port: port, broker: broker, database: database.url)
        let outcome: Result<Void, any Error>
        do {
            try await roles.start()
            outcome = .success(try await measure(roles, database))
        } catch {
            outcome = .failure(error)
        }
        await roles.stop()
        try database.drop()
        for topic in Topic.all where kafka_loop_delete_topic(broker, topic.name) != 0 {
            print("the broker could not delete \(topic.name)")
        }
        try outcome.get()
    }

    /// What is on the topics already would be read as well, and what is deleted afterwards must be ours.
    private func requireNoRecords(on broker: String) async throws {
        let log = try KafkaLog(KafkaSettings(brokers: [broker]), logger: Logger(label: "bench"))
        var records: Int64 = 0
        for topic in Topic.all {
            records += ((try? await log.bounds(of: topic)) ?? []).reduce(0) { $0 + $1.end }
        }
        await log.close()
        guard records == 0 else {
            throw BenchmarkFailure(
                what: "\(broker) has \(records) records on topics of Earshot's: name a broker without, or delete them")
        }
    }

    private func measure(_ roles: RolesUnderTest, _ scratch: ScratchDatabase) async throws {
        let client = try roles.clients()
        let answer = try await client("workspace").json(
            "POST", "/CreateWorkspace", body: ["name": "Bench", "feedback_entities": [["connector": "jsonl"]]])
        guard let workspace = answer["workspace_id"]?.string.flatMap({ WorkspaceID($0) }),
            let stream = answer["streams"]?[0]?["stream_id"]?.string
        else { throw BenchmarkFailure(what: "no workspace: \(String(decoding: answer.raw, as: UTF8.self))") }
        let database = try PostgresDatabase(PostgresSettings(url: Secret(scratch.url), schema: "earshot_reports"))
        let imports = Imports(to: stream, by: client("webhook"))
        print(
            "five processes on Kafka and PostgreSQL, invented reviews of \(imports.line(count).count) bytes; hypertables: "
                + (scratch.hasTimescale ? "yes" : "no"))

        let before = roles.processorSeconds()
        let begun = ContinuousClock.now
        try await imports.send(0..<count)
        let sent = (ContinuousClock.now - begun).inSeconds
        try await settle(database, count)
        let settled = (ContinuousClock.now - begun).inSeconds
        let used = roles.processorSeconds()
        var table = Table("figure", "measured", "wanted")
        table.add("feedback a second, POST to visible", grouped(Double(count) / settled), "8,000")
        table.add("rows a second accepted (durable on the broker)", grouped(Double(count) / sent), "")
        for role in RolesUnderTest.roles {
            let seconds = (used[role] ?? 0) - (before[role] ?? 0)
            table.add("CPU a feedback of \(role), µs", fixed(seconds / Double(count) * 1e6, 1), "")
        }

        let pacedFrom = ContinuousClock.now
        let times = try await pacedRun(imports, database, workspace).sorted()
        let rate = Double(pace * seconds) / (ContinuousClock.now - pacedFrom).inSeconds
        try await settle(database, count + pace * seconds)
        guard !times.isEmpty else { throw BenchmarkFailure(what: "nothing was watched") }
        table.add("feedback a second in the paced run", grouped(rate), grouped(Double(pace)))
        table.add("– POST due to visible, p50, ms", fixed(times[times.count / 2] * 1000, 0), "")
        table.add("– p99, ms", fixed(times[times.count * 99 / 100] * 1000, 0), "2000")
        table.add("– most, ms", fixed(times[times.count - 1] * 1000, 0), "")
        table.show()
        print("\(times.count) rows of the paced run were watched")
        try await check(client("reports"), workspace)
        try await database.close()
    }

    /// Sends at the pace, and hands back how long rows took from when their request was due until a query found them.
    private func pacedRun(
        _ imports: Imports, _ database: PostgresDatabase, _ workspace: WorkspaceID
    ) async throws -> [Double] {
        let watch = Watch(database: database)
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            tasks.addTask { try await watch.look() }
            try await imports.send(
                count..<count + pace * seconds, atPace: pace, requestsPerSecond: Self.requestsPerSecond
            ) { rows, due in
                let ids = (0..<Self.watchedRows).map { turn in
                    let row = rows.lowerBound + rows.count * (2 * turn + 1) / (2 * Self.watchedRows)
                    return FeedbackID.derive(
                        workspace: workspace, connector: "jsonl", instance: imports.stream, externalID: "\(row)")
                }
                await watch.expect(ids, since: due)
            }
            try await watch.finish()
            tasks.cancelAll()
        }
        return await watch.times
    }

    /// Waits until all feedback has met its fate; what was withheld would never.
    private func settle(_ database: PostgresDatabase, _ wanted: Int) async throws {
        var last: Int64 = -1
        var moved = ContinuousClock.now
        while true {
            let stored = try await database.read {
                try $0.first("SELECT SUM(feedback + merged) FROM rollup") { $0.integer(0) } ?? 0
            }
            if stored >= Int64(wanted) { return }
            if stored != last { (last, moved) = (stored, .now) }
            guard ContinuousClock.now - moved < .seconds(30) else {
                throw BenchmarkFailure(what: "\(stored) of \(wanted) feedback are visible, and no more come")
            }
            try await Task.sleep(for: .milliseconds(20))
        }
    }

    /// What is visible to SQL is in the answers.
    private func check(_ client: APIClient, _ workspace: WorkspaceID) async throws {
        let report = try await client.json(
            "GET", "/GetInsightReports",
            query: [
                ("workspace_id", workspace.rawValue), ("from", "2020-01-01"), ("to", "2036-01-01"),
                ("interval", "year"),
            ])
        let counted =
            (report["totals"]?["feedback"]?.int64 ?? 0) + (report["totals"]?["merged"]?.int64 ?? 0)
        guard counted == Int64(count + pace * seconds) else {
            throw BenchmarkFailure(what: "the report counts \(counted): \(report["totals"].map { "\($0)" } ?? "")")
        }
    }
}
