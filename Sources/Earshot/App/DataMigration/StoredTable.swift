import Common

/// A table of a service as SQLite describes it, and its rows in pages.
struct StoredTable: Sendable {
    enum Kind: Sendable { case integer, real, text, blob }
    struct Column: Sendable {
        var name: String
        var kind: Kind
        var isNullable: Bool
    }

    let name: String
    let columns: [Column]
    /// The primary key's columns, in its order.
    let key: [String]

    /// All tables of a database in SQLite but the list of its migrations.
    static func all(in database: any Database) async throws -> [StoredTable] {
        try await database.read { connection in
            let names = try connection.query(
                """
                SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'
                AND name <> 'schema_migration' ORDER BY name
                """
            ) { $0.text(0) }
            return try names.map { try StoredTable(named: $0, in: connection) }
        }
    }

    private init(named name: String, in connection: any DatabaseConnection) throws {
        let found = try connection.query("SELECT name, type, \"notnull\", pk FROM pragma_table_info(\(name))") { row in
            (name: row.text(0), type: row.text(1), isNullable: row.integer(2) == 0, key: row.integer(3))
        }
        self.name = name
        columns = try found.map { column in
            let kind: Kind =
                switch column.type {
                case "INTEGER": .integer
                case "REAL": .real
                case "TEXT": .text
                case "BLOB": .blob
                default: throw MigrationFailure("column \(column.name) of table \(name) is of type \(column.type)")
                }
            return Column(name: column.name, kind: kind, isNullable: column.isNullable && column.key == 0)
        }
        key = found.filter { $0.key > 0 }.sorted { $0.key < $1.key }.map(\.name)
        guard !key.isEmpty else { throw MigrationFailure("table \(name) has no primary key") }
    }

    /// - Parameter condition: Of which rows; nil is all.
    func count(where condition: SQL? = nil, in database: any Database) async throws -> Int {
        let sql: SQL = "SELECT count(*) FROM \(raw: name) WHERE \(condition ?? "1 = 1")"
        return try await database.read { try $0.first(sql) { Int($0.integer(0)) } ?? 0 }
    }

    /// Rows in the order of the key.
    ///
    /// - Parameters:
    ///   - condition: Which rows; nil is all.
    ///   - last: The key of the row before them; nil begins.
    func page(
        where condition: SQL? = nil, after last: [SQLValue]?, limit: Int, in database: any Database
    ) async throws -> [[SQLValue]] {
        let keys = key.joined(separator: ", ")
        var sql = selection + (condition ?? "1 = 1")
        if let last {
            let marks = repeatElement("?", count: last.count).joined(separator: ", ")
            sql += SQL(raw: " AND (\(keys)) > (\(marks))", bindings: last)
        }
        sql += SQL(raw: " ORDER BY \(keys) LIMIT \(limit)")
        return try await query(sql, in: database)
    }

    /// How many of these rows are there as they are here.
    func matches(_ rows: [[SQLValue]], in database: any Database) async throws -> Int {
        var count = 0
        for row in rows {
            let key = zip(key, key(of: row)).map { SQL(raw: "\($0) = ?", bindings: [$1]) }
            let sql = key.dropFirst().reduce(selection + key[0]) { $0 + " AND " + $1 }
            if try await query(sql, in: database) == [row] { count += 1 }
        }
        return count
    }

    private var selection: SQL {
        SQL(raw: "SELECT \(columns.map(\.name).joined(separator: ", ")) FROM \(name) WHERE ")
    }

    private func query(_ sql: SQL, in database: any Database) async throws -> [[SQLValue]] {
        try await database.read { [columns] connection in
            try connection.query(sql) { row in columns.indices.map { columns[$0].value(of: row, at: $0) } }
        }
    }

    /// The key of a row.
    func key(of row: [SQLValue]) -> [SQLValue] {
        key.compactMap { name in columns.firstIndex { $0.name == name }.map { row[$0] } }
    }

    /// Writes rows; those that are there already stay as they are.
    func insert(_ rows: [[SQLValue]], into database: any Database) async throws {
        let bulk = BulkRows(try columns.indices.map { index in try columns[index].bulk(rows.map { $0[index] }) })
        let statement = BulkStatement(into: name, columns: columns.map(\.name), key: key, conflict: .ignore)
        try await database.write { try $0.write(bulk, statement) }
    }
}

extension StoredTable.Column {
    fileprivate func value(of row: any DatabaseRow, at index: Int) -> SQLValue {
        if row.isNull(index) { return .null }
        return switch kind {
        case .integer: .integer(row.integer(index))
        case .real: .real(row.real(index))
        case .text: .text(row.text(index))
        case .blob: .blob(row.blob(index))
        }
    }

    fileprivate func bulk(_ values: [SQLValue]) throws -> BulkRows.Column {
        switch kind {
        case .integer:
            return .optionalIntegers(values.map { if case .integer(let value) = $0 { value } else { nil } })
        case .real: return .optionalReals(values.map { if case .real(let value) = $0 { value } else { nil } })
        case .text: return .optionalTexts(values.map { if case .text(let value) = $0 { value } else { nil } })
        case .blob where isNullable:
            return .optionalDigests(
                try values.map { value in
                    guard case .blob(let bytes) = value else { return nil }
                    guard let digest = bytes.withUnsafeBytes({ Digest128(bytes: $0) }) else {
                        throw MigrationFailure("column \(name) holds \(bytes.count) bytes where 16 are expected")
                    }
                    return digest
                })
        case .blob: return .blobs(values.map { if case .blob(let value) = $0 { value } else { [] } })
        }
    }
}
