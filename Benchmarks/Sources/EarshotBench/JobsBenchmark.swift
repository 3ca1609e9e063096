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
    @Option(help: "How often each way is timed.") var repetitions = 3

    func run() async throws {
        print(
            "\(grouped(Double(jobs))) jobs of \(workspaces) workspaces, each claim committed, median of \(repetitions)")
        var table = Table("", "jobs a claim", "bare UPDATE, jobs/s", "engine, jobs/s", "of the bare one", "wanted")
        let folder = FileManager.default.temporaryDirectory.path + "/earshot-jobs-\(UUID().uuidString)"
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try await measure("SQLite", into: &table) { try SQLiteDatabase(path: "\(folder)/\($0).sqlite") }
        if let postgres {
            try await measure("PostgreSQL", into: &table) { name in
                try PostgresDatabase(
                    PostgresSettings(url: Secret(postgres), schema: "bench \(name) \(UUID().uuidString)"))
            }
        }
        table.show()
    }

    private func measure(_ name: String, into table: inout Table, _ open: (String) throws -> any Database) async throws
    {
        for (claim, limit) in [(1, 2000), (10, 20_000), (100, jobs)] {
            var bare: [Double] = []
            var engine: [Double] = []
            for turn in 0..<repetitions {
                let database = try open("\(claim)-\(turn)")
                try await fill(database)
                bare.append(
                    try await rate(min(limit, jobs), claim, putAway: "bare SET state = 'DONE'", in: database) {
                        try await takeBare($0, from: database)
                    })
                engine.append(
                    try await rate(
                        min(limit, jobs), claim, putAway: "job SET state = 'COMPLETED', ended_at = 0", in: database
                    ) { try await take($0, from: database) })
                try await database.close()
            }
            table.add(
                name, "\(claim)", grouped(median(bare)), grouped(median(engine)),
                fixed(median(engine) / median(bare), 2), "0.5")
        }
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
                try JobSchema.addProviders(on: connection)
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
                for number in numbers {
                    let request = JobRequest(
                        "report", workspace: names[number % names.count], payload: ["number": .integer(Int64(number))])
                    let (job, _) = try JobTable(connection, at: .now).enqueue(request, deadline: .seconds(86_400))
                    try connection.execute(
                        "INSERT INTO bare (id, state, payload) VALUES (\(job.id), 'REQUESTED', '{\"number\":1}')")
                }
            }
        }
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
