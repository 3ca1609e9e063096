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
        try session.settle()
        let text = bulk.postgresText(of: rows.columns)
        for chunk in rows.chunks() { _ = try session.execute(text, Parameters(rows.columns, chunk)) }
    }
}
