/// How a table of things that happened is to be cut into chunks by time (TimescaleDB).
public struct Hypertable: Sendable {
    public var table: String
    /// A column of 64-bit integers, milliseconds since 1970; part of the primary key.
    public var timeColumn: String
    /// Length of a chunk, in milliseconds.
    public var chunk: Int64
    /// What becomes of older chunks; nil leaves them as they are.
    public var columnstore: Columnstore?

    /// Rows stored by columns and compressed. They can still be changed.
    public struct Columnstore: Sendable {
        /// From this age of a chunk on, in milliseconds.
        public var after: Int64
        /// The column by which rows are kept together: one that questions ask for by equality.
        public var groupedBy: String

        public init(after: Int64, groupedBy: String) {
            self.after = after
            self.groupedBy = groupedBy
        }
    }

    public init(_ table: String, by timeColumn: String, chunk: Int64, columnstore: Columnstore? = nil) {
        self.table = table
        self.timeColumn = timeColumn
        self.chunk = chunk
        self.columnstore = columnstore
    }
}
