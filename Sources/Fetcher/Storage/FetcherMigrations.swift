import Common

extension Migration {
    /// The fetcher's tables.
    static let fetcher: [Migration] = [
        Migration(1, "checkpoints, leases, requests and progress of streams") { connection in
            let integer = connection.dialect.integer
            let text = connection.dialect.text
            try connection.execute(
                """
                CREATE TABLE checkpoint (
                    stream \(raw: text) NOT NULL, lane \(raw: text) NOT NULL, cursor \(raw: text) NOT NULL, version \(raw: integer) NOT NULL,
                    updated_at \(raw: integer) NOT NULL, PRIMARY KEY (stream, lane))
                """)
            try connection.execute(
                """
                CREATE TABLE lease (
                    stream \(raw: text) NOT NULL PRIMARY KEY, holder \(raw: text) NOT NULL, fence \(raw: integer) NOT NULL,
                    expires_at \(raw: integer) NOT NULL)
                """)
            try connection.execute(
                """
                CREATE TABLE fetch_request (
                    stream \(raw: text) NOT NULL PRIMARY KEY, requested_at \(raw: integer) NOT NULL,
                    handled_at \(raw: integer) NOT NULL DEFAULT 0, backfill_since \(raw: integer))
                """)
            try connection.execute(
                """
                CREATE TABLE progress (
                    stream \(raw: text) NOT NULL PRIMARY KEY, items \(raw: integer) NOT NULL, polled_at \(raw: integer),
                    caught_up_to \(raw: integer))
                """)
        }
    ]
}
