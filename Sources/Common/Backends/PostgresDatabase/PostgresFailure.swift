import CPQ
import Common

/// Says in the words of the contract what the server said by SQLSTATE.
enum PostgresFailure {
    // PG_DIAG_SQLSTATE and PG_DIAG_MESSAGE_PRIMARY, character literals that Swift does not import.
    private static let stateField = Int32(UInt8(ascii: "C"))
    private static let messageField = Int32(UInt8(ascii: "M"))

    static func error(_ result: QueryResult, isLost: Bool, in statement: String) -> any Error {
        error(
            state: field(result, stateField),
            // The primary message names things and holds no values; the detail would hold them.
            reason: field(result, messageField) ?? text(PQresultErrorMessage(result.pointer)),
            isLost: isLost, statement: statement)
    }

    static func error(state: String?, reason: String, isLost: Bool, statement: String) -> any Error {
        guard let state else {
            return isLost ? DatabaseError.unavailable(reason) : DatabaseError.statement(statement, reason: reason)
        }
        switch state {
        case "40001", "40P01": return DatabaseError.serializationFailure(reason)  // serialization, deadlock
        case "57014", "55P03", "25P03", "57P05":  // cancelled or over its time, lock not to be had, idle for too long
            return DatabaseError.unavailable(reason)
        case "XX001", "XX002": return DatabaseError.corrupt(reason)
        case "0A000" where reason.contains("cached plan"), "26000":
            return DatabaseError.serializationFailure("the schema has changed: \(reason)")
        default: break
        }
        switch state.prefix(2) {
        case "23": return DatabaseError.constraint(reason)
        // Connection, authorisation, resources, intervention of an operator, system.
        case "08", "28", "53", "57", "58": return DatabaseError.unavailable(reason)
        default: return isLost ? DatabaseError.unavailable(reason) : DatabaseError.statement(statement, reason: reason)
        }
    }

    /// Whether the connection's prepared statements are not what they were.
    static func isStale(_ result: QueryResult) -> Bool {
        guard let state = field(result, stateField) else { return false }
        return state == "0A000" || state == "26000"
    }

    /// A message of libpq, without line breaks.
    static func text(_ message: UnsafePointer<CChar>?) -> String {
        guard let message else { return "no reason given" }
        return String(cString: message).split(whereSeparator: \.isNewline)
            .map { $0.drop(while: \.isWhitespace) }.joined(separator: "; ")
    }

    private static func field(_ result: QueryResult, _ code: Int32) -> String? {
        PQresultErrorField(result.pointer, code).map { String(cString: $0) }
    }
}
