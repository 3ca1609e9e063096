import Common
import GRDBSQLite

/// Says in the words of the contract what SQLite said in numbers.
enum LogFailure {
    static func lastError(of handle: OpaquePointer?, doing action: String) -> EventLogError {
        let code = sqlite3_extended_errcode(handle) & 0xFF
        let reason = String(cString: sqlite3_errmsg(handle))
        return switch code {
        case SQLITE_FULL:
            .unavailable("no space is left for the log (\(reason)): free some, or keep records for less long")
        case SQLITE_CORRUPT, SQLITE_NOTADB: .corrupt("\(reason) while \(action)")
        default: .unavailable("\(reason) while \(action)")
        }
    }
}
