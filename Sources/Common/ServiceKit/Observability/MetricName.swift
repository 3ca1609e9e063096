/// A metric's name and what it says; one commented constant each.
public struct MetricName: Sendable {
    public let name: String
    public let help: String
    public init(_ name: String, _ help: String) {
        self.name = name
        self.help = help
    }

    public static let httpRequests = MetricName("earshot_http_requests_total", "HTTP requests by route and status.")
    public static let stageItems = MetricName(
        "earshot_stage_items_total", "Items that left a stage, by stage and outcome.")
    public static let stageBytes = MetricName("earshot_stage_bytes_total", "Bytes that entered a stage.")
    public static let stageBusy = MetricName("earshot_stage_busy_seconds_total", "Seconds that a stage worked.")
    public static let stageWait = MetricName(
        "earshot_stage_wait_seconds_total", "Seconds that a stage waited for input.")
    public static let stageFailures = MetricName(
        "earshot_stage_failures_total", "Batches that failed and were tried again.")
    public static let consumerLag = MetricName(
        "earshot_consumer_lag", "Records between a group's position and the end.")
}
