public import Common

/// The tables of the engine, part of the schema of each service that has jobs.
///
/// - `job`: one row a job. `queue` is the text of its ``Lane``. `lane` is empty while it stands where it was requested,
///   its `queue` while it was put in line again, and null while it is not in line: delayed, running or over. `history`
///   is one JSON object a line; `taken_at` is when its worker took it up, until `history` says so.
/// - `job_line`: the lanes that have jobs which were never taken up, and where they begin. See ``JobTable``'s claim.
/// - `job_step`: what steps came to; those with a compensation as soon as they are begun.
/// - `job_schedule`: when each schedule is to run next.
/// - `job_provider`: the providers that failed of late; see ``ProviderBreaker``.
public enum JobSchema {
    /// Makes the tables as this version has them: a migration of the service calls it.
    public static func create(on connection: any DatabaseConnection) throws {
        try createFirst(on: connection)
        try addProviders(on: connection)
        try addLines(on: connection)
        try addTaking(on: connection)
    }

    private static func createFirst(on connection: any DatabaseConnection) throws {
        let dialect = connection.dialect
        let integer = dialect.integer
        let text = dialect.text
        try connection.execute(
            """
            CREATE TABLE job (
                id \(raw: text) NOT NULL PRIMARY KEY, kind \(raw: text) NOT NULL, workspace \(raw: text),
                payload \(raw: text) NOT NULL, priority INTEGER NOT NULL, queue \(raw: text) NOT NULL,
                lane \(raw: text), state \(raw: text) NOT NULL, ending \(raw: text), reason \(raw: text),
                attempt INTEGER NOT NULL, fence \(raw: integer) NOT NULL, worker \(raw: text),
                lease_ends \(raw: integer), due \(raw: integer) NOT NULL, deadline \(raw: integer) NOT NULL,
                progress \(raw: dialect.real) NOT NULL, note \(raw: text), job_key \(raw: text),
                key_ends INTEGER NOT NULL, requested_at \(raw: integer) NOT NULL, started_at \(raw: integer),
                ended_at \(raw: integer), history \(raw: text) NOT NULL)
            """)
        for index in [
            "INDEX job_lane ON job (lane, id) WHERE lane IS NOT NULL",
            "INDEX job_delayed ON job (due) WHERE lane IS NULL AND state = 'REQUESTED'",
            "INDEX job_running ON job (lease_ends) WHERE state = 'RUNNING'",
            "INDEX job_open ON job (deadline) WHERE ended_at IS NULL",
            "INDEX job_ended ON job (kind, ended_at) WHERE ended_at IS NOT NULL",
            "INDEX job_workspace ON job (kind, workspace, id)",
            "UNIQUE INDEX job_key ON job (job_key) WHERE job_key IS NOT NULL",
        ] {
            try connection.execute("CREATE \(raw: index)")
        }
        try connection.execute(
            """
            CREATE TABLE job_step (
                job \(raw: text) NOT NULL, name \(raw: text) NOT NULL, undoable INTEGER NOT NULL,
                result \(raw: text), PRIMARY KEY (job, name)) \(raw: dialect.clustered)
            """)
        try connection.execute(
            """
            CREATE TABLE job_schedule (
                name \(raw: text) NOT NULL PRIMARY KEY, rule \(raw: text) NOT NULL,
                next_at \(raw: integer) NOT NULL) \(raw: dialect.clustered)
            """)
    }

    /// Adds what is known of providers, and indexes that a claim leaves alone, to tables of an older version.
    public static func addProviders(on connection: any DatabaseConnection) throws {
        let dialect = connection.dialect
        if try has("name", in: "job_provider", connection) { return }
        if dialect == .postgres {
            // An update there writes to each index that has the row, changed or not: those of many rows leave out what
            // runs, which another one has.
            try connection.execute(
                """
                DROP INDEX job_open; DROP INDEX job_workspace;
                CREATE INDEX job_waiting ON job (deadline) WHERE state = 'REQUESTED';
                CREATE INDEX job_workspace ON job (kind, workspace, id) WHERE state <> 'RUNNING'
                """)
        }
        try connection.execute("ALTER TABLE job ADD COLUMN provider \(raw: dialect.text)")
        try connection.execute(
            """
            CREATE TABLE job_provider (
                name \(raw: dialect.text) NOT NULL PRIMARY KEY, failures INTEGER NOT NULL,
                open_until \(raw: dialect.integer), reason \(raw: dialect.text)) \(raw: dialect.clustered)
            """)
    }

    /// Has a claim leave the order of lanes alone, in tables of an older version; what waits there stays in line.
    public static func addLines(on connection: any DatabaseConnection) throws {
        let dialect = connection.dialect
        if try has("name", in: "job_line", connection) { return }
        try connection.execute(
            """
            CREATE TABLE job_line (
                name \(raw: dialect.text) NOT NULL PRIMARY KEY, head \(raw: dialect.text) NOT NULL)
                \(raw: dialect.clustered)
            """)
        try connection.execute("DROP INDEX job_lane")
        try connection.execute("CREATE INDEX job_lane ON job (lane, id) WHERE lane > ''")
        // SQLite takes a row out of a partial index at once, from the page of each lane: a hundred pages a claim.
        // PostgreSQL leaves it, but writes to each index that has the row.
        let part = dialect == .postgres ? "WHERE lane = ''" : ""
        try connection.execute("CREATE INDEX job_new ON job (queue, id) \(raw: part)")
    }

    /// Has a claim leave histories alone, in tables of an older version.
    public static func addTaking(on connection: any DatabaseConnection) throws {
        if try has("taken_at", in: "job", connection) { return }
        try connection.execute("ALTER TABLE job ADD COLUMN taken_at \(raw: connection.dialect.integer)")
    }

    /// Whether there is such a column, in a table that may not be there itself.
    private static func has(_ column: String, in table: String, _ connection: any DatabaseConnection) throws -> Bool {
        let found: SQL =
            switch connection.dialect {
            case .sqlite: "SELECT 1 FROM pragma_table_info(\(table)) WHERE name = \(column)"
            case .postgres:
                """
                SELECT 1 FROM information_schema.columns
                WHERE table_schema = current_schema() AND table_name = \(table) AND column_name = \(column)
                """
            }
        return try connection.first(found) { _ in true } ?? false
    }
}
