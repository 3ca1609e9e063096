import CPQ
import Common

/// A connection lent by the pool, for one transaction.
struct PostgresConnection: DatabaseConnection {
    let session: Session

    var dialect: Dialect { .postgres }

    @discardableResult
    func execute(_ sql: SQL) throws -> Int {
        try session.settle()
        if sql.bindings.isEmpty, Placeholders.holdsSeveralStatements(sql.text) { return try session.command(sql.text) }
        return try session.execute(sql.text, Parameters(sql.bindings))
    }

    func forEach(_ sql: SQL, _ body: (any DatabaseRow) throws -> Void) throws {
        try session.settle()
        let rows = try session.rows(sql.text, Parameters(sql.bindings))
        defer { rows.abandon() }
        while let row = try rows.next() { try body(PostgresRow(row)) }
    }

    func write(_ rows: BulkRows, _ bulk: BulkStatement) throws {
        guard rows.count > 0 else { return }
        precondition(rows.columns.count == bulk.columns.count, "as many columns of values as columns of \(bulk.table)")
        if bulk.conflict == .fail, rows.count >= BulkCopy.minimumRows, let copy = try BulkCopy(rows, bulk, on: session)
        {
            return try copy.run(on: session)
        }
        let text = bulk.postgresText(of: rows.columns)
        for chunk in rows.chunks() { try session.post(text, Parameters(rows.columns, chunk)) }
    }

    func forEach(
        _ columns: [String], of key: BulkKey, in keys: BulkRows, _ body: (any DatabaseRow) throws -> Void
    ) throws {
        guard keys.count > 0 else { return }
        let values = Parameters(keys.columns, 0..<keys.count)
        try session.settle()
        try session.preferIndexes()
        let rows = try session.rows(key.selection(of: columns), values)
        defer { rows.abandon() }
        while let row = try rows.next() { try body(PostgresRow(row)) }
    }

    @discardableResult
    func update(_ columns: [String], of key: BulkKey, to rows: BulkRows) throws -> Int {
        try change(key.update(of: columns), rows)
    }

    @discardableResult
    func delete(_ key: BulkKey, in keys: BulkRows) throws -> Int { try change(key.deletion, keys) }

    private func change(_ text: String, _ rows: BulkRows) throws -> Int {
        guard rows.count > 0 else { return 0 }
        let values = Parameters(rows.columns, 0..<rows.count)
        try session.settle()
        try session.preferIndexes()
        return try session.execute(text, values)
    }
}
