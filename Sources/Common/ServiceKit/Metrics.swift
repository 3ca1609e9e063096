import Synchronization

/// The process's counters and gauges, written as Prometheus text (exposition format 0.0.4).
public final class Metrics: Sendable {
    private struct Key: Hashable {
        var name: String
        var labels: String
    }
    private struct Series {
        var help: String
        var kind: String
        var values: [String: Double]
    }
    private let series = Mutex<[String: Series]>([:])

    public init() {}

    /// Adds to a counter.
    public func add(_ amount: Double = 1, to name: MetricName, _ labels: [(String, String)] = []) {
        update(name, "counter", labels) { $0 += amount }
    }

    /// Sets a gauge.
    public func set(_ name: MetricName, to value: Double, _ labels: [(String, String)] = []) {
        update(name, "gauge", labels) { $0 = value }
    }

    private func update(_ name: MetricName, _ kind: String, _ labels: [(String, String)], _ change: (inout Double) -> Void) {
        let text = labels.map { "\($0.0)=\"\($0.1.escapedForPrometheus)\"" }.joined(separator: ",")
        series.withLock { change(&$0[name.name, default: Series(help: name.help, kind: kind, values: [:])].values[text, default: 0]) }
    }

    /// All series as Prometheus text.
    public func text() -> String {
        series.withLock { all in
            all.sorted { $0.key < $1.key }.map { name, series in
                "# HELP \(name) \(series.help)\n# TYPE \(name) \(series.kind)\n"
                    + series.values.sorted { $0.key < $1.key }.map { labels, value in
                        "\(name)\(labels.isEmpty ? "" : "{\(labels)}") \(value)\n"
                    }.joined()
            }.joined()
        }
    }
}

/// A metric's name and what it says; one commented constant each.
public struct MetricName: Sendable {
    public let name: String
    public let help: String
    public init(_ name: String, _ help: String) {
        self.name = name
        self.help = help
    }

    public static let httpRequests = MetricName("earshot_http_requests_total", "HTTP requests by route and status.")
    public static let stageItems = MetricName("earshot_stage_items_total", "Items that left a stage, by stage and outcome.")
    public static let stageBytes = MetricName("earshot_stage_bytes_total", "Bytes that entered a stage.")
    public static let stageBusy = MetricName("earshot_stage_busy_seconds_total", "Seconds that a stage worked.")
    public static let stageWait = MetricName("earshot_stage_wait_seconds_total", "Seconds that a stage waited for input.")
    public static let consumerLag = MetricName("earshot_consumer_lag", "Records between a group's position and the end.")
}

extension String {
    fileprivate var escapedForPrometheus: String {
        reduce(into: "") { text, character in
            switch character {
            case "\\": text += "\\\\"
            case "\"": text += "\\\""
            case "\n": text += "\\n"
            default: text.append(character)
            }
        }
    }
}
