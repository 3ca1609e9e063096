import Common

/// Copies a workspace's rows of one table, changed as the service says.
struct RowCopier: Sendable {
    private static let pageRows = 1000

    private let table: StoredTable
    private let rows: WorkspaceRows
    private let source: any Database
    private let target: any Database

    init(_ table: StoredTable, _ rows: WorkspaceRows, from source: any Database, to target: any Database) {
        self.table = table
        self.rows = rows
        self.source = source
        self.target = target
    }

    /// Writes what is not there yet.
    ///
    /// - Parameter report: Called with how many rows are done, and how many there are.
    /// - Returns: How many rows each side has afterwards.
    func copy(_ report: (_ done: Int, _ total: Int) -> Void) async throws -> (source: Int, target: Int) {
        let total = try await table.count(where: rows.here, in: source)
        var done = 0
        try await eachPage { page in
            try await table.insert(page, into: target)
            done += page.count
            report(done, total)
        }
        return (total, try await table.count(where: rows.there, in: target))
    }

    /// How many rows are not at the target as they are to be there.
    func different() async throws -> Int {
        var different = 0
        try await eachPage { different += $0.count - (try await table.matches($0, in: target)) }
        return different
    }

    private func eachPage(_ body: ([[SQLValue]]) async throws -> Void) async throws {
        let columns = table.columns.map(\.name)
        var last: [SQLValue]?
        while true {
            let page = try await table.page(where: rows.here, after: last, limit: Self.pageRows, in: source)
            guard let row = page.last else { return }
            last = table.key(of: row)
            try await body(
                page.map { values in
                    var row = CarriedRow(columns: columns, values: values)
                    try rows.change(&row)
                    return row.values
                })
        }
    }
}
