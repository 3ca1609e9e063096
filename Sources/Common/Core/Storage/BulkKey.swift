/// Which columns of a table name the rows of a bulk statement.
///
/// Statements over many keys are one for all of them where the database is far away, and read by the index whatever the
/// number of keys.
public struct BulkKey: Sendable, Hashable {
    public let table: String
    /// The first columns of an index.
    public let columns: [String]

    public init(_ table: String, _ columns: String...) {
        self.table = table
        self.columns = columns
    }
}
