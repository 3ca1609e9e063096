import Common

extension BulkStatement {
    /// The insert of one row.
    var sqliteText: String {
        let marks = repeatElement("?", count: columns.count).joined(separator: ", ")
        let insert = "INSERT INTO \(table) (\(columns.joined(separator: ", "))) VALUES (\(marks))"
        let target = key.isEmpty ? "" : " (\(key.joined(separator: ", ")))"
        return switch conflict {
        case .fail: insert
        case .ignore: "\(insert) ON CONFLICT\(target) DO NOTHING"
        case .replace(let columns): update(insert, target, columns.map(overwrite))
        case .add(let columns, let others):
            update(
                insert, target,
                columns.map { "\($0) = \(table).\($0) + excluded.\($0)" } + others.map(overwrite))
        }
    }

    private func overwrite(_ column: String) -> String { "\(column) = excluded.\(column)" }

    private func update(_ insert: String, _ target: String, _ assignments: [String]) -> String {
        "\(insert) ON CONFLICT\(target) DO UPDATE SET \(assignments.joined(separator: ", "))"
    }
}
