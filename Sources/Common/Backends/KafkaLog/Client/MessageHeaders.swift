import CRdKafka
import Common

import func Glibc.strlen

/// Headers between their block in a record batch and librdkafka's list.
enum MessageHeaders {
    /// Makes librdkafka's list of a block that ``RecordHeaders`` encoded.
    static func make(_ block: UnsafeRawBufferPointer) -> OpaquePointer? {
        let headers = rd_kafka_headers_new(8)
        guard let base = block.baseAddress else { return headers }
        var at = 0
        while at < block.count {
            let nameLength = Int(block[at])
            let nameEnd = at + 1 + nameLength
            guard nameEnd + 4 <= block.count else { break }
            let length = Int(UInt32(littleEndian: block.loadUnaligned(fromByteOffset: nameEnd, as: UInt32.self)))
            guard nameEnd + 4 + length <= block.count else { break }
            rd_kafka_header_add(
                headers, (base + at + 1).assumingMemoryBound(to: CChar.self), nameLength, base + nameEnd + 4, length)
            at = nameEnd + 4 + length
        }
        return headers
    }

    /// Appends a message's headers to an arena, encoded as ``RecordHeaders`` has them; a name that is too long for
    /// that, which none of ours is, is left out with its value.
    static func append(of message: UnsafePointer<rd_kafka_message_t>, to arena: inout [UInt8]) {
        var headers: OpaquePointer?
        guard rd_kafka_message_headers(message, &headers) == RD_KAFKA_RESP_ERR_NO_ERROR, let headers else { return }
        var index = 0
        var name: UnsafePointer<CChar>?
        var value: UnsafeRawPointer?
        var length = 0
        while rd_kafka_header_get_all(headers, index, &name, &value, &length) == RD_KAFKA_RESP_ERR_NO_ERROR {
            index += 1
            guard let name else { continue }
            let nameLength = strlen(name)
            guard nameLength <= 255 else { continue }
            arena.append(UInt8(nameLength))
            arena.append(contentsOf: UnsafeRawBufferPointer(start: name, count: nameLength))
            withUnsafeBytes(of: UInt32(length).littleEndian) { arena.append(contentsOf: $0) }
            if length > 0 { arena.append(contentsOf: UnsafeRawBufferPointer(start: value, count: length)) }
        }
    }
}
