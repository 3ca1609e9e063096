public import Common
import Foundation

/// How a Kafka cluster is reached, and what is asked of it.
///
/// ```
/// kafka://broker-1:9092,broker-2:9092?security.protocol=SSL&ssl.ca.location=/etc/ca.pem
/// ```
public struct KafkaSettings: Sendable, Hashable, CustomStringConvertible {
    /// Who makes the topics.
    public enum TopicPolicy: String, Sendable, CaseIterable {
        /// We make those that do not exist, and refuse those that are kept otherwise than declared.
        case create
        /// Somebody else does: they must exist with enough partitions, and how they are kept is not our affair.
        case expect
    }

    /// Brokers to ask first, `host:port` each.
    public var brokers: [String]
    /// librdkafka's settings by their names, `ssl.ca.location` or `linger.ms`; they beat our defaults.
    public var client: [String: Secret] = [:]
    /// Kafka's settings by their names, of topics that we make: `min.insync.replicas`. `replication.factor` is one of
    /// them; without it a topic has three replicas, or one on each broker if there are fewer.
    public var topic: [String: String] = [:]
    public var topics = TopicPolicy.create
    /// Begins the names of our consumer groups in the cluster.
    public var groupPrefix = "earshot."
    /// Largest record: key, headers and value together, in bytes.
    public var recordBytes = 16 << 20

    public init(brokers: [String]) { self.brokers = brokers }

    /// Reads `kafka://[user:password@]host[:port][,host…][?name=value&…]`.
    ///
    /// Names are librdkafka's; with the prefix `topic.` Kafka's own for new topics; `topics` is `create` or `expect`,
    /// `group.prefix` and `record.bytes` are as here. A user name means SASL, with `PLAIN` over TLS unless the
    /// query says otherwise. What is not plain in a URL is percent-encoded.
    public init(url: String) throws(KafkaSettingsError) {
        guard url.hasPrefix("kafka://") else {
            throw KafkaSettingsError("url", "does not begin with kafka://, as in kafka://broker:9092")
        }
        let parts = url.dropFirst("kafka://".count).split(
            separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
        var hosts = parts[0]
        if let at = hosts.lastIndex(of: "@") {
            let pair = hosts[..<at].split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
            guard pair.count == 2 else {
                throw KafkaSettingsError("url", "has a user without a password; write user:password@host")
            }
            client = [
                "sasl.username": Secret(try Self.decoded(pair[0])), "sasl.password": Secret(try Self.decoded(pair[1])),
                "security.protocol": Secret("SASL_SSL"), "sasl.mechanisms": Secret("PLAIN"),
            ]
            hosts = hosts[hosts.index(after: at)...]
        }
        if hosts.hasSuffix("/") { hosts = hosts.dropLast() }
        brokers = try hosts.split(separator: ",", omittingEmptySubsequences: false).map(Self.broker)
        for pair in parts.count > 1 ? parts[1].split(separator: "&") : [] {
            let words = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard words.count == 2 else { throw KafkaSettingsError(String(pair), "has no value; write name=value") }
            try set(try Self.decoded(words[0]), to: try Self.decoded(words[1]))
        }
    }

    /// Sets one of the query's settings.
    private mutating func set(_ name: String, to value: String) throws(KafkaSettingsError) {
        switch name {
        case "topics":
            guard let policy = TopicPolicy(rawValue: value) else {
                throw KafkaSettingsError(name, "is \(value); write create or expect")
            }
            topics = policy
        case "group.prefix": groupPrefix = value
        case "record.bytes":
            guard let bytes = Int(value), (1024...512 << 20).contains(bytes) else {
                throw KafkaSettingsError(name, "is \(value); write a number of bytes from 1024 to 536870912")
            }
            recordBytes = bytes
        default:
            if name.hasPrefix("topic."), !ClientConfiguration.isKnown(name) {
                topic[String(name.dropFirst("topic.".count))] = value
            } else {
                client[name] = Secret(value)
            }
        }
    }

    /// The brokers; the rest may be secret.
    public var description: String { "kafka://" + brokers.joined(separator: ",") }

    private static func broker(_ text: Substring) throws(KafkaSettingsError) -> String {
        guard !text.isEmpty else {
            throw KafkaSettingsError("url", "names no broker between two commas, or none at all")
        }
        // An address of IPv6 has its colons within brackets.
        let end = text.lastIndex(of: "]") ?? text.startIndex
        guard let colon = text[end...].lastIndex(of: ":") else { return text + ":9092" }
        guard let port = Int(text[text.index(after: colon)...]), (1...65_535).contains(port) else {
            throw KafkaSettingsError("url", "has a broker \(text) whose port is not between 1 and 65535")
        }
        return String(text)
    }

    private static func decoded(_ text: Substring) throws(KafkaSettingsError) -> String {
        guard let decoded = String(text).removingPercentEncoding else {
            throw KafkaSettingsError("url", "has a part that is not percent-encoded as URLs are")
        }
        return decoded
    }
}

/// A setting of Kafka that cannot be used: which, and why.
public struct KafkaSettingsError: Error, Sendable, CustomStringConvertible {
    public let setting: String
    public let reason: String

    init(_ setting: String, _ reason: String) {
        self.setting = setting
        self.reason = reason
    }

    public var description: String { "Kafka setting \(setting): \(reason)" }
}
