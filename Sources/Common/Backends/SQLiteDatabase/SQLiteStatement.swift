import Common
import GRDB
import GRDBSQLite

/// A prepared statement in use.
struct SQLiteStatement {
    /// Keeps the C statement alive.
    private let statement: GRDB.Statement
    private let connection: OpaquePointer?
    let handle: OpaquePointer

    init(_ statement: GRDB.Statement, of connection: GRDB.Database) {
        self.statement = statement
        self.connection = connection.sqliteConnection
        handle = statement.sqliteStatement
    }

    /// Goes on to the next row.
    ///
    /// - Returns: Whether there is one.
    func step() throws -> Bool {
        switch sqlite3_step(handle) {
        case SQLITE_ROW: return true
        case SQLITE_DONE: return false
        default: throw SQLiteFailure.lastError(of: connection, in: statement.sql)
        }
    }

    /// Makes the statement ready for other values; the bound ones stay until they are overwritten.
    func rewind() { sqlite3_reset(handle) }

    /// Ends the use of the statement and lets go of its values.
    func reset() {
        sqlite3_reset(handle)
        sqlite3_clear_bindings(handle)
    }

    func bind(_ values: [SQLValue]) throws {
        let expected = Int(sqlite3_bind_parameter_count(handle))
        guard expected == values.count else {
            throw Common.DatabaseError.statement(
                statement.sql, reason: "\(values.count) values for \(expected) question marks")
        }
        for (index, value) in values.enumerated() { try bind(value, at: index) }
    }

    func bind(_ column: BulkRows.Column, row: Int, at index: Int) throws {
        switch column {
        case .integers(let values): try bind(integer: values[row], at: index)
        case .optionalIntegers(let values):
            if let value = values[row] { try bind(integer: value, at: index) } else { try bindNull(at: index) }
        case .reals(let values): try bind(real: values[row], at: index)
        case .optionalReals(let values):
            if let value = values[row] { try bind(real: value, at: index) } else { try bindNull(at: index) }
        case .texts(let values): try bind(text: values[row], at: index)
        case .optionalTexts(let values):
            if let value = values[row] { try bind(text: value, at: index) } else { try bindNull(at: index) }
        case .blobs(let values): try bind(blob: values[row], at: index)
        case .digests(let values): try bind(digest: values[row], at: index)
        case .optionalDigests(let values):
            if let value = values[row] { try bind(digest: value, at: index) } else { try bindNull(at: index) }
        }
    }

    private func bind(_ value: SQLValue, at index: Int) throws {
        switch value {
        case .null: try bindNull(at: index)
        case .integer(let value): try bind(integer: value, at: index)
        case .real(let value): try bind(real: value, at: index)
        case .text(let value): try bind(text: value, at: index)
        case .blob(let value): try bind(blob: value, at: index)
        }
    }

    private func bindNull(at index: Int) throws { try check(sqlite3_bind_null(handle, CInt(index + 1))) }

    private func bind(integer: Int64, at index: Int) throws {
        try check(sqlite3_bind_int64(handle, CInt(index + 1), integer))
    }

    private func bind(real: Double, at index: Int) throws {
        try check(sqlite3_bind_double(handle, CInt(index + 1), real))
    }

    private func bind(text: String, at index: Int) throws {
        var text = text
        try check(
            text.withUTF8 { bytes in
                // An empty buffer may have no address, and no address would be null.
                guard let start = bytes.baseAddress, !bytes.isEmpty else {
                    return sqlite3_bind_text(handle, CInt(index + 1), "", 0, copied)
                }
                return start.withMemoryRebound(to: CChar.self, capacity: bytes.count) {
                    sqlite3_bind_text64(
                        handle, CInt(index + 1), $0, UInt64(bytes.count), copied, UInt8(SQLITE_UTF8))
                }
            })
    }

    private func bind(blob: [UInt8], at index: Int) throws {
        guard !blob.isEmpty else { return try check(sqlite3_bind_zeroblob(handle, CInt(index + 1), 0)) }
        try check(
            blob.withUnsafeBytes {
                sqlite3_bind_blob64(handle, CInt(index + 1), $0.baseAddress, UInt64($0.count), copied)
            })
    }

    private func bind(digest: Digest128, at index: Int) throws {
        try check(digest.withBytes { sqlite3_bind_blob64(handle, CInt(index + 1), $0.baseAddress, 16, copied) })
    }

    private func check(_ code: CInt) throws {
        if code != SQLITE_OK { throw SQLiteFailure.lastError(of: connection, in: statement.sql) }
    }
}

/// SQLITE_TRANSIENT, which Swift does not import: SQLite takes a copy of the bytes.
private let copied = unsafeBitCast(-1, to: sqlite3_destructor_type.self)
