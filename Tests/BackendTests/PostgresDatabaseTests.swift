import Common
import Foundation
import Synchronization
import TestKit
import Testing

@testable import PostgresDatabase

@Suite("The database over PostgreSQL", .timeLimit(.minutes(5)))
struct PostgresDatabaseTests {
    /// A database in a schema of its own on the private server.
    private static func database(
        schema: String = UUID().uuidString, on cluster: PostgresCluster? = nil,
        _ change: (inout PostgresSettings) -> Void = { _ in }
    ) async throws -> PostgresDatabase {
        let url = if let cluster { cluster.url } else { try await PostgresCluster.shared().url }
        var settings = PostgresSettings(url: url, schema: schema)
        change(&settings)
        return try PostgresDatabase(settings)
    }

    private static let items = [
        Migration(1, "items") { connection in
            try connection.execute("CREATE TABLE item (id BIGINT PRIMARY KEY, name TEXT)")
        }
    ]

    private static func count(_ database: PostgresDatabase) async throws -> Int64? {
        try await database.read { try $0.first("SELECT count(*) FROM item") { $0.integer(0) } }
    }

    @Test("keeps the contract of a database", arguments: DatabaseConformance.behaviours)
    func contract(behaviour: DatabaseBehaviour) async throws {
        let schema = UUID().uuidString
        try await behaviour.check(DatabaseBench { try await Self.database(schema: schema) })
    }

    // MARK: - Cancellation and time-outs

    @Test("stops the statement on the server when the task is cancelled, and goes on with another transaction")
    func cancelledStatement() async throws {
        let database = try await Self.database()
        let (isRunning, tellRunning) = AsyncStream.makeStream(of: Int64.self)
        let task = Task {
            try await database.write { connection in
                tellRunning.yield(try connection.first("SELECT pg_backend_pid()") { $0.integer(0) } ?? 0)
                try connection.execute("SELECT pg_sleep(3600)")
            }
        }
        for await process in isRunning {
            try await waitUntil("the statement runs") {
                try await database.read { connection in
                    try connection.first(
                        "SELECT 1 FROM pg_stat_activity WHERE pid = \(process) AND wait_event = 'PgSleep'"
                    ) { _ in true } ?? false
                }
            }
            break
        }
        task.cancel()
        await #expect(throws: CancellationError.self) { try await task.value }
        #expect(try await database.write { try $0.first("SELECT 2") { $0.integer(0) } } == 2)
    }

    @Test("tells a task at once that is cancelled while it waits for a connection")
    func cancelledInTheQueue() async throws {
        let database = try await Self.database()
        let (hasBegun, tellBegun) = AsyncStream.makeStream(of: Void.self)
        let gate = Gate()
        async let first: Void = database.write { _ in
            tellBegun.yield()
            gate.wait()
        }
        for await _ in hasBegun { break }
        let second = Task { try await database.write { _ in Issue.record("it was cancelled before it began") } }
        second.cancel()
        await #expect(throws: CancellationError.self) { try await second.value }
        gate.open()
        try await first
    }

    @Test("writes nothing of a task that is cancelled before the commit")
    func cancelledBody() async throws {
        let database = try await Self.database()
        try await database.migrate(Self.items)
        let (hasWritten, tellWritten) = AsyncStream.makeStream(of: Void.self)
        let gate = Gate()
        let task = Task {
            try await database.write { connection in
                try connection.execute("INSERT INTO item (id) VALUES (1)")
                tellWritten.yield()
                gate.wait()
            }
        }
        for await _ in hasWritten { break }
        task.cancel()
        gate.open()
        await #expect(throws: CancellationError.self) { try await task.value }
        #expect(try await Self.count(database) == 0)
    }

