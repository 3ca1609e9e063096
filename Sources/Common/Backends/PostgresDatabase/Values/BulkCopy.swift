import CPQ
import Common

/// New rows on their way into a table by COPY in the binary format. While the server writes one piece, the next is made.
struct BulkCopy {
    /// Fewer rows are not worth it.
    static let minimumRows = 32
    private static let pieceRows = 500
    private static let pieceBytes = 256 << 10

    private let rows: BulkRows
    private let statement: BulkStatement
    /// Bytes of an integer in each column's type; 0 where it holds none.
    private let widths: [Int]

    /// - Returns: nil if a column has a type that values would have to be converted to.
    init?(_ rows: BulkRows, _ statement: BulkStatement, on session: Session) throws {
        let types = try session.columnTypes(of: statement.table)
        var widths: [Int] = []
        for (name, values) in zip(statement.columns, rows.columns) {
            guard let type = types[name], let width = values.width(as: type) else { return nil }
            widths.append(width)
        }
        self.rows = rows
        self.statement = statement
        self.widths = widths
    }

    func run(on session: Session) throws {
        let text = "COPY \(statement.table) (\(statement.columns.joined(separator: ", "))) FROM STDIN (FORMAT binary)"
        let pieces = rows.chunks(maximumRows: Self.pieceRows, maximumBytes: Self.pieceBytes)
        try session.copy(text) { send in
            for (number, piece) in pieces.enumerated() {
                let size = rows.columns.reduce(0) { $0 + $1.arraySize(piece) } + 2 * piece.count
                let writer = ByteWriter(capacity: size + Self.signature.count + 10)
                if number == 0 {
                    writer.write(Self.signature)
                    writer.write(Int32(0))  // flags
                    writer.write(Int32(0))  // bytes of extensions
                }
                for row in piece {
                    writer.write(Int16(rows.columns.count))
                    for (column, width) in zip(rows.columns, widths) { writer.write(column, at: row, width: width) }
                }
                if number == pieces.count - 1 { writer.write(Int16(-1)) }
                guard send(UnsafeRawBufferPointer(start: writer.base, count: writer.count)) else { return }
            }
        }
    }

    private static let signature = Array("PGCOPY\n".utf8) + [0xFF] + Array("\r\n".utf8) + [0]
}

extension BulkRows.Column {
    /// Bytes of an integer where the column holds integers of this type, 0 where it holds something else that can be
    /// written as it is; nil if it cannot.
    fileprivate func width(as type: Oid) -> Int? {
        switch (self, type) {
        case (.integers, OID.int8), (.optionalIntegers, OID.int8): 8
        case (.integers, OID.int4), (.optionalIntegers, OID.int4): 4
        case (.integers, OID.int2), (.optionalIntegers, OID.int2): 2
        case (.reals, OID.float8), (.optionalReals, OID.float8), (.texts, OID.text), (.optionalTexts, OID.text),
            (.blobs, OID.bytea), (.digests, OID.bytea), (.optionalDigests, OID.bytea):
            0
        default: nil
        }
    }
}

extension ByteWriter {
    /// One value after its length; -1 is a null.
    fileprivate func write(_ column: BulkRows.Column, at row: Int, width: Int) {
        switch column {
        case .integers(let values): write(integer: values[row], width: width)
        case .optionalIntegers(let values): write(integer: values[row], width: width)
        case .reals(let values): write(element: Int64(bitPattern: values[row].bitPattern))
        case .optionalReals(let values): write(element: values[row].map { Int64(bitPattern: $0.bitPattern) })
        case .texts(let values): write(element: values[row])
        case .optionalTexts(let values): write(element: values[row])
        case .blobs(let values):
            write(Int32(values[row].count))
            write(values[row])
        case .digests(let values): write(element: values[row])
        case .optionalDigests(let values): write(element: values[row])
        }
    }

    /// An integer in the width of its column. Where it does not fit, it is written as wide as it is, and the server
    /// refuses it.
    private func write(integer: Int64?, width: Int) {
        guard let integer else { return write(Int32(-1)) }
        if width == 4, let narrow = Int32(exactly: integer) {
            write(Int32(4))
            write(narrow)
        } else if width == 2, let narrow = Int16(exactly: integer) {
            write(Int32(2))
            write(narrow)
        } else {
            write(element: integer)
        }
    }
}
