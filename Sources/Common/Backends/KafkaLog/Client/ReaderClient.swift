import CRdKafka
import Common

/// A client that belongs to no group; several threads use it.
final class ReaderClient: @unchecked Sendable {
    let handle: ClientHandle

    init(_ settings: KafkaSettings, _ context: ClientContext) throws(KafkaSettingsError) {
        handle = try ClientHandle(RD_KAFKA_CONSUMER, try .reader(settings), context: context)
    }
}

extension [CChar] {
    /// The text up to the terminating zero.
    var asText: String { String(decoding: prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self) }
}
