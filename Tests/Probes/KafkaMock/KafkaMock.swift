import CRdKafka
import Foundation

/// librdkafka's mock cluster, for other processes: prints its address, then does what standard input says, line by
/// line, and answers each line with `ok` or what is wrong. It ends with its input.
///
/// `topic NAME PARTITIONS`, `fail API CODE COUNT` (the next requests of a kind), `down`, `up`,
/// `forget TOPIC`, `recall TOPIC`, `rtt MILLISECONDS`.
@main
struct KafkaMock {
    static func main() {
        guard let client = rd_kafka_new(RD_KAFKA_PRODUCER, rd_kafka_conf_new(), nil, 0),
            let cluster = rd_kafka_mock_cluster_new(client, 1), let address = rd_kafka_mock_cluster_bootstraps(cluster)
        else {
            say("no cluster")
            return
        }
        say(String(cString: address))
        while let line = readLine() { say(perform(line.split(separator: " ").map(String.init), on: cluster)) }
        rd_kafka_mock_cluster_destroy(cluster)
        rd_kafka_destroy(client)
    }

    private static func perform(_ words: [String], on cluster: OpaquePointer) -> String {
        let code: rd_kafka_resp_err_t
        switch (words.first, words.dropFirst().map { Int32($0) }) {
        case ("topic", let numbers) where words.count == 3:
            code = rd_kafka_mock_topic_create(cluster, words[1], numbers[1] ?? 1, 1)
        case ("fail", let numbers) where words.count == 4:
            let errors = [rd_kafka_resp_err_t](
                repeating: rd_kafka_resp_err_t(rawValue: numbers[1] ?? 0), count: Int(numbers[2] ?? 0))
            rd_kafka_mock_push_request_errors_array(cluster, Int16(numbers[0] ?? 0), errors.count, errors)
            code = RD_KAFKA_RESP_ERR_NO_ERROR
        case ("forget", _) where words.count == 2:
            rd_kafka_mock_topic_set_error(cluster, words[1], RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART)
            code = RD_KAFKA_RESP_ERR_NO_ERROR
        case ("recall", _) where words.count == 2:
            rd_kafka_mock_topic_set_error(cluster, words[1], RD_KAFKA_RESP_ERR_NO_ERROR)
            code = RD_KAFKA_RESP_ERR_NO_ERROR
        case ("down", _): code = rd_kafka_mock_broker_set_down(cluster, -1)
        case ("up", _): code = rd_kafka_mock_broker_set_up(cluster, -1)
        case ("rtt", let numbers) where words.count == 2:
            code = rd_kafka_mock_broker_set_rtt(cluster, -1, numbers[0] ?? 0)
        default: return "what is \(words)?"
        }
        let isDone = [RD_KAFKA_RESP_ERR_NO_ERROR, RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS].contains(code)
        return isDone ? "ok" : String(cString: rd_kafka_err2str(code))
    }

    private static func say(_ line: String) { FileHandle.standardOutput.write(Data((line + "\n").utf8)) }
}
