import Common
import KafkaLog
import Logging
import Testing

@Suite("Settings of Kafka")
struct KafkaSettingsTests {
    @Test("a URL names brokers and settings")
    func url() throws {
        let settings = try KafkaSettings(
            url: "kafka://one,two:9093,[::1]:9094/?linger.ms=3&topic.min.insync.replicas=2&topics=expect"
                + "&group.prefix=eu.&record.bytes=1048576")
        #expect(settings.brokers == ["one:9092", "two:9093", "[::1]:9094"])
        #expect(settings.client == ["linger.ms": Secret("3")])
        #expect(settings.topic == ["min.insync.replicas": "2"])
        #expect(settings.topics == .expect)
        #expect(settings.groupPrefix == "eu.")
        #expect(settings.recordBytes == 1 << 20)
    }

    @Test("a user means SASL over TLS, unless the query says otherwise")
    func user() throws {
        let settings = try KafkaSettings(
            url: "kafka://ear%40shot:p%3Aw%2F1@broker:9094?sasl.mechanisms=SCRAM-SHA-512&ssl.ca.location=/ca.pem")
        #expect(settings.brokers == ["broker:9094"])
        #expect(settings.client["sasl.username"]?.reveal() == "ear@shot")
        #expect(settings.client["sasl.password"]?.reveal() == "p:w/1")
        #expect(settings.client["security.protocol"]?.reveal() == "SASL_SSL")
        #expect(settings.client["sasl.mechanisms"]?.reveal() == "SCRAM-SHA-512")
        #expect(settings.client["ssl.ca.location"]?.reveal() == "/ca.pem")
        #expect(!"\(settings)".contains("p:w"))
    }

    @Test(
        "what cannot be used is refused by its name",
        arguments: [
            ("http://broker", "url"), ("kafka://", "url"), ("kafka://a,,b", "url"), ("kafka://a:0", "url"),
            ("kafka://a:b", "url"), ("kafka://user@a", "url"), ("kafka://a?x", "x"), ("kafka://a?topics=no", "topics"),
            ("kafka://a?record.bytes=12", "record.bytes"), ("kafka://a?no.such.setting=1", "no.such.setting"),
            ("kafka://a?linger.ms=long", "linger.ms"), ("kafka://a?acks=0", "acks"),
            ("kafka://a?enable.auto.commit=true", "enable.auto.commit"),
            ("kafka://a?heartbeat.interval.ms=x", "heartbeat.interval.ms"),
            ("kafka://a?security.protocol=SSL&ssl.ca.location=/no/such/file", "client"),
        ])
    func refused(url: String, setting: String) {
        #expect {
            _ = try KafkaLog(KafkaSettings(url: url), logger: .silent)
        } throws: {
            ($0 as? KafkaSettingsError)?.setting == setting
        }
    }
}
