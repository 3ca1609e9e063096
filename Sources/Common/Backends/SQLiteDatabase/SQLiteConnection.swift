import Common
import GRDB
import GRDBSQLite

/// A connection lent by the pool, for one transaction.
///
/// GRDB keeps the prepared statements; values are bound and read through the C interface, without detours.
struct SQLiteConnection: DatabaseConnection {
    private let connection: GRDB.Database
    private let rung: RungChannels?

    init(_ connection: GRDB.Database, rung: RungChannels? = nil) {
        self.connection = connection
        self.rung = rung
    }

    var dialect: Dialect { .sqlite }

    @discardableResult
    func execute(_ sql: Common.SQL) throws -> Int {
        let handle = connection.sqliteConnection
        let before = sqlite3_total_changes64(handle)
        if sql.bindings.isEmpty && holdsSeveralStatements(sql.text) {
            try connection.execute(sql: sql.text)
        } else {
            let statement = try prepare(sql.text)
            defer { statement.reset() }
            try statement.bind(sql.bindings)
            while try statement.step() {}
            return sqlite3_stmt_readonly(statement.handle) == 0 ? Int(sqlite3_changes64(handle)) : 0
        }
        return Int(sqlite3_total_changes64(handle) - before)
    }

    func forEach(_ sql: Common.SQL, _ body: (any DatabaseRow) throws -> Void) throws {
        let statement = try prepare(sql.text)
        defer { statement.reset() }
        try statement.bind(sql.bindings)
        let row = SQLiteRow(statement: statement.handle)
        while try statement.step() { try body(row) }
    }

    func write(_ rows: BulkRows, _ bulk: BulkStatement) throws {
        precondition(rows.columns.count == bulk.columns.count, "as many columns of values as columns of \(bulk.table)")
        try run(bulk.sqliteText, rows) { while try $0.step() {} }
    }

    func forEach(
        _ columns: [String], of key: BulkKey, in keys: BulkRows, _ body: (any DatabaseRow) throws -> Void
    ) throws {
        try run("SELECT \(columns.joined(separator: ", ")) FROM \(key.table) \(key.sqliteCondition)", keys) {
            statement in
            let row = SQLiteRow(statement: statement.handle)
            while try statement.step() { try body(row) }
        }
    }

    @discardableResult
    func update(_ columns: [String], of key: BulkKey, to rows: BulkRows) throws -> Int {
        let assignments = columns.map { "\($0) = ?" }.joined(separator: ", ")
        return try change("UPDATE \(key.table) SET \(assignments) \(key.sqliteCondition)", rows)
    }

    @discardableResult
    func delete(_ key: BulkKey, in keys: BulkRows) throws -> Int {
        try change("DELETE FROM \(key.table) \(key.sqliteCondition)", keys)
    }

    private func change(_ text: String, _ rows: BulkRows) throws -> Int {
        let before = sqlite3_total_changes64(connection.sqliteConnection)
        try run(text, rows) { while try $0.step() {} }
        return Int(sqlite3_total_changes64(connection.sqliteConnection) - before)
    }

    /// Runs one prepared statement for each row of values.
    private func run(_ text: String, _ rows: BulkRows, _ body: (SQLiteStatement) throws -> Void) throws {
        guard rows.count > 0 else { return }
        let statement = try prepare(text)
        defer { statement.reset() }
        for row in 0..<rows.count {
            for (index, column) in rows.columns.enumerated() { try statement.bind(column, row: row, at: index) }
            try body(statement)
            statement.rewind()
        }
    }

    func notify(_ channel: String) { rung?.names.insert(channel) }

    /// A cached statement, or a fresh one while the cached one is being stepped further up the stack.
    private func prepare(_ text: String) throws -> SQLiteStatement {
        do {
            let cached = try connection.cachedStatement(sql: text)
            if sqlite3_stmt_busy(cached.sqliteStatement) == 0 { return SQLiteStatement(cached, of: connection) }
            return SQLiteStatement(try connection.makeStatement(sql: text), of: connection)
        } catch let error as GRDB.DatabaseError {
            throw SQLiteFailure.error(error)
        }
    }

    /// Whether something other than space follows a semicolon, as in the text of a migration.
    private func holdsSeveralStatements(_ text: String) -> Bool {
        guard let semicolon = text.utf8.firstIndex(of: UInt8(ascii: ";")) else { return false }
        return text.utf8[semicolon...].dropFirst().contains { $0 > 0x20 && $0 != UInt8(ascii: ";") }
    }
}

/// The channels that a transaction rings when it is committed.
final class RungChannels {
    var names: Set<String> = []
}

extension BulkKey {
    fileprivate var sqliteCondition: String { "WHERE " + columns.map { "\($0) = ?" }.joined(separator: " AND ") }
}
