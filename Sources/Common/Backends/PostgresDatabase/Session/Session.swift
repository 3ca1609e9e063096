import CPQ
import Common

/// One connection to the server, used by one thread.
final class Session {
    private let handle: ConnectionHandle
    private let schema: String
    let token: CancelToken
    /// The prepared statements by what they were made of.
    private var statements: [StatementKey: String] = [:]
    private var prepared = 0
    private static let maximumStatements = 500
    /// The rows that are still coming in.
    private weak var rows: RowStream?
    /// What the transaction failed of: where that was caught by the body, it cannot be committed all the same.
    private var failure: (any Error)?
    /// Whether the connection is not to be used for another transaction.
    private(set) var isWornOut = false
    var cancellation: Cancellation?

    init(_ handle: consuming ConnectionHandle, schema: String) {
        token = CancelToken(of: handle.pointer)
        self.handle = handle
        self.schema = schema
    }

    private var pointer: OpaquePointer { handle.pointer }
    var isLost: Bool { PQstatus(pointer) != CONNECTION_OK }
    func wearOut() { isWornOut = true }

    // MARK: - Transactions

    func begin(_ kind: TransactionKind) throws {
        failure = nil
        switch kind {
        case .read: try command("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
        case .write:
            let key = "hashtextextended('earshot \(schema.split(separator: "'").joined(separator: "''"))', 0)"
            try command("BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE; SELECT pg_advisory_xact_lock(\(key))")
        }
    }

    /// Makes the transaction durable.
    func commit() throws {
        finishRows()
        if PQtransactionStatus(pointer) != PQTRANS_INTRANS {
            let reason = failure ?? DatabaseError.unavailable("the transaction had ended before its commit")
            rollback()
            throw reason
        }
        do {
            try command("COMMIT")
        } catch DatabaseError.unavailable(let reason) {
            wearOut()
            throw DatabaseError.unavailable(
                "\(reason); the connection went during the commit: whether it was done is not known")
        } catch {
            wearOut()
            throw error
        }
    }

    /// Ends the transaction and undoes it. A connection that cannot even do this is not used again.
    func rollback() {
        finishRows()
        guard !isWornOut, !isLost else { return wearOut() }
        do { try command("ROLLBACK") } catch { wearOut() }
    }

    /// Runs statements without values or rows.
    @discardableResult
    func command(_ text: String) throws -> Int {
        guard PQsendQuery(pointer, text) == 1 else { throw refused(text) }
        return try finish(text)
    }

    // MARK: - Statements

    /// Runs a prepared statement.
    ///
    /// - Returns: How many rows it changed.
    func execute(_ text: String, _ parameters: Parameters) throws -> Int {
        try send(text, parameters)
        return try finish(text)
    }

    /// Runs a prepared statement whose rows come one by one.
    func rows(_ text: String, _ parameters: Parameters) throws -> RowStream {
        try send(text, parameters)
        PQsetSingleRowMode(pointer)
        let rows = RowStream(session: self, text: text)
        self.rows = rows
        return rows
    }

    /// Prepares for another statement: what comes in of the one before is kept in memory.
    func settle() throws {
        if cancellation?.isCancelled == true { throw CancellationError() }
        try rows?.keep()
        rows = nil
    }

    private func send(_ text: String, _ parameters: Parameters) throws {
        let name = try prepare(text, parameters.types)
        let isSent = name.withCString { name in
            parameters.withPointers { values, lengths, formats in
                PQsendQueryPrepared(pointer, name, CInt(parameters.types.count), values, lengths, formats, 1)
            }
        }
        guard isSent == 1 else { throw refused(text) }
    }

    private func prepare(_ text: String, _ types: [Oid]) throws -> String {
        let key = StatementKey(text: text, types: types)
        if let name = statements[key] { return name }
        if statements.count >= Self.maximumStatements {
            try command("DEALLOCATE ALL")
            statements = [:]
        }
        let (numbered, marks) = Placeholders.numbered(text)
        guard marks == types.count else {
            throw DatabaseError.statement(text, reason: "\(types.count) values for \(marks) question marks")
        }
        prepared += 1
        let name = "s\(prepared)"
        guard PQsendPrepare(pointer, name, numbered, CInt(types.count), types) == 1 else { throw refused(text) }
        _ = try finish(text)
        statements[key] = name
        return name
    }

    // MARK: - Results

    /// The next row of the statement that is running; nil after the last one.
    func receive(_ text: String) throws -> QueryResult? {
        guard let result = PQgetResult(pointer).map(QueryResult.init) else { return nil }
        if PQresultStatus(result.pointer) == PGRES_SINGLE_TUPLE { return result }
        _ = try finish(text, first: result)
        return nil
    }

    /// Takes all that is left of the statement.
    ///
    /// - Returns: How many rows were changed.
    private func finish(_ text: String, first: QueryResult? = nil) throws -> Int {
        var changed = 0
        var failure: (any Error)?
        var next = first ?? PQgetResult(pointer).map(QueryResult.init)
        while let result = next {
            switch PQresultStatus(result.pointer) {
            case PGRES_COMMAND_OK: changed += Int(String(cString: PQcmdTuples(result.pointer))) ?? 0
            case PGRES_TUPLES_OK where !PostgresFailure.text(PQcmdStatus(result.pointer)).hasPrefix("SELECT"):
                changed += Int(String(cString: PQcmdTuples(result.pointer))) ?? 0
            case PGRES_FATAL_ERROR, PGRES_BAD_RESPONSE:
                let error = PostgresFailure.error(result, isLost: isLost, in: text)
                if PostgresFailure.isStale(result) { wearOut() }
                failure = failure ?? error
            default: break
            }
            next = PQgetResult(pointer).map(QueryResult.init)
        }
        if let failure {
            self.failure = self.failure ?? failure
            throw failure
        }
        return changed
    }

    /// Lets go of rows that nobody wants any more.
    private func finishRows() {
        rows?.abandon()
        rows = nil
    }

    /// libpq would not even send it.
    private func refused(_ text: String) -> any Error {
        let reason = PostgresFailure.text(PQerrorMessage(pointer))
        let error: DatabaseError = isLost ? .unavailable(reason) : .statement(text, reason: reason)
        failure = failure ?? error
        return error
    }
}

/// What a prepared statement is made of: values of other types are another statement.
private struct StatementKey: Hashable {
    var text: String
    var types: [Oid]
}
