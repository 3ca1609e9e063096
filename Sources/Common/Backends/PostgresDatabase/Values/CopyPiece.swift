import Common
import Foundation

/// Some rows in the binary format of COPY. They are written column by column, each value to its place in its row, which is
/// known from the sizes of the rows before the first value is written.
final class CopyPiece {
    private let base: UnsafeMutableRawPointer
    private let count: Int
    /// Where the next value of each row goes.
    private var places: [Int]
    /// Where the rows end.
    private let rowsEnd: Int

    /// - Parameters:
    ///   - sizes: Bytes of each row.
    ///   - header: Bytes before the rows.
    ///   - trailer: Bytes after them.
    init(_ sizes: ArraySlice<Int>, after header: Int, before trailer: Int) {
        var place = header
        places = sizes.map { size in
            defer { place += size }
            return place
        }
        rowsEnd = place
        count = place + trailer
        base = .allocate(byteCount: max(1, count), alignment: 8)
    }

    deinit { base.deallocate() }

    func withBytes<Value>(_ body: (UnsafeRawBufferPointer) -> Value) -> Value {
        precondition(places.last ?? rowsEnd == rowsEnd, "a row is not as long as was announced")
        return body(UnsafeRawBufferPointer(start: base, count: count))
    }

    /// Writes what the format begins with.
    func begin(with signature: [UInt8]) {
        put(signature, at: 0)
        put(Int32(0), at: signature.count)  // flags
        put(Int32(0), at: signature.count + 4)  // bytes of extensions
    }

    /// Writes what the format ends with.
    func end(_ mark: Int16 = -1) { put(mark, at: rowsEnd) }

    /// Begins each row with the number of its values.
    func write(fields: Int) {
        for row in places.indices {
            put(Int16(fields), at: places[row])
            places[row] += 2
        }
    }

    /// Writes one value of each row after its length; -1 is a null.
    func write(_ column: BulkRows.Column, _ rows: Range<Int>, width: Int) {
        switch column {
        case .integers(let values): forEach(rows) { write(values[$0], width, at: &$1) }
        case .optionalIntegers(let values):
            forEach(rows) { row, place in
                if let value = values[row] { write(value, width, at: &place) } else { writeNull(at: &place) }
            }
        case .reals(let values): forEach(rows) { write(Int64(bitPattern: values[$0].bitPattern), 8, at: &$1) }
        case .optionalReals(let values):
            forEach(rows) { row, place in
                if let value = values[row] {
                    write(Int64(bitPattern: value.bitPattern), 8, at: &place)
                } else {
                    writeNull(at: &place)
                }
            }
        case .texts(let values): forEach(rows) { write(values[$0], at: &$1) }
        case .optionalTexts(let values):
            forEach(rows) { row, place in
                if let value = values[row] { write(value, at: &place) } else { writeNull(at: &place) }
            }
        case .blobs(let values):
            forEach(rows) { row, place in
                put(Int32(values[row].count), at: place)
                put(values[row], at: place + 4)
                place += 4 + values[row].count
            }
        case .digests(let values): forEach(rows) { write(values[$0], at: &$1) }
        case .optionalDigests(let values):
            forEach(rows) { row, place in
                if let value = values[row] { write(value, at: &place) } else { writeNull(at: &place) }
            }
        }
    }

    @inline(__always) private func forEach(_ rows: Range<Int>, _ body: (_ row: Int, _ place: inout Int) -> Void) {
        precondition(rows.count == places.count, "the rows that were announced")
        for (number, row) in rows.enumerated() { body(row, &places[number]) }
    }

    @inline(__always) private func writeNull(at place: inout Int) {
        put(Int32(-1), at: place)
        place += 4
    }

    /// An integer in the width of its column. Where it does not fit, it is written as wide as it is, and the server
    /// refuses it.
    @inline(__always) private func write(_ value: Int64, _ width: Int, at place: inout Int) {
        let bytes = value.bytes(in: width)
        put(Int32(bytes), at: place)
        switch bytes {
        case 2: put(Int16(truncatingIfNeeded: value), at: place + 4)
        case 4: put(Int32(truncatingIfNeeded: value), at: place + 4)
        default: put(value, at: place + 4)
        }
        place += 4 + bytes
    }

    @inline(__always) private func write(_ value: Digest128, at place: inout Int) {
        put(Int32(16), at: place)
        put(value.high, at: place + 4)
        put(value.low, at: place + 12)
        place += 20
    }

    /// A text. PostgreSQL holds no nul in a text: U+001A (substitute) stands in its place.
    private func write(_ text: String, at place: inout Int) {
        var text = text
        text.withUTF8 { bytes in
            put(Int32(bytes.count), at: place)
            if let start = bytes.baseAddress { (base + place + 4).copyMemory(from: start, byteCount: bytes.count) }
            place += 4
            while let nul = memchr(base + place, 0, bytes.count) { nul.storeBytes(of: 0x1A, as: UInt8.self) }
            place += bytes.count
        }
    }

    @inline(__always) private func put(_ value: some FixedWidthInteger & BitwiseCopyable, at place: Int) {
        base.storeBytes(of: value.bigEndian, toByteOffset: place, as: type(of: value))
    }

    @inline(__always) private func put(_ bytes: [UInt8], at place: Int) {
        bytes.withUnsafeBytes { bytes in
            if let start = bytes.baseAddress { (base + place).copyMemory(from: start, byteCount: bytes.count) }
        }
    }
}

extension Int64 {
    /// How many bytes this takes in a column of integers of so many.
    @inline(__always) func bytes(in width: Int) -> Int {
        switch width {
        case 2: Int16(exactly: self) == nil ? 8 : 2
        case 4: Int32(exactly: self) == nil ? 8 : 4
        default: 8
        }
    }
}
