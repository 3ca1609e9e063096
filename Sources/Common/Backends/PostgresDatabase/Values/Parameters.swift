import CPQ
import Common

/// Values for a statement in the binary format, all in one piece of memory.
struct Parameters {
    private(set) var types: [Oid] = []
    private var places: [Range<Int>?] = []
    private var writer: ByteWriter

    init(_ values: [SQLValue]) {
        writer = ByteWriter(capacity: values.reduce(0) { $0 + $1.size })
        for value in values {
            let start = writer.count
            switch value {
            case .null: break
            case .integer(let value): writer.write(value)
            case .real(let value): writer.write(Int64(bitPattern: value.bitPattern))
            case .text(let value): writer.write(text: value)
            case .blob(let value): writer.write(value)
            }
            types.append(value.type)
            places.append(value == .null ? nil : start..<writer.count)
        }
    }

    /// Columns as arrays, these rows of them.
    init(_ columns: [BulkRows.Column], _ rows: Range<Int>) {
        writer = ByteWriter(capacity: columns.reduce(0) { $0 + $1.arraySize(rows) })
        for column in columns {
            let start = writer.count
            writer.write(column, rows)
            types.append(column.arrayType)
            places.append(start..<writer.count)
        }
    }

    /// Hands them to libpq.
    func withPointers<Value>(
        _ body: (UnsafePointer<UnsafePointer<CChar>?>, UnsafePointer<CInt>, UnsafePointer<CInt>) -> Value
    ) -> Value {
        let base = writer.base.assumingMemoryBound(to: CChar.self)
        return body(
            places.map { $0.map { UnsafePointer(base + $0.lowerBound) } }, places.map { CInt($0?.count ?? 0) },
            places.map { _ in 1 })
    }
}

extension SQLValue {
    fileprivate var type: Oid {
        switch self {
        case .null: OID.unspecified
        case .integer: OID.int8
        case .real: OID.float8
        case .text: OID.text
        case .blob: OID.bytea
        }
    }

    fileprivate var size: Int {
        switch self {
        case .null: 0
        case .integer, .real: 8
        case .text(let value): value.utf8.count
        case .blob(let value): value.count
        }
    }
}
