import GRDB
import GRDBSQLite
import Synchronization

/// Copies the write-ahead log into the file on a connection and a thread of its own, so that commits seldom wait for it.
final class Checkpointer: Sendable {
    /// From this many pages on (8 MiB) the copying begins…
    private static let pagesToBegin: CInt = 500
    /// …and from this many on (64 MiB) the writer does what is left of it, which bounds the log.
    private static let pagesAtMost: CInt = 4000

    private let connection: DatabaseQueue
    private let isAtWork = Atomic(false)

    init(path: String) throws {
        var configuration = Configuration()
        configuration.label = "checkpoint"
        configuration.busyMode = .timeout(10)
        connection = try DatabaseQueue(path: path, configuration: configuration)
    }

    /// Looks at the log after every commit of this connection.
    ///
    /// SQLite keeps the pointer and not the object: the pool that the connection is of must be closed first.
    func watch(_ writer: GRDB.Database) {
        sqlite3_wal_hook(
            writer.sqliteConnection,
            { checkpointer, writer, _, pages in
                guard let checkpointer, pages >= Checkpointer.pagesToBegin else { return SQLITE_OK }
                if pages >= Checkpointer.pagesAtMost {
                    // What a reader still needs stays; that it is busy is no failure of the commit
                    sqlite3_wal_checkpoint_v2(writer, nil, SQLITE_CHECKPOINT_PASSIVE, nil, nil)
                } else {
                    Unmanaged<Checkpointer>.fromOpaque(checkpointer).takeUnretainedValue().begin()
                }
                return SQLITE_OK
            }, Unmanaged.passUnretained(self).toOpaque())
    }

    private func begin() {
        guard isAtWork.compareExchange(expected: false, desired: true, ordering: .acquiringAndReleasing).exchanged
        else { return }
        connection.asyncWriteWithoutTransaction { [self] db in
            sqlite3_wal_checkpoint_v2(db.sqliteConnection, nil, SQLITE_CHECKPOINT_PASSIVE, nil, nil)
            isAtWork.store(false, ordering: .releasing)
        }
    }

    func close() throws { try connection.close() }
}
