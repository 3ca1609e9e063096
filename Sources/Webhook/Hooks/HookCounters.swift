import ServiceKit

/// What became of the deliveries, as series that are looked up once.
struct HookCounters: Sendable {
    let accepted, duplicate, ignored, handshake, bytes: Metrics.Counter
    private let metrics: Metrics

    init(_ metrics: Metrics) {
        self.metrics = metrics
        accepted = metrics.counter(.stageItems, Self.labels("accepted"))
        duplicate = metrics.counter(.stageItems, Self.labels("duplicate"))
        ignored = metrics.counter(.stageItems, Self.labels("ignored"))
        handshake = metrics.counter(.stageItems, Self.labels("handshake"))
        bytes = metrics.counter(.stageBytes, [("stage", "receive")])
    }

    /// Deliveries that were answered with this status.
    func refused(_ status: Int) -> Metrics.Counter { metrics.counter(.stageItems, Self.labels("refused_\(status)")) }

    private static func labels(_ outcome: String) -> [(String, String)] {
        [("stage", "receive"), ("outcome", outcome)]
    }
}
