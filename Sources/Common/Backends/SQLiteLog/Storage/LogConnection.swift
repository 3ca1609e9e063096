import Common
import GRDBSQLite

/// One SQLite connection to the log's file. It belongs to one thread at a time.
final class LogConnection: @unchecked Sendable {
    private var handle: OpaquePointer?
    private var statements: [String: LogStatement] = [:]

    /// Pages that the write-ahead log held after this connection's last commit.
    private(set) var pagesInWAL = 0

    init(path: String) throws {
        let flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX
        guard sqlite3_open_v2(path, &handle, flags, nil) == SQLITE_OK else {
            let error = LogFailure.lastError(of: handle, doing: "opening \(path)")
            sqlite3_close_v2(handle)
            throw error
        }
        sqlite3_extended_result_codes(handle, 1)
        sqlite3_busy_timeout(handle, 10_000)
    }

    deinit {
        for statement in statements.values { statement.finalize() }
        sqlite3_close_v2(handle)
    }

    /// Runs statements that take no values and return no rows.
    func execute(_ text: String) throws {
        guard sqlite3_exec(handle, text, nil, nil, nil) == SQLITE_OK else { throw failure(text) }
    }

    /// Runs `body` in a transaction that is rolled back when it throws.
    func transaction<Value>(_ body: () throws -> Value) throws -> Value {
        try execute("BEGIN IMMEDIATE")
        do {
            let value = try body()
            try execute("COMMIT")
            return value
        } catch {
            // A full disk may have ended the transaction already.
            if sqlite3_get_autocommit(handle) == 0 { try? execute("ROLLBACK") }
            throw error
        }
    }

    /// A prepared statement, kept by its text.
    func statement(_ text: String) throws -> LogStatement {
        if let known = statements[text] { return known }
        var prepared: OpaquePointer?
        guard sqlite3_prepare_v3(handle, text, -1, UInt32(SQLITE_PREPARE_PERSISTENT), &prepared, nil) == SQLITE_OK,
            let prepared
        else { throw failure(text) }
        let statement = LogStatement(prepared, of: self)
        statements[text] = statement
        return statement
    }

    /// Leaves checkpoints to somebody else, and notes how long the write-ahead log gets.
    func watchWAL() {
        sqlite3_wal_hook(
            handle,
            { context, _, _, pages in
                if let context {
                    Unmanaged<LogConnection>.fromOpaque(context).takeUnretainedValue().pagesInWAL = Int(pages)
                }
                return SQLITE_OK
            }, Unmanaged.passUnretained(self).toOpaque())
    }

    /// Copies the write-ahead log into the file, as far as readers allow.
    ///
    /// - Parameter waitingForReaders: Also makes the next commit start the write-ahead log anew.
    /// - Returns: How many pages of the write-ahead log are in the file now.
    @discardableResult
    func checkpoint(waitingForReaders: Bool) -> Int {
        var copied: CInt = 0
        // What it could not do now it does the next time; errors show when the writer commits.
        _ = sqlite3_wal_checkpoint_v2(
            handle, nil, waitingForReaders ? SQLITE_CHECKPOINT_RESTART : SQLITE_CHECKPOINT_PASSIVE, nil, &copied)
        return max(0, Int(copied))
    }

    func failure(_ action: String) -> EventLogError { LogFailure.lastError(of: handle, doing: action) }
}

/// A prepared statement; alive as long as its connection.
final class LogStatement {
    private let handle: OpaquePointer
    private unowned let connection: LogConnection

    init(_ handle: OpaquePointer, of connection: LogConnection) {
        self.handle = handle
        self.connection = connection
    }

    func finalize() { sqlite3_finalize(handle) }

    /// Binds the values in their order and runs `body`, which steps; then lets go of the values.
    func callAsFunction<Value>(_ values: [LogValue], _ body: (LogStatement) throws -> Value) throws -> Value {
        defer {
            sqlite3_reset(handle)
            sqlite3_clear_bindings(handle)
        }
        for (index, value) in values.enumerated() { try bind(value, at: CInt(index + 1)) }
        return try body(self)
    }

    /// Runs a statement that returns no rows.
    func run(_ values: LogValue...) throws { try self(values) { while try $0.step() {} } }

    /// Goes on to the next row; false if there is none.
    func step() throws -> Bool {
        switch sqlite3_step(handle) {
        case SQLITE_ROW: return true
        case SQLITE_DONE: return false
        default: throw connection.failure(String(cString: sqlite3_sql(handle)))
        }
    }

    func integer(_ column: Int) -> Int64 { sqlite3_column_int64(handle, CInt(column)) }

    func text(_ column: Int) -> String {
        sqlite3_column_text(handle, CInt(column)).map { String(cString: $0) } ?? ""
    }

    /// The bytes of a blob, valid until the next step.
    func bytes(_ column: Int) -> UnsafeRawBufferPointer {
        let start = sqlite3_column_blob(handle, CInt(column))
        return UnsafeRawBufferPointer(start: start, count: Int(sqlite3_column_bytes(handle, CInt(column))))
    }

    private func bind(_ value: LogValue, at index: CInt) throws {
        let code =
            switch value {
            case .integer(let value): sqlite3_bind_int64(handle, index, value)
            case .text(let value): sqlite3_bind_text(handle, index, value, -1, Self.copied)
            case .bytes(let value) where value.isEmpty: sqlite3_bind_zeroblob(handle, index, 0)
            case .bytes(let value):
                sqlite3_bind_blob64(handle, index, value.baseAddress, UInt64(value.count), nil)
            }
        if code != SQLITE_OK { throw connection.failure("binding a value") }
    }

    /// SQLITE_TRANSIENT, which Swift does not import.
    private static var copied: sqlite3_destructor_type { unsafeBitCast(-1, to: sqlite3_destructor_type.self) }
}

/// A value for a statement.
enum LogValue {
    case integer(Int64)
    case text(String)
    /// Bytes that stay where they are until the statement has run.
    case bytes(UnsafeRawBufferPointer)
}
