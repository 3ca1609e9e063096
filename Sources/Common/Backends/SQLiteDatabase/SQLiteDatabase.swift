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
    private let listeners = Notifications()

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
            let (value, channels) = try await pool.write { connection in
                let rung = RungChannels()
                return (try body(SQLiteConnection(connection, rung: rung)), rung.names)
            }
            listeners.ring(channels)
            return value
        } catch let error as GRDB.DatabaseError {
            throw SQLiteFailure.error(error)
        }
    }

    public func notifications(_ channel: String) -> AsyncStream<Void> { listeners.listen(to: channel) }

    public func migrate(_ migrations: [Migration]) async throws { try await apply(migrations) }

    /// Closes the file; whatever is called afterwards throws.
    public func close() throws {
        listeners.close()
        do {
            try pool.close()
            try checkpointer.close()
        } catch let error as GRDB.DatabaseError {
            throw SQLiteFailure.error(error)
        }
    }
}
