import CRdKafka

/// A message's headers, read where they were fetched to.
///
/// librdkafka's own list of them takes some seven allocations a message, which is a third of all that consuming costs.
/// It hands out keys and values where they lie in what a broker sent, and there, in each format since Kafka 0.11, the headers follow
/// the value and come before the next record's key. Nothing of that is promised, so it is looked at: the value's length must
/// stand before it as only that format writes it, the next message must be close behind, and the headers must end before that.
/// If not, librdkafka is asked for its list.
enum FetchedHeaders {
    /// Of a record's headers; those of more bytes are left to librdkafka.
    private static let bytes = 2048
    /// What an encoded block may take: each header has two bytes of lengths or more there, and five here.
    static let encodedBytes = bytes * 5 / 2

    /// Encodes headers as ``RecordHeaders`` has them.
    ///
    /// - Parameter next: The message after this one.
    /// - Returns: The block, in `scratch`; nil if librdkafka must be asked.
    static func encode(
        after value: UnsafeRawBufferPointer, before next: UnsafePointer<rd_kafka_message_t>,
        in scratch: UnsafeMutableRawBufferPointer
    ) -> UnsafeRawBufferPointer? {
        // Of a word about an error, the payload is its text.
        guard next.pointee.err == RD_KAFKA_RESP_ERR_NO_ERROR, let start = value.baseAddress, !value.isEmpty,
            let limit = (next.pointee.key ?? next.pointee.payload).map({ UnsafeRawPointer($0) })
        else { return nil }
        let end = start + value.count
        guard end < limit, limit - end <= bytes, isPreceded(start, byLength: value.count) else { return nil }
        return encode(UnsafeRawBufferPointer(start: end, count: limit - end), in: scratch)
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
        _ wire: UnsafeRawBufferPointer, in scratch: UnsafeMutableRawBufferPointer
    ) -> UnsafeRawBufferPointer? {
        guard let source = wire.baseAddress, let target = scratch.baseAddress else { return nil }
        var at = 0
        var size = 0
        guard let count = integer(wire, &at), count >= 0 else { return nil }
        for _ in 0..<count {
            guard let nameLength = integer(wire, &at), nameLength >= 0, nameLength <= 255,
                at + nameLength < wire.count
            else { return nil }
            let name = source + at
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
        return UnsafeRawBufferPointer(start: target, count: size)
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
}
