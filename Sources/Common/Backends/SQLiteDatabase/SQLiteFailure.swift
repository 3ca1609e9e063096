import Common
import GRDB
import GRDBSQLite

/// Says in the words of the contract what SQLite said in numbers.
enum SQLiteFailure {
    /// The last error of a connection.
    static func lastError(of handle: OpaquePointer?, in statement: String) -> any Error {
        error(
            code: sqlite3_extended_errcode(handle), reason: String(cString: sqlite3_errmsg(handle)),
            statement: statement)
    }

    /// An error that GRDB met: while opening, preparing, beginning or committing.
    static func error(_ error: GRDB.DatabaseError, in place: String? = nil) -> any Error {
        let reason = error.message ?? "SQLite error \(error.extendedResultCode.rawValue)"
        return self.error(
            code: error.extendedResultCode.rawValue, reason: place.map { "\($0): \(reason)" } ?? reason,
            statement: error.sql ?? "")
    }

    private static func error(code: CInt, reason: String, statement: String) -> any Error {
        if code == SQLITE_BUSY | 2 << 8 { return Common.DatabaseError.serializationFailure(reason) }  // BUSY_SNAPSHOT
        switch code & 0xFF {
        case SQLITE_CONSTRAINT: return Common.DatabaseError.constraint(reason)
        case SQLITE_BUSY, SQLITE_LOCKED, SQLITE_FULL, SQLITE_IOERR, SQLITE_CANTOPEN:
            return Common.DatabaseError.unavailable(reason)
        case SQLITE_CORRUPT, SQLITE_NOTADB: return Common.DatabaseError.corrupt(reason)
        case SQLITE_INTERRUPT: return CancellationError()
        default: return Common.DatabaseError.statement(statement, reason: reason)
        }
    }
}
