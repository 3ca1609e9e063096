import CRdKafka
import Common

/// Room for the messages of one call.
final class MessageBuffer {
    typealias Messages = UnsafeMutablePointer<UnsafeMutablePointer<rd_kafka_message_t>?>

    private var messages: Messages
    private var capacity = 256
    /// Where a message's headers are encoded.
    private let scratch = UnsafeMutableRawBufferPointer.allocate(byteCount: FetchedHeaders.encodedBytes, alignment: 1)

    /// Where it is said that headers are not where they were looked for.
    private let context: ClientContext
    private(set) var trust = HeaderTrust()

    init(_ context: ClientContext) {
        self.context = context
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
            body(Consumed(message: message, next: index + 1 < count ? messages[index + 1] : nil, buffer: self))
            rd_kafka_message_destroy(message)
            messages[index] = nil
        }
    }

    /// A message in the buffer, which is freed afterwards.
    struct Consumed {
        let message: UnsafeMutablePointer<rd_kafka_message_t>
        /// The one after it.
        fileprivate let next: UnsafeMutablePointer<rd_kafka_message_t>?
        fileprivate let buffer: MessageBuffer

        var code: rd_kafka_resp_err_t { message.pointee.err }
        var offset: Int64 { message.pointee.offset }
    }

    /// Appends a message's headers to an arena.
    fileprivate func appendHeaders(of consumed: Consumed, to arena: inout [UInt8]) {
        // The payload of a word about an error is its text.
        guard !trust.isLost, let next = consumed.next, next.pointee.err == RD_KAFKA_RESP_ERR_NO_ERROR,
            let block = FetchedHeaders.encode(
                after: consumed.message.pointee.bytes, beforeKey: next.pointee.keyBytes, value: next.pointee.bytes,
                in: scratch)
        else { return MessageHeaders.append(of: consumed.message, to: &arena) }
        guard trust.isDue() else { return arena.append(contentsOf: block) }
        let start = arena.count
        MessageHeaders.append(of: consumed.message, to: &arena)
        trust.compared(isSame: arena[start...].elementsEqual(block))
        if trust.isLost {
            context.log(
                "headers are not where this librdkafka (\(String(cString: rd_kafka_version_str()))) should have them: "
                    + "it is asked for each, which is slower", facility: "HEADERS", level: 4)
        }
    }
}

extension rd_kafka_message_t {
    /// Without an address there is none.
    fileprivate var keyBytes: UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(start: key, count: key == nil ? 0 : key_len)
    }
    /// The value.
    fileprivate var bytes: UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(start: payload, count: payload == nil ? 0 : len)
    }
}

extension RecordBatch {
    /// Adds a message that was consumed.
    mutating func append(_ consumed: MessageBuffer.Consumed) {
        let message = consumed.message
        let start = arena.count
        let key = message.pointee.keyBytes
        let value = message.pointee.bytes
        arena.append(contentsOf: key)
        let afterKey = arena.count
        consumed.buffer.appendHeaders(of: consumed, to: &arena)
        let headersLength = arena.count - afterKey
        arena.append(contentsOf: value)
        var kind = RD_KAFKA_TIMESTAMP_NOT_AVAILABLE
        let timestamp = rd_kafka_message_timestamp(message, &kind)
        entries.append(
            Entry(
                offset: message.pointee.offset, timestamp: max(0, timestamp), start: start,
                keyLength: key.baseAddress == nil ? -1 : key.count, headersLength: headersLength,
                valueLength: value.baseAddress == nil ? -1 : value.count))
    }
}
