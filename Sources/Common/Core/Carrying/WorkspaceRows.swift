/// Rows of a service's table that belong to one workspace, and what becomes of them in another installation.
///
/// Numbers of words and offsets of the log are an installation's own: where a table holds any, ``change`` puts the
/// other one's in their place.
public struct WorkspaceRows: Sendable {
    public let table: String
    /// Which rows, as SQL for behind `WHERE`, where they come from.
    public let here: SQL
    /// The same, where they go.
    public let there: SQL
    /// Whether nothing but feedback changes them, so that a copy can be compared value by value.
    public let isStill: Bool
    public let change: @Sendable (inout CarriedRow) throws -> Void

    public init(
        _ table: String, _ here: SQL, there: SQL? = nil, isStill: Bool = true,
        change: @escaping @Sendable (inout CarriedRow) throws -> Void = { _ in }
    ) {
        self.table = table
        self.here = here
        self.there = there ?? here
        self.isStill = isStill
        self.change = change
    }
}

/// A row on its way from one installation to another, by the names of its columns.
public struct CarriedRow: Sendable, Hashable {
    private let columns: [String]
    public private(set) var values: [SQLValue]

    public init(columns: [String], values: [SQLValue]) {
        self.columns = columns
        self.values = values
    }

    /// - Precondition: There is such a column.
    public subscript(_ column: String) -> SQLValue {
        get { values[place(of: column)] }
        set { values[place(of: column)] = newValue }
    }

    private func place(of column: String) -> Int {
        guard let place = columns.firstIndex(of: column) else { preconditionFailure("no column \(column)") }
        return place
    }

    /// The value of a column; 0, empty text or no bytes if it is of another type.
    public func integer(_ column: String) -> Int64 { if case .integer(let value) = self[column] { value } else { 0 } }
    public func text(_ column: String) -> String { if case .text(let value) = self[column] { value } else { "" } }
    public func blob(_ column: String) -> [UInt8] { if case .blob(let value) = self[column] { value } else { [] } }
}
