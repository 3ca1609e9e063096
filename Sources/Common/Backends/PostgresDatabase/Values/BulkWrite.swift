import CPQ
import Common

/// Rows go in as one array a column, which the server takes apart: nearly as fast as COPY, and what is there already
/// can be skipped, overwritten or added to.
extension BulkStatement {
    func postgresText(of values: [BulkRows.Column]) -> String {
        let marks = repeatElement("?", count: values.count).joined(separator: ", ")
        let insert = "INSERT INTO \(table) (\(columns.joined(separator: ", "))) SELECT * FROM unnest(\(marks))"
        let target = key.isEmpty ? "" : " (\(key.joined(separator: ", ")))"
        return switch conflict {
        case .fail: insert
        case .ignore: "\(insert) ON CONFLICT\(target) DO NOTHING"
        case .replace(let columns): update(insert, target, columns.map(overwrite))
        case .add(let columns, let others):
            update(
                insert, target,
                columns.map { "\($0) = \(table).\($0) + excluded.\($0)" } + others.map(overwrite))
        }
    }

    private func overwrite(_ column: String) -> String { "\(column) = excluded.\(column)" }

    private func update(_ insert: String, _ target: String, _ assignments: [String]) -> String {
        "\(insert) ON CONFLICT\(target) DO UPDATE SET \(assignments.joined(separator: ", "))"
    }
}

extension BulkRows {
    /// The rows in pieces that are bounded in number and in bytes.
    func chunks(maximumRows: Int = 5_000, maximumBytes: Int = 16 << 20) -> [Range<Int>] {
        var chunks: [Range<Int>] = []
        var start = 0
        var bytes = 0
        for row in 0..<count {
            let size = columns.reduce(0) { $0 + $1.size(at: row) }
            if row > start, row - start >= maximumRows || bytes + size > maximumBytes {
                chunks.append(start..<row)
                start = row
                bytes = 0
            }
            bytes += size
        }
        if start < count { chunks.append(start..<count) }
        return chunks
    }
}

extension BulkRows.Column {
    private static let header = 20

    var arrayType: Oid {
        switch self {
        case .integers, .optionalIntegers: OID.int8Array
        case .reals, .optionalReals: OID.float8Array
        case .texts, .optionalTexts: OID.textArray
        case .blobs, .digests, .optionalDigests: OID.byteaArray
        }
    }

    fileprivate var elementType: Oid {
        switch self {
        case .integers, .optionalIntegers: OID.int8
        case .reals, .optionalReals: OID.float8
        case .texts, .optionalTexts: OID.text
        case .blobs, .digests, .optionalDigests: OID.bytea
        }
    }

    /// Bytes of one element with its length.
    fileprivate func size(at row: Int) -> Int {
        switch self {
        case .integers, .reals: 12
        case .optionalIntegers(let values): values[row] == nil ? 4 : 12
        case .optionalReals(let values): values[row] == nil ? 4 : 12
        case .texts(let values): 4 + values[row].utf8.count
        case .optionalTexts(let values): 4 + (values[row]?.utf8.count ?? 0)
        case .blobs(let values): 4 + values[row].count
        case .digests: 20
        case .optionalDigests(let values): values[row] == nil ? 4 : 20
        }
    }

    func arraySize(_ rows: Range<Int>) -> Int { rows.reduce(Self.header) { $0 + size(at: $1) } }

    fileprivate var mayHoldNulls: Bool {
        switch self {
        case .optionalIntegers, .optionalReals, .optionalTexts, .optionalDigests: true
        case .integers, .reals, .texts, .blobs, .digests: false
        }
    }
}

extension ByteWriter {
    /// An array of one dimension: header, then each element after its length; -1 is a null.
    func write(_ column: BulkRows.Column, _ rows: Range<Int>) {
        write(Int32(1))
        write(Int32(column.mayHoldNulls ? 1 : 0))
        write(column.elementType)
        write(Int32(rows.count))
        write(Int32(1))
        switch column {
        case .integers(let values): for value in values[rows] { write(element: value) }
        case .optionalIntegers(let values): for value in values[rows] { write(element: value) }
        case .reals(let values): for value in values[rows] { write(element: Int64(bitPattern: value.bitPattern)) }
        case .optionalReals(let values):
            for value in values[rows] { write(element: value.map { Int64(bitPattern: $0.bitPattern) }) }
        case .texts(let values): for value in values[rows] { write(element: value) }
        case .optionalTexts(let values): for value in values[rows] { write(element: value) }
        case .blobs(let values):
            for value in values[rows] {
                write(Int32(value.count))
                write(value)
            }
        case .digests(let values): for value in values[rows] { write(element: value) }
        case .optionalDigests(let values): for value in values[rows] { write(element: value) }
        }
    }

    func write(element: Int64?) {
        guard let element else { return write(Int32(-1)) }
        write(Int32(8))
        write(element)
    }

    func write(element: Digest128?) {
        guard let element else { return write(Int32(-1)) }
        write(Int32(16))
        element.withBytes { write($0) }
    }

    func write(element: String?) {
        guard let element else { return write(Int32(-1)) }
        write(Int32(element.utf8.count))
        write(text: element)
    }
}
