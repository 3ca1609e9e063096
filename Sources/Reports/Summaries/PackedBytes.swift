import Common

/// Writes numbers in few bytes, seven bits each, the lowest first (LEB128), and words of eight bytes.
struct PackedWriter {
    private(set) var bytes: [UInt8] = []

    mutating func write(_ number: Int) { write(Int64(number)) }

    mutating func write(_ number: Int64) {
        var rest = UInt64(bitPattern: number)
        while rest >= 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        bytes.append(UInt8(rest))
    }

    /// A number that may be negative, in few bytes all the same.
    mutating func write(signed number: Int64) { write(number << 1 ^ number >> 63) }

    mutating func write(bits: UInt64) { withUnsafeBytes(of: bits.littleEndian) { bytes.append(contentsOf: $0) } }

    mutating func write(_ digest: Digest128) { digest.withBytes { bytes.append(contentsOf: $0) } }
}

/// Reads what a ``PackedWriter`` wrote.
struct PackedReader {
    private let bytes: UnsafeRawBufferPointer
    private var position = 0

    init(_ bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

    @inline(__always) mutating func number() throws -> Int64 {
        var number: UInt64 = 0
        var shift: UInt64 = 0
        while position < bytes.count, shift < 64 {
            let byte = bytes[position]
            position &+= 1
            number |= UInt64(byte & 0x7F) &<< shift
            if byte < 0x80 { return Int64(bitPattern: number) }
            shift &+= 7
        }
        throw Self.damage
    }

    mutating func signed() throws -> Int64 {
        let number = UInt64(bitPattern: try number())
        return Int64(bitPattern: number >> 1) ^ -Int64(bitPattern: number & 1)
    }

    /// A number of things that take a byte each at least.
    mutating func count() throws -> Int {
        let count = Int(try number())
        guard count >= 0, count <= bytes.count - position else { throw Self.damage }
        return count
    }

    mutating func bits() throws -> UInt64 { UInt64(littleEndian: try take(8).loadUnaligned(as: UInt64.self)) }

    mutating func digest() throws -> Digest128 {
        guard let digest = Digest128(bytes: try take(16)) else { throw Self.damage }
        return digest
    }

    /// So many words of eight bytes, as they lie.
    mutating func words(_ count: Int) throws -> UnsafeRawBufferPointer {
        guard count <= (bytes.count - position) / 8 else { throw Self.damage }
        return try take(8 * count)
    }

    private mutating func take(_ count: Int) throws -> UnsafeRawBufferPointer {
        guard count <= bytes.count - position else { throw Self.damage }
        defer { position += count }
        return UnsafeRawBufferPointer(rebasing: bytes[position..<position + count])
    }

    private static var damage: DatabaseError { .corrupt("the summary of a day ends early") }
}
