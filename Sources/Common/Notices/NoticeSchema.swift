public import Common

/// The tables of notices, part of the schema of each service that sends any.
///
/// - `channel`: places outside, with sealed addresses and secrets.
/// - `notice`: what is to be told, to whom; written in the transaction that causes it, with a job for each row.
/// - `notice_attempt`: how the tries to deliver went.
public enum NoticeSchema {
    /// Makes the tables: a migration of the service calls it, after that of the jobs.
    public static func create(on connection: any DatabaseConnection) throws {
        let dialect = connection.dialect
        let text = dialect.text
        let integer = dialect.integer
        try connection.execute(
            """
            CREATE TABLE channel (
                id \(raw: text) NOT NULL PRIMARY KEY, workspace \(raw: text) NOT NULL, kind \(raw: text) NOT NULL,
                name \(raw: text) NOT NULL, host \(raw: text) NOT NULL, address \(raw: text) NOT NULL,
                secrets \(raw: text) NOT NULL, created_at \(raw: integer) NOT NULL, disabled_at \(raw: integer),
                disabled_reason \(raw: text))
            """)
        try connection.execute("CREATE INDEX channel_workspace ON channel (workspace, id)")
        try connection.execute(
            """
            CREATE TABLE notice (
                id \(raw: text) NOT NULL PRIMARY KEY, workspace \(raw: text) NOT NULL, event \(raw: text) NOT NULL,
                subject \(raw: text) NOT NULL, recipient \(raw: text) NOT NULL, content \(raw: text) NOT NULL,
                created_at \(raw: integer) NOT NULL, job \(raw: text) NOT NULL,
                UNIQUE (workspace, event, subject, recipient))
            """)
        try connection.execute("CREATE INDEX notice_workspace ON notice (workspace, id)")
        try connection.execute(
            """
            CREATE TABLE notice_attempt (
                notice \(raw: text) NOT NULL, number INTEGER NOT NULL, at \(raw: integer) NOT NULL,
                milliseconds \(raw: integer) NOT NULL, outcome \(raw: text) NOT NULL, status INTEGER,
                reason \(raw: text), PRIMARY KEY (notice, number)) \(raw: dialect.clustered)
            """)
    }
}
