import CRdKafka
import Common

/// Room for the messages of one call.
final class MessageBuffer {
    typealias Messages = UnsafeMutablePointer<UnsafeMutablePointer<rd_kafka_message_t>?>

    private var messages: Messages
    private var capacity = 256
    /// Where a message's headers are encoded.
    private let scratch = UnsafeMutableRawBufferPointer.allocate(byteCount: FetchedHeaders.encodedBytes, alignment: 1)

    init() {
        messages = .allocate(capacity: capacity)
        messages.initialize(repeating: nil, count: capacity)
    }

    deinit {
        messages.deallocate()
        scratch.deallocate()
    }

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

    /// Hands out the first messages, each as ``Consumed``, and frees them.
    func forEach(_ count: Int, _ body: (Consumed) -> Void) {
        for index in 0..<count {
            guard let message = messages[index] else { continue }
            body(Consumed(message: message, next: index + 1 < count ? messages[index + 1] : nil, scratch: scratch))
            rd_kafka_message_destroy(message)
            messages[index] = nil
        }
    }

    /// A message in the buffer, which is freed afterwards.
    struct Consumed {
        let message: UnsafeMutablePointer<rd_kafka_message_t>
        /// The one after it.
        fileprivate let next: UnsafeMutablePointer<rd_kafka_message_t>?
        fileprivate let scratch: UnsafeMutableRawBufferPointer

        var code: rd_kafka_resp_err_t { message.pointee.err }
        var offset: Int64 { message.pointee.offset }
    }
}

extension RecordBatch {
    /// Adds a message that was consumed.
    mutating func append(_ consumed: MessageBuffer.Consumed) {
        let message = consumed.message
        let start = arena.count
        let (key, keyLength) = (message.pointee.key, message.pointee.key_len)
        let value = UnsafeRawBufferPointer(start: message.pointee.payload, count: message.pointee.len)
        if keyLength > 0 { arena.append(contentsOf: UnsafeRawBufferPointer(start: key, count: keyLength)) }
        let afterKey = arena.count
        if let block = consumed.next.flatMap({ FetchedHeaders.encode(after: value, before: $0, in: consumed.scratch) })
        {
            arena.append(contentsOf: block)
        } else {
            MessageHeaders.append(of: message, to: &arena)
        }
        let headersLength = arena.count - afterKey
        if !value.isEmpty { arena.append(contentsOf: value) }
        var kind = RD_KAFKA_TIMESTAMP_NOT_AVAILABLE
        let timestamp = rd_kafka_message_timestamp(message, &kind)
        entries.append(
            Entry(
                offset: message.pointee.offset, timestamp: max(0, timestamp), start: start,
                keyLength: key == nil ? -1 : keyLength, headersLength: headersLength,
                valueLength: value.baseAddress == nil ? -1 : value.count))
    }
}
