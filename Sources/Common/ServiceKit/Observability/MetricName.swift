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
    public static let spoolRecords = MetricName("earshot_spool_records", "Records that wait in the spool for the log.")
    public static let spoolBytes = MetricName("earshot_spool_bytes", "Bytes of the records that wait in the spool.")
    public static let spoolOldest = MetricName(
        "earshot_spool_oldest_seconds", "Seconds since the oldest record that waits in the spool was taken in.")
    public static let spoolForwarded = MetricName(
        "earshot_spool_forwarded_total", "Records that went on from the spool to the log.")
    public static let spoolRefused = MetricName(
        "earshot_spool_refused_total", "Records of the spool that the log did not take for their size.")
    public static let jobsEnded = MetricName("earshot_jobs_ended_total", "Jobs that ended, by kind and state.")
    public static let jobsOpen = MetricName("earshot_jobs_open", "Jobs that wait or run, by kind and state.")
}
