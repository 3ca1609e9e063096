import CPQ
import Common

/// A row that came in. Values are in the binary format; integers and reals of all widths and booleans are read as one
/// another, as a query may widen them (`SUM` of integers is a NUMERIC).
struct PostgresRow: DatabaseRow {
    private let result: QueryResult

    init(_ result: QueryResult) { self.result = result }

    func isNull(_ column: Int) -> Bool { PQgetisnull(result.pointer, 0, CInt(column)) == 1 }

    func integer(_ column: Int) -> Int64 {
        withBytes(column) { bytes in
            switch type(column) {
            case OID.int8: Int64(bigEndian: bytes.loaded())
            case OID.int4: Int64(Int32(bigEndian: bytes.loaded()))
            case OID.int2: Int64(Int16(bigEndian: bytes.loaded()))
            case OID.bool: bytes.first.map(Int64.init) ?? 0
            case OID.numeric: Numeric(bytes).integer
            case OID.float8, OID.float4: Int64(exactly: real(column).rounded(.towardZero)) ?? 0
            default: Int64(String(decoding: bytes, as: UTF8.self)) ?? 0
            }
        }
    }

    func real(_ column: Int) -> Double {
        withBytes(column) { bytes in
            switch type(column) {
            case OID.float8: Double(bitPattern: UInt64(bigEndian: bytes.loaded()))
            case OID.float4: Double(Float(bitPattern: UInt32(bigEndian: bytes.loaded())))
            case OID.numeric: Numeric(bytes).real
            case OID.int8, OID.int4, OID.int2, OID.bool: Double(integer(column))
            default: Double(String(decoding: bytes, as: UTF8.self)) ?? 0
            }
        }
    }

    func text(_ column: Int) -> String {
        if isNull(column) { return "" }
        return switch type(column) {
        case OID.int8, OID.int4, OID.int2, OID.bool: "\(integer(column))"
        case OID.float8, OID.float4, OID.numeric: "\(real(column))"
        default: withBytes(column) { String(decoding: $0, as: UTF8.self) }
        }
    }

    func blob(_ column: Int) -> [UInt8] { withBytes(column) { Array($0) } }

    func withBytes<Value>(_ column: Int, _ body: (UnsafeRawBufferPointer) throws -> Value) rethrows -> Value {
        let count = Int(PQgetlength(result.pointer, 0, CInt(column)))
        return try body(
            UnsafeRawBufferPointer(start: count == 0 ? nil : PQgetvalue(result.pointer, 0, CInt(column)), count: count))
    }

    private func type(_ column: Int) -> Oid { PQftype(result.pointer, CInt(column)) }
}

extension UnsafeRawBufferPointer {
    /// An integer at the beginning; 0 if it is not there.
    fileprivate func loaded<Integer: FixedWidthInteger & BitwiseCopyable>() -> Integer {
        count < MemoryLayout<Integer>.size ? 0 : loadUnaligned(as: Integer.self)
    }
}
