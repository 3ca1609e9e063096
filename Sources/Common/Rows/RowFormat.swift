/// How rows are written one after another.
public enum RowFormat: String, Sendable, Hashable, CaseIterable {
    /// One JSON value a line.
    case jsonLines = "jsonl"
    /// RFC 4180, and what programs make of it: `,`, `;`, tab or `|` between the fields.
    case csv

    /// What the first bytes of a text look like: JSON Lines begin with a brace or a bracket.
    public static func detect(_ firstBytes: some Collection<UInt8>) -> RowFormat {
        let first = firstBytes.first { $0 > 0x20 }
        return first == UInt8(ascii: "{") || first == UInt8(ascii: "[") ? .jsonLines : .csv
    }
}

/// One row that was cut out of a text.
public struct Row: Sendable {
    /// From 1; blank rows and a header do not count.
    public let number: Int
    /// The line of the text that the row begins on, from 1.
    public let line: Int
    /// The row without its line end; its beginning, if it is too long.
    public let text: ArraySlice<UInt8>
    /// Why the row cannot be read, if so.
    public let fault: RowFault?
    let fields: [CSVField]
}

/// Why a row cannot be read.
public enum RowFault: Error, Sendable, Hashable, CustomStringConvertible {
    case tooLong(limit: Int)
    case openQuotation
    case tooManyFields(found: Int, header: Int)
    case notJSON(String)

    public var description: String {
        switch self {
        case .tooLong(let limit): "longer than \(limit) bytes"
        case .openQuotation: "a quotation mark is not closed"
        case .tooManyFields(let found, let header): "has \(found) fields, the header names \(header)"
        case .notJSON(let reason): reason
        }
    }
}
