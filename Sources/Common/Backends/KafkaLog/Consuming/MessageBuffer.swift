import CRdKafka
import Common

/// Room for the messages of one call.
final class MessageBuffer {
    typealias Messages = UnsafeMutablePointer<UnsafeMutablePointer<rd_kafka_message_t>?>

    private var messages: Messages
    private var capacity = 256

    init() {
        messages = .allocate(capacity: capacity)
        messages.initialize(repeating: nil, count: capacity)
    }

    deinit { messages.deallocate() }

    /// Has the buffer filled.
    ///
    /// - Returns: How many messages there are; each must be taken by ``forEach(_:_:)``.
    func fill(_ count: Int, _ body: (Messages, Int) -> Int) -> Int {
        if count > capacity {
            messages.deallocate()
            capacity = max(count, 2 * capacity)
            messages = .allocate(capacity: capacity)
            messages.initialize(repeating: nil, count: capacity)
        }
        return max(0, body(messages, count))
    }

    /// Bytes of keys and values of the first messages.
    func bytes(_ count: Int) -> Int {
        var bytes = 0
        for index in 0..<count {
            guard let message = messages[index] else { continue }
            bytes += message.pointee.len + message.pointee.key_len
        }
        return bytes
    }

    /// Hands out the first messages and frees them.
    func forEach(_ count: Int, _ body: (UnsafeMutablePointer<rd_kafka_message_t>) -> Void) {
        for index in 0..<count {
            guard let message = messages[index] else { continue }
            body(message)
            rd_kafka_message_destroy(message)
            messages[index] = nil
        }
    }
}

extension RecordBatch {
    /// Adds a message that was consumed.
    mutating func append(_ message: UnsafePointer<rd_kafka_message_t>) {
        let start = arena.count
        let (value, key) = (message.pointee.payload, message.pointee.key)
        let (valueLength, keyLength) = (message.pointee.len, message.pointee.key_len)
        if keyLength > 0 { arena.append(contentsOf: UnsafeRawBufferPointer(start: key, count: keyLength)) }
        let headersLength = MessageHeaders.append(of: message, to: &arena)
        if valueLength > 0 { arena.append(contentsOf: UnsafeRawBufferPointer(start: value, count: valueLength)) }
        var kind = RD_KAFKA_TIMESTAMP_NOT_AVAILABLE
        let timestamp = rd_kafka_message_timestamp(message, &kind)
        entries.append(
            Entry(
                offset: message.pointee.offset, timestamp: max(0, timestamp), start: start,
                keyLength: key == nil ? -1 : keyLength, headersLength: headersLength,
                valueLength: value == nil ? -1 : valueLength))
    }
}
