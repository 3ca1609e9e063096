import Common

/// How a topic is kept, in Kafka's settings.
extension Topic {
    private static let dayInMilliseconds: Int64 = 86_400_000

    /// Settings of a new topic.
    ///
    /// - Parameter others: The operator's, which beat ours but for how long records stay.
    func configuration(recordBytes: Int, others: [String: String]) -> [String: String] {
        [
            // A batch is a little longer than the record that fills it.
            "max.message.bytes": String(recordBytes + (128 << 10)), "message.timestamp.type": "CreateTime",
            // What is old goes with its segment: a day late at most.
            "segment.ms": String(Self.dayInMilliseconds),
        ].merging(others) { $1 }.merging(retentionConfiguration) { $1 }
    }

    private var retentionConfiguration: [String: String] {
        switch retention {
        case .days(let days):
            ["cleanup.policy": "delete", "retention.ms": String(Int64(days) * Self.dayInMilliseconds)]
        case .compacted: ["cleanup.policy": "compact"]
        }
    }

    /// What of these settings is not as the topic is declared; nil if all is well.
    func mismatch(with configuration: [String: String]) -> String? {
        let wrong = retentionConfiguration.sorted { $0.key < $1.key }.filter { configuration[$0.key] != $0.value }
        guard !wrong.isEmpty else { return nil }
        return wrong.map { name, value in
            "\(self.name) has \(name)=\(configuration[name] ?? "nothing"), declared is \(value)"
        }.joined(separator: "; ") + ": alter the topic, or set topics=expect if it is meant to be so"
    }
}
