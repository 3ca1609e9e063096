import CRdKafka
import Common

/// librdkafka's error codes as errors of the log: by what to do next.
enum KafkaFailure {
    /// - Parameter what: What was tried, or the reason in words.
    static func error(_ code: rd_kafka_resp_err_t, _ what: String, topic: String = "") -> EventLogError {
        switch code {
        case RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART, RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC,
            RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION:
            .unknownTopic(topic)
        case RD_KAFKA_RESP_ERR__AUTHENTICATION, RD_KAFKA_RESP_ERR_SASL_AUTHENTICATION_FAILED,
            RD_KAFKA_RESP_ERR_UNSUPPORTED_SASL_MECHANISM, RD_KAFKA_RESP_ERR_ILLEGAL_SASL_STATE,
            RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED, RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED,
            RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED, RD_KAFKA_RESP_ERR__SSL:
            .denied("\(what): \(text(code))")
        case RD_KAFKA_RESP_ERR__BAD_MSG, RD_KAFKA_RESP_ERR__BAD_COMPRESSION, RD_KAFKA_RESP_ERR_INVALID_MSG:
            .corrupt("\(what): \(text(code))")
        case RD_KAFKA_RESP_ERR__DESTROY: .closed
        default: .unavailable("\(what): \(text(code))")
        }
    }

    static func text(_ code: rd_kafka_resp_err_t) -> String { String(cString: rd_kafka_err2str(code)) }

    /// Throws what librdkafka gave, if it gave something, and frees it.
    static func check(_ error: OpaquePointer?, _ what: String, topic: String = "") throws(EventLogError) {
        guard let error else { return }
        defer { rd_kafka_error_destroy(error) }
        throw self.error(rd_kafka_error_code(error), what, topic: topic)
    }

    static func check(_ code: rd_kafka_resp_err_t, _ what: String, topic: String = "") throws(EventLogError) {
        if code != RD_KAFKA_RESP_ERR_NO_ERROR { throw error(code, what, topic: topic) }
    }
}
