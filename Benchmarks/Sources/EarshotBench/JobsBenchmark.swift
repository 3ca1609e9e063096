import ArgumentParser
import ByteJSON
import Common
import Foundation
import PostgresDatabase
import SQLiteDatabase
import ServiceKit

/// How fast jobs are taken up, beside a bare `UPDATE … RETURNING` of as many rows of the same database.
///
/// What was taken is put away before the next is, and that is not timed: a worker has no thousands in hand.
struct JobsBenchmark: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "jobs", abstract: "Take up queued jobs: the engine, and a bare UPDATE … RETURNING.")

    @Option(help: "Jobs that wait.") var jobs = 100_000
    @Option(help: "Workspaces that they are of.") var workspaces = 100
    @Option(help: "A PostgreSQL database to measure besides SQLite: postgres://…") var postgres: String?
    @Option(help: "How often each way is timed; they take turns.") var turns = 5

    func run() async throws {
        print(
            "\(grouped(Double(jobs))) jobs of \(workspaces) workspaces, each claim committed, median of \(turns)")
        var table = Table("", "jobs a claim", "bare UPDATE, jobs/s", "engine, jobs/s", "of the bare one", "wanted")
        let folder = FileManager.default.temporaryDirectory.path + "/earshot-jobs-\(UUID().uuidString)"
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try await measure("SQLite", into: &table, SQLiteDatabase(path: "\(folder)/jobs.sqlite"))
        if let postgres {
            let schema = "bench \(UUID().uuidString)"
            let database = try PostgresDatabase(PostgresSettings(url: Secret(postgres), schema: schema))
            try await measure("PostgreSQL", into: &table, database)
        }
        table.show()
    }

    /// Takes most of the jobs: one at a time, as many as a process has slots by default, and more.
    private func measure(_ name: String, into table: inout Table, _ database: any Database) async throws {
        try await fill(database)
        for (claim, part) in [(1, 100), (4, 25), (10, 10), (100, 2)] {
            let count = jobs / part / turns / 2 / claim * claim
            var (bare, engine): ([Double], [Double]) = ([], [])
            for _ in 0..<turns {
                bare.append(
                    try await rate(count, claim, putAway: "bare SET state = 'DONE'", in: database) {
                        try await takeBare($0, from: database)
                    })
                engine.append(
                    try await rate(count, claim, putAway: "job SET state = 'COMPLETED', ended_at = 0", in: database) {
                        try await take($0, from: database)
                    })
            }
            let ratios = zip(engine, bare).map { $0 / $1 }
            table.add(
                name, "\(claim)", grouped(median(bare)), grouped(median(engine)), fixed(median(ratios), 2), "0.5")
        }
        try await database.close()
    }

    private func rate(
        _ total: Int, _ claim: Int, putAway: String, in database: any Database, _ take: (Int) async throws -> Int
    ) async throws -> Double {
        var time = Duration.zero
        var taken = 0
        while taken < total {
            let begun = ContinuousClock.now
            let count = try await take(claim)
            time += ContinuousClock.now - begun
            guard count > 0 else { throw BenchmarkFailure(what: "nothing left after \(taken) jobs") }
            taken += count
            try await database.write { try $0.execute("UPDATE \(raw: putAway) WHERE state = 'RUNNING'") }
        }
        return Double(taken) / time.inSeconds
    }

    /// The jobs, and a table with a row for each that has no more than a queue needs.
    private func fill(_ database: any Database) async throws {
        try await database.migrate([
            Migration(1, "jobs") { connection in
                try JobSchema.create(on: connection)
                let dialect = connection.dialect
                try connection.execute(
                    """
                    CREATE TABLE bare (
                        id \(raw: dialect.text) NOT NULL PRIMARY KEY, state \(raw: dialect.text) NOT NULL,
                        worker \(raw: dialect.text), lease_ends \(raw: dialect.integer), payload \(raw: dialect.text))
                    """)
                try connection.execute("CREATE INDEX bare_waiting ON bare (id) WHERE state = 'REQUESTED'")
            }
        ])
        let names = (0..<workspaces).map { _ in WorkspaceID.make() }
        for start in stride(from: 0, to: jobs, by: 5000) {
            let numbers = start..<min(jobs, start + 5000)
            try await database.write { connection in
                let table = JobTable(connection, at: .now)
                let ids = try numbers.map { number in
                    let request = JobRequest(
                        "report", workspace: names[number % names.count], payload: ["number": .integer(Int64(number))])
                    return try table.enqueue(request, deadline: .seconds(86_400)).job.id.rawValue
                }
                try connection.write(
                    BulkRows([
                        .texts(ids), .texts(ids.map { _ in "REQUESTED" }), .texts(ids.map { _ in #"{"number":1}"# }),
                    ]), BulkStatement(into: "bare", columns: ["id", "state", "payload"]))
            }
        }
        // As PostgreSQL does by itself within a minute.
        try await database.write { try $0.execute("ANALYZE") }
    }

    private func takeBare(_ count: Int, from database: any Database) async throws -> Int {
        try await database.write { connection in
            try connection.query(
                """
                UPDATE bare SET state = 'RUNNING', worker = \("w"), lease_ends = \(Timestamp.now)
                WHERE id IN (
                    SELECT id FROM bare WHERE state = 'REQUESTED' ORDER BY id LIMIT \(count)
                    \(raw: connection.dialect.forUpdateSkippingLocked))
                RETURNING id, payload
                """
            ) { ($0.text(0), $0.text(1)) }.count
        }
    }

    private func take(_ count: Int, from database: any Database) async throws -> Int {
        var definition = JobDefinition("report", steps: [])
        definition.limit = .max
        definition.workspaceLimit = .max
        let definitions = ["report": definition]
        return try await database.write { connection in
            try JobTable(connection, at: .now).claim(
                count, of: definitions, by: "w", leaseEnds: Timestamp.now.advanced(bySeconds: 30)
            ).count
        }
    }
}
