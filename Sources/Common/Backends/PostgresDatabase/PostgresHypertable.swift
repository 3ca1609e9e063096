import Common

extension PostgresConnection {
    /// Makes a hypertable where the extension TimescaleDB is installed in the database.
    func makeHypertable(_ hypertable: Hypertable) throws {
        let home = try first(
            """
            SELECT nspname FROM pg_extension JOIN pg_namespace ON pg_namespace.oid = extnamespace
            WHERE extname = 'timescaledb'
            """
        ) { quoted($0.text(0)) }
        guard let home else { return }
        let table = "\(quoted(hypertable.table))"
        let time = quoted(hypertable.timeColumn)
        // Functions are in the extension's schema, which is not on our path.
        try forEach(
            """
            SELECT \(raw: home).create_hypertable(
                \(hypertable.table)::regclass, \(raw: home).by_range(\(hypertable.timeColumn), \(hypertable.chunk)),
                create_default_indexes => false)
            """
        ) { _ in }
        guard let columnstore = hypertable.columnstore else { return }
        // What "now" is for a column of integers.
        try execute(
            """
            CREATE OR REPLACE FUNCTION now_in_milliseconds() RETURNS BIGINT LANGUAGE SQL STABLE AS
            $$ SELECT (extract(epoch FROM now()) * 1000)::BIGINT $$
            """)
        try forEach(
            "SELECT \(raw: home).set_integer_now_func(\(hypertable.table)::regclass, 'now_in_milliseconds')"
        ) { _ in }
        try execute(
            """
            ALTER TABLE \(raw: table) SET (
                timescaledb.compress, timescaledb.compress_segmentby = '\(raw: columnstore.groupedBy)',
                timescaledb.compress_orderby = '\(raw: time)')
            """)
        try forEach(
            """
            SELECT \(raw: home).add_compression_policy(
                \(hypertable.table)::regclass, compress_after => \(columnstore.after))
            """
        ) { _ in }
    }
}
