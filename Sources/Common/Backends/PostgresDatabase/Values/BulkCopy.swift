import CPQ
import Common

/// New rows on their way into a table by COPY in the binary format. While the server writes one piece, the next is made.
struct BulkCopy {
    /// Fewer rows are not worth it.
    static let minimumRows = 32
    private static let pieceRows = 500
    private static let pieceBytes = 256 << 10
    private static let signature = Array("PGCOPY\n".utf8) + [0xFF] + Array("\r\n".utf8) + [0]
    /// The signature, flags, and the length of extensions.
    private static let headerBytes = signature.count + 8

    private let rows: BulkRows
    private let statement: BulkStatement
    /// Bytes of an integer in each column's type; 0 where it holds none.
    private let widths: [Int]
    /// Bytes of each row.
    private let sizes: [Int]

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
        var sizes = [Int](repeating: 2 + 4 * rows.columns.count, count: rows.count)
        for (column, width) in zip(rows.columns, widths) { column.addSizes(to: &sizes, width: width) }
        self.sizes = sizes
    }

    func run(on session: Session) throws {
        let text = "COPY \(statement.table) (\(statement.columns.joined(separator: ", "))) FROM STDIN (FORMAT binary)"
        try session.copy(text) { send in
            var start = 0
            while start < rows.count {
                let piece = piece(from: start)
                guard bytes(of: piece).withBytes(send) else { return }
                start = piece.upperBound
            }
        }
    }

    /// The rows that go together, bounded in number and in bytes.
    private func piece(from start: Int) -> Range<Int> {
        var end = start
        var size = 0
        while end < rows.count, end == start || end - start < Self.pieceRows && size + sizes[end] <= Self.pieceBytes {
            size += sizes[end]
            end += 1
        }
        return start..<end
    }

    private func bytes(of piece: Range<Int>) -> CopyPiece {
        let isFirst = piece.lowerBound == 0
        let isLast = piece.upperBound == rows.count
        let copy = CopyPiece(sizes[piece], after: isFirst ? Self.headerBytes : 0, before: isLast ? 2 : 0)
        if isFirst { copy.begin(with: Self.signature) }
        copy.write(fields: rows.columns.count)
        for (column, width) in zip(rows.columns, widths) { copy.write(column, piece, width: width) }
        if isLast { copy.end() }
        return copy
    }
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

    /// Adds to each row's size the bytes of its value.
    fileprivate func addSizes(to sizes: inout [Int], width: Int) {
        switch self {
        case .integers(let values): for row in values.indices { sizes[row] += values[row].bytes(in: width) }
        case .optionalIntegers(let values):
            for row in values.indices { sizes[row] += values[row]?.bytes(in: width) ?? 0 }
        case .reals(let values): for row in values.indices { sizes[row] += 8 }
        case .optionalReals(let values): for row in values.indices where values[row] != nil { sizes[row] += 8 }
        case .texts(let values): for row in values.indices { sizes[row] += values[row].utf8.count }
        case .optionalTexts(let values): for row in values.indices { sizes[row] += values[row]?.utf8.count ?? 0 }
        case .blobs(let values): for row in values.indices { sizes[row] += values[row].count }
        case .digests(let values): for row in values.indices { sizes[row] += 16 }
        case .optionalDigests(let values): for row in values.indices where values[row] != nil { sizes[row] += 16 }
        }
    }
}
