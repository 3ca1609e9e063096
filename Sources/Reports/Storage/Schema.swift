import Common
import Notices
import ServiceKit

/// The tables of this service.
///
/// - `feedback`: the current revision of every item by id, with its JSON document; a tombstone of one that is gone.
/// - `fact`: what is counted of an item, in a narrow row, in the order of workspace and time.
/// - `rollup`: the facts added up by the quarter of an hour; always equal to the facts.
/// - `day`, `day_summary`: which days of a workspace have facts, and summaries of those days that have not changed since.
/// - `word`: the numbers that stand for texts in `fact` and `rollup`.
/// - `job`, `job_step`, `job_schedule`, `job_provider`: see ``JobSchema``.
/// - `channel`, `notice`, `notice_attempt`: see ``NoticeSchema``.
/// - `report_schedule`: reports that are made again and again. `alert_rule`, `alert`: what is watched for, and was found.
/// - `consumer_offsets`, `watermark`, `ledger`: how far the topic was read, and what became of the items.
enum Schema {
    /// In milliseconds.
    private static let day: Int64 = 86_400_000

    static let migrations = [
        Migration(1, "feedback, facts, rollups, offsets, ledger") { connection in
            let dialect = connection.dialect
            let integer = dialect.integer
            let text = dialect.text
            try connection.execute(
                """
                CREATE TABLE word (
                    id \(raw: integer) NOT NULL PRIMARY KEY, kind INTEGER NOT NULL, text \(raw: text) NOT NULL,
                    UNIQUE (kind, text))
                """)
            try connection.execute(
                """
                CREATE TABLE feedback (
                    id \(raw: dialect.blob) NOT NULL PRIMARY KEY, workspace \(raw: integer) NOT NULL,
                    timestamp \(raw: integer) NOT NULL, revision \(raw: integer) NOT NULL, state INTEGER NOT NULL,
                    hash \(raw: dialect.blob) NOT NULL, merge_key \(raw: dialect.blob),
                    merged_into \(raw: dialect.blob), raw_partition INTEGER NOT NULL,
                    raw_offset \(raw: integer) NOT NULL, raw_item INTEGER NOT NULL, stored_at \(raw: integer) NOT NULL,
                    document \(raw: dialect.blob) NOT NULL)
                """)
            try connection.execute(
                "CREATE INDEX feedback_merge_key ON feedback (merge_key) WHERE merge_key IS NOT NULL")
            try connection.execute(
                """
                CREATE TABLE fact (
                    workspace \(raw: integer) NOT NULL, timestamp \(raw: integer) NOT NULL,
                    feedback \(raw: dialect.blob) NOT NULL, origin \(raw: integer) NOT NULL,
                    language \(raw: integer) NOT NULL, sentiment INTEGER NOT NULL,
                    intent \(raw: integer) NOT NULL, topics \(raw: dialect.blob) NOT NULL, score INTEGER NOT NULL,
                    rating INTEGER NOT NULL, version \(raw: integer) NOT NULL, platform \(raw: integer) NOT NULL,
                    country \(raw: integer) NOT NULL, author \(raw: integer) NOT NULL, merged INTEGER NOT NULL,
                    PRIMARY KEY (workspace, timestamp, feedback)) \(raw: dialect.clustered)
                """)
            // Posts go back for years: chunks of a month keep their number small.
            try connection.makeHypertable(
                Hypertable(
                    "fact", by: "timestamp", chunk: 30 * day,
                    columnstore: .init(after: 90 * day, groupedBy: "workspace")))
            try connection.execute(
                """
                CREATE TABLE rollup (
                    workspace \(raw: integer) NOT NULL, dimension INTEGER NOT NULL, bucket \(raw: integer) NOT NULL,
                    value \(raw: integer) NOT NULL, sentiment INTEGER NOT NULL, feedback \(raw: integer) NOT NULL,
                    merged \(raw: integer) NOT NULL, score_sum \(raw: integer) NOT NULL,
                    rating_sum \(raw: integer) NOT NULL, rating_count \(raw: integer) NOT NULL,
                    PRIMARY KEY (workspace, dimension, bucket, value, sentiment)) \(raw: dialect.clustered)
                """)
            try connection.makeHypertable(Hypertable("rollup", by: "bucket", chunk: 90 * day))
            try connection.execute(
                """
                CREATE TABLE consumer_offsets (
                    topic \(raw: text) NOT NULL, partition_number INTEGER NOT NULL, next_offset \(raw: integer) NOT NULL,
                    PRIMARY KEY (topic, partition_number)) \(raw: dialect.clustered)
                """)
            try connection.execute(
                """
                CREATE TABLE watermark (
                    partition_number INTEGER NOT NULL, raw_partition INTEGER NOT NULL,
                    raw_offset \(raw: integer) NOT NULL, raw_item INTEGER NOT NULL,
                    PRIMARY KEY (partition_number, raw_partition)) \(raw: dialect.clustered)
                """)
            try connection.execute(
                """
                CREATE TABLE ledger (
                    workspace \(raw: text) NOT NULL, outcome \(raw: text) NOT NULL, items \(raw: integer) NOT NULL,
                    PRIMARY KEY (workspace, outcome)) \(raw: dialect.clustered)
                """)
            try connection.execute(
                """
                CREATE TABLE dead_letter (
                    id \(raw: text) NOT NULL PRIMARY KEY, workspace \(raw: text) NOT NULL) \(raw: dialect.clustered)
                """)
        },
        Migration(2, "jobs") { try JobSchema.create(on: $0) },
        Migration(3, "summaries of days, rollups by the quarter") { connection in
            let dialect = connection.dialect
            let integer = dialect.integer
            try connection.execute("DROP TABLE rollup")
            try connection.execute(
                """
                CREATE TABLE rollup (
                    workspace \(raw: integer) NOT NULL, bucket \(raw: integer) NOT NULL, sentiment INTEGER NOT NULL,
                    feedback \(raw: integer) NOT NULL, merged \(raw: integer) NOT NULL,
                    score_sum \(raw: integer) NOT NULL, rating_sum \(raw: integer) NOT NULL,
                    rating_count \(raw: integer) NOT NULL,
                    PRIMARY KEY (workspace, bucket, sentiment)) \(raw: dialect.clustered)
                """)
            try connection.makeHypertable(Hypertable("rollup", by: "bucket", chunk: 90 * day))
            try connection.execute(
                """
                INSERT INTO rollup
                SELECT workspace, \(raw: floored("timestamp", RollupKey.bucketLength)), sentiment, SUM(1 - merged),
                    SUM(merged), SUM((1 - merged) * score), SUM((1 - merged) * rating),
                    SUM(CASE WHEN merged = 0 AND rating > 0 THEN 1 ELSE 0 END)
                FROM fact GROUP BY 1, 2, 3
                """)
            try connection.execute(
                """
                CREATE TABLE day (
                    workspace \(raw: integer) NOT NULL, day \(raw: integer) NOT NULL, version \(raw: integer) NOT NULL,
                    summarised \(raw: integer) NOT NULL, changed_at \(raw: integer) NOT NULL,
                    PRIMARY KEY (workspace, day)) \(raw: dialect.clustered)
                """)
            try connection.execute("CREATE INDEX day_changed ON day (day) WHERE summarised <> version")
            try connection.execute(
                """
                INSERT INTO day
                SELECT workspace, \(raw: floored("timestamp", DayKey.length)), 1, 0, 0 FROM fact GROUP BY 1, 2
                """)
            try connection.execute(
                """
                CREATE TABLE day_summary (
                    workspace \(raw: integer) NOT NULL, day \(raw: integer) NOT NULL,
                    numbers \(raw: dialect.blob) NOT NULL, people \(raw: dialect.blob) NOT NULL,
                    quotes \(raw: dialect.blob) NOT NULL, PRIMARY KEY (workspace, day))
                """)
        },
        Migration(4, "providers of jobs") { try JobSchema.addProviders(on: $0) },
        Migration(5, "channels and notices") { try NoticeSchema.create(on: $0) },
        Migration(6, "schedules and alerts") { connection in
            try ScheduleTable.create(on: connection)
            try AlertTable.create(on: connection)
        },
        Migration(7, "lines of jobs") { try JobSchema.addLines(on: $0) },
        Migration(8, "taking of jobs") { try JobSchema.addTaking(on: $0) },
    ]

    /// SQL that floors a column of instants, also before 1970, to whole lengths.
    private static func floored(_ column: String, _ length: Int64) -> String {
        "\(column) - ((\(column) % \(length)) + \(length)) % \(length)"
    }
}
