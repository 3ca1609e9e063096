public import Common
import Foundation
import GRDB

/// A service's database in one SQLite file: one writer, concurrent readers, each with one state of the data.
///
/// A transaction that `write` returned from is on the disk (WAL with `synchronous=FULL`). Bodies run on threads of
/// their own, never on the cooperative pool.
public final class SQLiteDatabase: Common.Database {
    private let pool: DatabasePool
    private let checkpointer: Checkpointer

    public let dialect = Dialect.sqlite

    /// Opens the file, or makes it, with the folders above it.
    ///
    /// - Throws: ``DatabaseError/unavailable(_:)`` or ``DatabaseError/corrupt(_:)``, naming the file.
    public init(path: String) throws {
        var configuration = Configuration()
        configuration.label = "database"
        configuration.maximumReaderCount = 4
        configuration.busyMode = .timeout(10)
        configuration.prepareDatabase { db in
            // Documents fill pages of this size, and it is the number of pages that a commit costs. For new files only.
            if !db.configuration.readonly { try db.execute(sql: "PRAGMA page_size = 16384") }
            for setting in Self.settings { try db.execute(sql: "PRAGMA \(setting)") }
            // In KiB; what readers share is in the system's cache.
            try db.execute(sql: "PRAGMA cache_size = \(db.configuration.readonly ? -4000 : -32000)")
        }
        let folder = URL(fileURLWithPath: path).deletingLastPathComponent()
        do {
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
            pool = try DatabasePool(path: path, configuration: configuration)
            // The pool chooses NORMAL when it turns WAL on: a power failure could take back a committed transaction.
            try pool.writeWithoutTransaction { try $0.execute(sql: "PRAGMA synchronous = FULL") }
            checkpointer = try Checkpointer(path: path)
            pool.writeWithoutTransaction { [checkpointer] in checkpointer.watch($0) }
        } catch let error as GRDB.DatabaseError {
            throw SQLiteFailure.error(error, in: path)
        } catch {
            throw Common.DatabaseError.unavailable("\(path): \(error.localizedDescription)")
        }
    }

    /// For every connection: what is erased is overwritten, the WAL stays small, sorting happens in memory.
    private static let settings = [
        "secure_delete = ON", "temp_store = MEMORY", "journal_size_limit = 67108864",
    ]

    public func read<Value: Sendable>(
        _ body: @escaping @Sendable (any DatabaseConnection) throws -> Value
    ) async throws -> Value {
        do {
            return try await pool.read { try body(SQLiteConnection($0)) }
        } catch let error as GRDB.DatabaseError {
            throw SQLiteFailure.error(error)
        }
    }

    @discardableResult
    public func write<Value: Sendable>(
        _ body: @escaping @Sendable (any DatabaseConnection) throws -> Value
    ) async throws -> Value {
        do {
            return try await pool.write { try body(SQLiteConnection($0)) }
        } catch let error as GRDB.DatabaseError {
            throw SQLiteFailure.error(error)
        }
    }

    public func migrate(_ migrations: [Migration]) async throws {
        let ordered = migrations.sorted { $0.number < $1.number }
        precondition(Set(ordered.map(\.number)).count == ordered.count, "two migrations with one number")
        let known = ordered.last?.number ?? 0
        try await write { connection in
            try connection.execute(
                """
                CREATE TABLE IF NOT EXISTS schema_migration (
                    number INTEGER PRIMARY KEY, title TEXT NOT NULL, applied_at INTEGER NOT NULL)
                """)
            let found = try connection.first("SELECT max(number) FROM schema_migration") { Int($0.integer(0)) } ?? 0
            if found > known { throw Common.DatabaseError.newerSchema(found: found, known: known) }
        }
        for migration in ordered {
            try await write { connection in
                let isApplied = try connection.first(
                    "SELECT 1 FROM schema_migration WHERE number = \(migration.number)"
                ) { _ in true }
                if isApplied == true { return }
                try migration.apply(connection)
                try connection.execute(
                    """
                    INSERT INTO schema_migration (number, title, applied_at)
                    VALUES (\(migration.number), \(migration.title), \(Timestamp.now))
                    """)
            }
        }
    }

    /// Closes the file; whatever is called afterwards throws.
    public func close() throws {
        do {
            try pool.close()
            try checkpointer.close()
        } catch let error as GRDB.DatabaseError {
            throw SQLiteFailure.error(error)
        }
    }
}
