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
    /// The types of the columns of tables that rows were copied into, by name.
    private var columnTypes: [String: [String: Oid]] = [:]
    /// The rows that are still coming in.
    private weak var rows: RowStream?
    /// The write whose outcome nobody has asked for yet.
    private var posted: String?
    /// Whether the planner was told to read by indexes in this transaction.
    private var prefersIndexes = false
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
        prefersIndexes = false
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
        try? finishPosted()
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
        try? finishPosted()
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

    /// Runs a prepared statement without waiting for it: what it fails of is thrown by the next one, or by the commit.
    /// So the next values are made while the server works.
    func post(_ text: String, _ parameters: Parameters) throws {
        try settle()
        try send(text, parameters)
        posted = text
    }

    /// Has the planner read by indexes until the transaction ends. It knows neither how many keys a statement has nor, in
    /// a table that has grown fast, how many rows: it would rather read all of them.
    func preferIndexes() throws {
        guard !prefersIndexes else { return }
        let others = ["enable_seqscan", "enable_hashjoin", "enable_mergejoin"]
        try command(others.map { "SET LOCAL \($0) = off" }.joined(separator: "; "))
        prefersIndexes = true
    }

    /// Posts a COPY from here; `body` hands the bytes to a function that says whether more is wanted.
    func copy(_ text: String, _ body: ((UnsafeRawBufferPointer) -> Bool) -> Void) throws {
        try settle()
        guard PQsendQuery(pointer, text) == 1 else { throw refused(text) }
        guard let begun = PQgetResult(pointer).map(QueryResult.init) else { throw refused(text) }
        guard PQresultStatus(begun.pointer) == PGRES_COPY_IN else {
            columnTypes = [:]
            _ = try finish(text, first: begun)
            return
        }
        body { bytes in
            let start = bytes.baseAddress?.assumingMemoryBound(to: CChar.self)
            return PQputCopyData(pointer, start, CInt(bytes.count)) == 1
        }
        guard PQputCopyEnd(pointer, nil) == 1 else {
            wearOut()
            throw refused(text)
        }
        posted = text
    }

    /// The types of the columns of a table.
    func columnTypes(of table: String) throws -> [String: Oid] {
        if let types = columnTypes[table] { return types }
        try settle()
        var types: [String: Oid] = [:]
        let rows = try rows(
            """
            SELECT attname::text, atttypid::bigint FROM pg_attribute
            WHERE attrelid = CAST(? AS text)::regclass AND attnum > 0 AND NOT attisdropped
            """, Parameters([.text(table)]))
        while let row = try rows.next() { types[PostgresRow(row).text(0)] = Oid(PostgresRow(row).integer(1)) }
        columnTypes[table] = types
        return types
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
        try finishPosted()
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

    /// Waits for the write that was posted last.
    private func finishPosted() throws {
        guard let text = posted else { return }
        posted = nil
        do {
            _ = try finish(text)
        } catch {
            columnTypes = [:]  // a table may not be what it was
            throw error
        }
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
