public import Common
import Foundation
import PostgresDatabase
import SQLiteDatabase

/// The database that the services' tests run on: `EARSHOT_TEST_DATABASE` is `sqlite` (the default), `postgres` for a
/// private server, or the URL of a PostgreSQL database that is there for tests.
public enum TestDatabase {
    /// Opens the database of a path, a file or a schema; called again, it opens the same data.
    public static func open(_ path: String) async throws -> any Database {
        switch ProcessInfo.processInfo.environment["EARSHOT_TEST_DATABASE"] ?? "sqlite" {
        case "sqlite": try SQLiteDatabase(path: path)
        case "postgres": try PostgresDatabase(settings(try await PostgresCluster.shared().url, path))
        case let url: try PostgresDatabase(settings(Secret(url), path))
        }
    }

    /// The URL of a database with TimescaleDB, as `EARSHOT_TEST_TIMESCALE` names it; nil if it names none.
    public static let timescale = ProcessInfo.processInfo.environment["EARSHOT_TEST_TIMESCALE"]

    /// Opens a schema of the database with TimescaleDB while `body` runs, and drops it.
    public static func onTimescale(_ path: String, _ body: (any Database) async throws -> Void) async throws {
        let settings = settings(Secret(timescale ?? ""), path)
        let database = try PostgresDatabase(settings)
        let outcome: Result<Void, any Error>
        do {
            outcome = .success(try await body(database))
        } catch {
            outcome = .failure(error)
        }
        try await database.write { try $0.execute("DROP SCHEMA IF EXISTS \(raw: "\"\(settings.schema)\"") CASCADE") }
        await database.close()
        try outcome.get()
    }

    /// One of those that a suite is to pass on whatever is set: opened again by its path, it has the same data.
    public enum Engine: Sendable, CaseIterable, CustomStringConvertible {
        case sqlite, postgres
        public var description: String { self == .sqlite ? "SQLite" : "PostgreSQL" }
    }

    /// Opens a database of this engine; PostgreSQL is a private server.
    public static func open(_ path: String, on engine: Engine) async throws -> any Database {
        switch engine {
        case .sqlite: try SQLiteDatabase(path: path)
        case .postgres: try PostgresDatabase(settings(try await PostgresCluster.shared().url, path))
        }
    }

    /// Starts a program that lies beside the tests on the database that ``open(_:on:)`` opens; its first arguments are the
    /// file or URL, and the schema.
    public static func launch(_ name: String, on engine: Engine, path: String, arguments: [String]) async throws
        -> ChildProcess
    {
        let program = Bundle.main.bundleURL.appendingPathComponent(name).path
        let database =
            switch engine {
            case .sqlite: [path, "-"]
            case .postgres:
                [try await PostgresCluster.shared().url.reveal(), settings(Secret(""), path).schema]
            }
        return try ChildProcess([program] + database + arguments)
    }

    private static func settings(_ url: Secret, _ path: String) -> PostgresSettings {
        // The path holds a folder that no other test has; a schema's name has 63 bytes at most.
        PostgresSettings(url: url, schema: "test \(path.suffix(50))")
    }
}
