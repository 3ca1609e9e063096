/// How a table of things that happened is to be cut into chunks by time (TimescaleDB).
public struct Hypertable: Sendable {
    public var table: String
    /// A column of 64-bit integers, milliseconds since 1970; part of the primary key.
    public var timeColumn: String
    /// Length of a chunk, in milliseconds.
    public var chunk: Int64
    /// Chunks that are older, in milliseconds, are stored by columns and compressed. They can still be changed.
    public var columnsAfter: Int64
    /// The column by which compressed rows are grouped: one that questions ask for by equality.
    public var groupedBy: String

    public init(_ table: String, by timeColumn: String, chunk: Int64, columnsAfter: Int64, groupedBy: String) {
        self.table = table
        self.timeColumn = timeColumn
        self.chunk = chunk
        self.columnsAfter = columnsAfter
        self.groupedBy = groupedBy
    }
}