    @Test("ends a statement that takes longer than it may")
    func statementTimeout() async throws {
        let database = try await Self.database { $0.statementTimeout = 1 }
        await #expect {
            try await database.read { try $0.execute("SELECT pg_sleep(3600)") }
        } throws: {
            if case DatabaseError.unavailable = $0 { true } else { false }
        }
    }

    @Test("refuses more waiting transactions than it may hold")
    func bounded() async throws {
        let database = try await Self.database { $0.waiting = 1 }
        let (hasBegun, tellBegun) = AsyncStream.makeStream(of: Void.self)
        let gate = Gate()
        async let first: Void = database.write { _ in
            tellBegun.yield()
            gate.wait()
        }
        for await _ in hasBegun { break }
        let outcomes = await withTaskGroup(of: Bool.self) { tasks in
            for _ in 0..<3 {
                tasks.addTask { (try? await database.write { _ in }) != nil }
            }
            var outcomes: [Bool] = []
            for await outcome in tasks {
                outcomes.append(outcome)
                if outcomes.count == 2 { gate.open() }
            }
            return outcomes
        }
        #expect(outcomes == [false, false, true])
        try await first
    }

    // MARK: - Lost connections

    @Test("says that the connection went, writes nothing, and connects again")
    func lostConnection() async throws {
        let database = try await Self.database()
        try await database.migrate(Self.items)
        await #expect {
            try await database.write { connection in
                try connection.execute("INSERT INTO item (id) VALUES (1)")
                try connection.execute("SELECT pg_terminate_backend(pg_backend_pid())")
                try connection.execute("INSERT INTO item (id) VALUES (2)")
            }
        } throws: {
            if case DatabaseError.unavailable = $0 { true } else { false }
        }
        #expect(try await Self.count(database) == 0)
        try await database.write { try $0.execute("INSERT INTO item (id) VALUES (3)") }
        #expect(try await Self.count(database) == 1)
    }

    @Test("hears what another program notifies, also after the server was away, and then rings once for what it missed")
    func notifications() async throws {
        let cluster = try await PostgresCluster()
        let (hearing, telling) = (
            try await Self.database(schema: "s", on: cluster), try await Self.database(schema: "s", on: cluster)
        )
        try await telling.migrate(Self.items)
        let rings = Mutex(0)
        let task = Task { for await _ in hearing.notifications("news") { rings.withLock { $0 += 1 } } }
        defer { task.cancel() }
        try await waitUntil("it listens") { rings.withLock { $0 } == 1 }
        try await telling.write { try $0.notify("news") }
        try await waitUntil("it hears") { rings.withLock { $0 } == 2 }
        try await Self.database(schema: "t", on: cluster).write { try $0.notify("news") }
        try await cluster.stop()
        #expect(rings.withLock { $0 } == 2)
        try await cluster.start()
        try await waitUntil("it listens again") { rings.withLock { $0 } == 3 }
        try await telling.write { try $0.notify("news") }
        try await waitUntil("it hears again") { rings.withLock { $0 } == 4 }
        await hearing.close()
        await task.value
    }

    @Test("does not notice that the server was restarted between two transactions")
    func restart() async throws {
        let cluster = try await PostgresCluster()
        let database = try await Self.database(on: cluster)
        try await database.migrate(Self.items)
        #expect(try await Self.count(database) == 0)
        try await cluster.stop()
        try await cluster.start()
        try await database.write { try $0.execute("INSERT INTO item (id) VALUES (1)") }
        #expect(try await Self.count(database) == 1)
    }

    @Test("waits for a server that is away for a moment, and says so of one that stays away")
    func away() async throws {
        let cluster = try await PostgresCluster()
        let patient = try await Self.database(schema: "s", on: cluster) { $0.patience = 100 }
        let hasty = try await Self.database(schema: "s", on: cluster) { $0.patience = 0 }
        try await patient.migrate(Self.items)
        try await cluster.stop()
        await #expect {
            try await Self.count(hasty)
        } throws: {
            if case DatabaseError.unavailable(let reason) = $0 { reason.contains("PostgreSQL") } else { false }
        }
        async let later = patient.write { try $0.execute("INSERT INTO item (id) VALUES (1)") }
        try await cluster.start()
        #expect(try await later == 1)
    }

    // MARK: - Writers beside each other

    @Test("lets writers of several programs take turns, so that none has to be run again")
    func writersTakeTurns() async throws {
        let schema = UUID().uuidString
        let first = try await Self.database(schema: schema)
        try await first.migrate(Self.items)
        let second = try await Self.database(schema: schema)
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            for database in [first, second] {
                for _ in 0..<50 {
                    tasks.addTask {
                        // Reads and decides without a lock of its own.
                        _ = try await database.write { connection in
                            let last = try connection.first("SELECT max(id) FROM item") { $0.integer(0) } ?? 0
                            try connection.execute("INSERT INTO item (id) VALUES (\(last + 1))")
                        }
                    }
                }
            }
            try await tasks.waitForAll()
        }
        #expect(try await Self.count(first) == 100)
    }

    @Test("migrates once when many programs start at once")
    func manyStart() async throws {
        let schema = UUID().uuidString
        let migrations = [
            Migration(1, "items") { connection in
                try connection.execute("CREATE TABLE item (id BIGINT PRIMARY KEY)")
                try connection.execute("INSERT INTO item (id) VALUES (1)")
            }
        ]
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            for _ in 0..<8 {
                tasks.addTask { try await Self.database(schema: schema).migrate(migrations) }
            }
            try await tasks.waitForAll()
        }
        #expect(try await Self.count(try await Self.database(schema: schema)) == 1)
    }

    @Test("does not commit what a failed statement has undone, even if the body caught the error")
    func caughtError() async throws {
        let database = try await Self.database()
        try await database.migrate(Self.items)
        await #expect {
            try await database.write { connection in
                try connection.execute("INSERT INTO item (id) VALUES (1)")
                _ = try? connection.execute("INSERT INTO item (id) VALUES (1)")
            }
        } throws: {
            if case DatabaseError.constraint = $0 { true } else { false }
        }
        #expect(try await Self.count(database) == 0)
    }

    // MARK: - Values

    @Test("reads a long result row by row, and keeps what is left of it while another statement runs")
    func longResult() async throws {
        let database = try await Self.database()
        let isRight = try await database.read { connection in
            var expected: Int64 = 1
            var isRight = true
            try connection.forEach("SELECT g, 'text ' || g FROM generate_series(1, 50000) AS g") { row in
                if expected == 20_000 {
                    let inner = try connection.first("SELECT 7") { $0.integer(0) }
                    isRight = isRight && inner == 7
                }
                isRight = isRight && row.integer(0) == expected && row.text(1) == "text \(expected)"
                expected += 1
            }
            return isRight && expected == 50_001
        }
        #expect(isRight)
    }

    @Test("goes on after a body that did not want all rows")
    func unwantedRows() async throws {
        struct Enough: Error {}
        let database = try await Self.database()
        let found = try await database.read { connection in
            try? connection.forEach("SELECT generate_series(1, 10000)") { _ in throw Enough() }
            return try connection.first("SELECT 7") { $0.integer(0) }
        }
        #expect(found == 7)
    }

    @Test("reads integers, reals and booleans of all kinds")
    func types() async throws {
        let database = try await Self.database()
        try await database.read { connection in
            try connection.forEach(
                """
                SELECT 7::SMALLINT, -7::INT, 7::BIGINT, TRUE, 1234567890123::NUMERIC, -12345.678::NUMERIC, 0::NUMERIC,
                    SUM(g)::NUMERIC, 1.5::REAL, 1e300::NUMERIC, 'NaN'::NUMERIC, '42'::TEXT
                FROM generate_series(1, 100000) AS g
                """
            ) { row in
                #expect((0..<8).map { row.integer($0) } == [7, -7, 7, 1, 1_234_567_890_123, -12345, 0, 5_000_050_000])
                #expect(row.real(5) == -12345.678)
                #expect(row.real(8) == 1.5)
                #expect(row.integer(8) == 1)
                #expect(abs(row.real(9) / 1e300 - 1) < 1e-12)
                #expect(row.real(10).isNaN)
                #expect(row.integer(11) == 42)
                #expect((0..<4).map { row.text($0) } == ["7", "-7", "7", "1"])
            }
        }
    }

    @Test("puts U+001A in the place of a nul in a text, alone and in bulk")
    func nul() async throws {
        let database = try await Self.database()
        try await database.migrate(Self.items)
        try await database.write { connection in
            try connection.execute("INSERT INTO item (id, name) VALUES (1, \("a\u{0}b"))")
            try connection.write(
                BulkRows([.integers([2]), .texts(["\u{0}\u{0}"])]),
                BulkStatement(into: "item", columns: ["id", "name"]))
        }
        let found = try await database.read { try $0.query("SELECT name FROM item ORDER BY id") { $0.text(0) } }
        #expect(found == ["a\u{1A}b", "\u{1A}\u{1A}"])
    }

    @Test("sorts texts by their bytes whatever the server's collation, as the services' tables ask for it")
    func collation() async throws {
        let database = try await Self.database()
        let names = ["a", "B", "ä", "Z", "_", "b"]
        try await database.migrate([
            Migration(1, "names") { connection in
                try connection.execute(
                    "CREATE TABLE name (plain TEXT, bytes \(raw: connection.dialect.text))")
                for name in names { try connection.execute("INSERT INTO name VALUES (\(name), \(name))") }
            }
        ])
        let sorted = try await database.read { try $0.query("SELECT bytes FROM name ORDER BY bytes") { $0.text(0) } }
        #expect(sorted == names.sorted { Array($0.utf8).lexicographicallyPrecedes(Array($1.utf8)) })
    }

    // MARK: - Settings and errors

    @Test("does not repeat the password of a URL that it cannot read")
    func unreadableURL() async throws {
        #expect {
            _ = try PostgresDatabase(PostgresSettings(url: Secret("postgres://ann:geh%eim@host/db"), schema: "s"))
        } throws: {
            if case DatabaseError.unavailable(let reason) = $0 { !reason.contains("eim") } else { false }
        }
    }

    @Test("lets the URL say how long a statement may take")
    func options() async throws {
        let url = try await PostgresCluster.shared().url.reveal() + "&options=-c%20statement_timeout%3D77s"
        let database = try PostgresDatabase(PostgresSettings(url: Secret(url), schema: "s"))
        #expect(try await database.read { try $0.first("SHOW statement_timeout") { $0.text(0) } } == "77s")
    }

    @Test("throws after it was closed")
    func closed() async throws {
        let database = try await Self.database()
        #expect(try await database.read { try $0.first("SELECT 1") { $0.integer(0) } } == 1)
        try await database.close()
        await #expect(throws: DatabaseError.self) {
            try await database.read { try $0.first("SELECT 1") { $0.integer(0) } }
        }
    }

    @Test(
        "says by SQLSTATE what to do",
        arguments: [
            ("40001", "the transaction met"), ("40P01", "the transaction met"), ("23505", "a constraint"),
            ("23503", "a constraint"), ("08006", "not available"), ("57P01", "not available"),
            ("53300", "not available"), ("57014", "not available"), ("25P03", "not available"),
            ("XX001", "damaged"), ("42601", "in: SELECT"),
        ])
    func states(state: String, words: String) {
        let error = PostgresFailure.error(state: state, reason: "reason", isLost: false, statement: "SELECT")
        #expect("\(error)".contains(words))
    }
}
