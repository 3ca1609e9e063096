import Common

extension PostgresConnection {
    /// Makes a hypertable where the extension TimescaleDB is installed in the database.
    func makeHypertable(_ hypertable: Hypertable) throws {
        guard let home = try timescaleSchema() else { return }
        try call(
            """
            \(raw: home).create_hypertable(
                \(hypertable.table)::regclass, \(raw: home).by_range(\(hypertable.timeColumn), \(hypertable.chunk)),
                create_default_indexes => false)
            """)
        try setColumnstore(hypertable.columnstore, of: hypertable.table, by: hypertable.timeColumn)
    }

    func setColumnstore(_ columnstore: Hypertable.Columnstore?, of table: String, by timeColumn: String) throws {
        guard let home = try timescaleSchema(), let hasColumnstore = try hasColumnstore(table) else { return }
        let after = try first(
            """
            SELECT config->>'compress_after' FROM timescaledb_information.jobs
            WHERE proc_name = 'policy_compression' AND hypertable_schema = current_schema()
                AND hypertable_name = \(table)
            """
        ) { $0.text(0) }
        if after == columnstore.map({ "\($0.after)" }) { return }  // a new policy would begin its schedule anew
        if after != nil { try call("\(raw: home).remove_compression_policy(\(table)::regclass)") }
        guard let columnstore else { return }
        if !hasColumnstore {
            // What "now" is for a column of integers.
            try execute(
                """
                CREATE OR REPLACE FUNCTION now_in_milliseconds() RETURNS BIGINT LANGUAGE SQL STABLE AS
                $$ SELECT (extract(epoch FROM now()) * 1000)::BIGINT $$
                """)
            try call(
                """
                \(raw: home).set_integer_now_func(
                    \(table)::regclass, 'now_in_milliseconds', replace_if_exists => true)
                """)
            try execute(
                """
                ALTER TABLE \(raw: quoted(table)) SET (
                    timescaledb.compress, timescaledb.compress_segmentby = '\(raw: columnstore.groupedBy)',
                    timescaledb.compress_orderby = '\(raw: quoted(timeColumn))')
                """)
        }
        try call(
            "\(raw: home).add_compression_policy(\(table)::regclass, compress_after => \(columnstore.after)::BIGINT)")
    }

    func dropChunks(of table: String, before time: Int64) throws {
        guard let home = try timescaleSchema(), try hasColumnstore(table) != nil else { return }
        try call("\(raw: home).drop_chunks(\(table)::regclass, older_than => \(time)::BIGINT)")
    }

    /// Calls a function of the extension, whatever it answers.
    private func call(_ function: SQL) throws { try forEach("SELECT \(function)") { _ in } }

    /// The schema of the extension's functions, which is not on our path; nil if the extension is not there.
    private func timescaleSchema() throws -> String? {
        try first(
            """
            SELECT nspname FROM pg_extension JOIN pg_namespace ON pg_namespace.oid = extnamespace
            WHERE extname = 'timescaledb'
            """
        ) { quoted($0.text(0)) }
    }

    /// Whether a hypertable may have chunks stored by columns; nil if it is none.
    private func hasColumnstore(_ table: String) throws -> Bool? {
        try first(
            """
            SELECT compression_enabled FROM timescaledb_information.hypertables
            WHERE hypertable_schema = current_schema() AND hypertable_name = \(table)
            """
        ) { $0.integer(0) != 0 }
    }
}
