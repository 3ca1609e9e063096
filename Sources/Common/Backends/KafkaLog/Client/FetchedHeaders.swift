import func Glibc.memchr

/// A message's headers, read where they were fetched to.
///
/// librdkafka's own list of them takes some seven allocations a message, which is a third of all that consuming costs.
/// It hands out keys and values where they lie in what a broker sent, and there, in each format since Kafka 0.11, the headers follow
/// the value and come before the next record. Nothing of that is promised by librdkafka, so each time the bytes must prove it: the
/// value's length stands before it as only that format writes it, and what follows the headers is the next record, up to the
/// very byte where the next message's key or value is, with the very length that it has. If not, librdkafka is asked for its list;
/// ``HeaderTrust`` asks it now and then all the same.
enum FetchedHeaders {
    /// Of a record's headers and what is before the next key; those of more bytes are left to librdkafka. Less than a page, so
    /// that nothing is read that might not be there: the next message is.
    private static let bytes = 2048
    /// What an encoded block may take: each header has two bytes of lengths or more there, and five here.
    static let encodedBytes = bytes * 5 / 2

    /// Encodes headers as ``RecordHeaders`` has them.
    ///
    /// - Parameters:
    ///   - value: The message's own.
    ///   - nextKey: Of the message after it; without an address it has none.
    ///   - nextValue: Likewise.
    /// - Returns: The block, in `scratch`; nil if librdkafka must be asked.
    static func encode(
        after value: UnsafeRawBufferPointer, beforeKey nextKey: UnsafeRawBufferPointer,
        value nextValue: UnsafeRawBufferPointer, in scratch: UnsafeMutableRawBufferPointer
    ) -> UnsafeRawBufferPointer? {
        guard let start = value.baseAddress, !value.isEmpty, let limit = nextKey.baseAddress ?? nextValue.baseAddress
        else { return nil }
        let end = start + value.count
        guard end < limit, limit - end <= bytes, isPreceded(start, byLength: value.count) else { return nil }
        let wire = UnsafeRawBufferPointer(start: end, count: limit - end)
        var at = 0
        guard let size = encode(wire, &at, in: scratch), isNextRecord(wire, at, nextKey, nextValue) else { return nil }
        return UnsafeRawBufferPointer(rebasing: scratch[..<size])
    }

    /// Whether a record begins there whose key, or value if it has none, begins where the bytes end.
    private static func isNextRecord(
        _ wire: UnsafeRawBufferPointer, _ start: Int, _ key: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer
    ) -> Bool {
        var at = start
        guard let length = integer(wire, &at), length > key.count else { return false }
        at += 1  // attributes
        // Ten bytes at most: what was added to the batch's time, and to its offset.
        guard skipInteger(wire, &at), let offset = integer(wire, &at), offset >= 0,
            integer(wire, &at) == (key.baseAddress == nil ? -1 : key.count)
        else { return false }
        if key.baseAddress == nil, integer(wire, &at) != value.count { return false }
        return at == wire.count
    }

    /// Whether a length stands before its value as a variable-length integer. In the formats before, there is one of four bytes, which
    /// never looks like that unless it is 0.
    private static func isPreceded(_ value: UnsafeRawPointer, byLength length: Int) -> Bool {
        var rest = UInt64(length) << 1
        var bytes = 1
        while rest >> (7 * bytes) > 0 { bytes += 1 }
        for index in (-bytes)..<0 {
            let isLast = index == -1
            let expected = UInt8(rest & 0x7F) | (isLast ? 0 : 0x80)
            if value.load(fromByteOffset: index, as: UInt8.self) != expected { return false }
            rest >>= 7
        }
        return true
    }

    private static func encode(
        _ wire: UnsafeRawBufferPointer, _ at: inout Int, in scratch: UnsafeMutableRawBufferPointer
    ) -> Int? {
        guard let source = wire.baseAddress, let target = scratch.baseAddress else { return nil }
        var size = 0
        guard let count = integer(wire, &at), count >= 0 else { return nil }
        for _ in 0..<count {
            guard let nameLength = integer(wire, &at), nameLength >= 0, nameLength <= 255,
                at + nameLength < wire.count
            else { return nil }
            let name = source + at
            // librdkafka ends a name at a zero.
            guard memchr(name, 0, nameLength) == nil else { return nil }
            at += nameLength
            // -1 is null, which is empty to us.
            guard let length = integer(wire, &at).map({ max(0, $0) }), at + length <= wire.count else { return nil }
            target.storeBytes(of: UInt8(nameLength), toByteOffset: size, as: UInt8.self)
            (target + size + 1).copyMemory(from: name, byteCount: nameLength)
            size += 1 + nameLength
            target.storeBytes(of: UInt32(length).littleEndian, toByteOffset: size, as: UInt32.self)
            (target + size + 4).copyMemory(from: source + at, byteCount: length)
            size += 4 + length
            at += length
        }
        return size
    }

    /// A signed integer of variable length, as Kafka and Protocol Buffers write them.
    @inline(__always)
    private static func integer(_ wire: UnsafeRawBufferPointer, _ at: inout Int) -> Int? {
        var value: UInt32 = 0
        var shift: UInt32 = 0
        while at < wire.count, shift < 35 {
            let byte = wire[at]
            at += 1
            value |= UInt32(byte & 0x7F) << shift
            if byte < 0x80 { return Int(Int32(bitPattern: value >> 1) ^ -Int32(bitPattern: value & 1)) }
            shift += 7
        }
        return nil
    }

    /// Steps over an integer of variable length with up to 64 bits.
    private static func skipInteger(_ wire: UnsafeRawBufferPointer, _ at: inout Int) -> Bool {
        for _ in 0..<10 where at < wire.count {
            at += 1
            if wire[at - 1] < 0x80 { return true }
        }
        return false
    }
}

/// Whether ``FetchedHeaders`` is believed: what it reads is compared with librdkafka's list, of the first messages of each
/// consumer and of some later ones. One that differs ends it.
struct HeaderTrust {
    /// So many are compared at first, and then each time that so many were read.
    static let (first, interval) = (64, 4096)
    private(set) var read = 0
    private(set) var isLost = false

    /// Notes that headers were read; says whether librdkafka is to be asked as well.
    mutating func isDue() -> Bool {
        read += 1
        return read <= Self.first || read.isMultiple(of: Self.interval)
    }

    /// Notes what a comparison came to.
    mutating func compared(isSame: Bool) { if !isSame { isLost = true } }
}
