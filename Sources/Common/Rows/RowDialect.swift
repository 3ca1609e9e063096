/// How a text of rows is written, besides its encoding.
public struct RowDialect: Sendable, Hashable, Codable {
    public var format: RowFormat
    /// What stands between the fields of a table; nil if it has one column, and for JSON Lines.
    public var separator: UInt8?
    /// Whether the first row of a table names the columns.
    public var hasHeader: Bool

    public init(format: RowFormat, separator: UInt8? = nil, hasHeader: Bool = true) {
        self.format = format
        self.separator = separator
        self.hasHeader = hasHeader
    }
}

extension RowFormat: Codable {}

/// A place between two rows, from which a reader can go on.
public struct RowCheckpoint: Sendable, Hashable, Codable {
    public let dialect: RowDialect
    /// The header as it stands in the text; empty where there is none.
    let header: [UInt8]
    /// Columns of a table without a header; 0 before its first row.
    let width: Int
    /// Rows before this place, and the line that follows.
    public let rows: Int
    let line: Int
    /// Bytes of the text before this place, as UTF-8 without a byte order mark.
    let offset: Int
    /// Bytes behind it in which quotations end on their line.
    let linewiseBytes: Int
    /// Length of the byte order mark; nil where the text is translated, so that it must be read from its beginning.
    let mark: Int?

    /// Where the next row begins in the file's own bytes; nil where only reading from the beginning tells.
    public var sourceOffset: Int? { mark.map { offset + $0 } }
}
