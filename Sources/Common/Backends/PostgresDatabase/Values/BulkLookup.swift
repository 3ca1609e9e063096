import Common

/// Keys go in as one array a column, as the rows of a ``BulkStatement`` do.
extension BulkKey {
    /// Looks each key up by itself, also where a join would read the whole of a small table.
    func selection(of columns: [String]) -> String {
        """
        SELECT \(columns.map { "found.\($0)" }.joined(separator: ", ")) FROM \(wanted(self.columns)), LATERAL (
            SELECT \(columns.joined(separator: ", ")) FROM \(table) WHERE \(condition) OFFSET 0) AS found
        """
    }

    func update(of values: [String]) -> String {
        """
        UPDATE \(table) SET \(values.map { "\($0) = wanted.new_\($0)" }.joined(separator: ", "))
        FROM \(wanted(values.map { "new_\($0)" } + columns)) WHERE \(condition)
        """
    }

    var deletion: String { "DELETE FROM \(table) USING \(wanted(columns)) WHERE \(condition)" }

    private func wanted(_ names: [String]) -> String {
        let marks = repeatElement("?", count: names.count).joined(separator: ", ")
        return "unnest(\(marks)) AS wanted(\(names.joined(separator: ", ")))"
    }

    private var condition: String { columns.map { "\(table).\($0) = wanted.\($0)" }.joined(separator: " AND ") }
}
