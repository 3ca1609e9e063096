import Common

/// The tables of the parser's database.
enum ParserSchema {
    static let migrations = [
        Migration(1, "positions, ledger and dead letters") { db in
            let integer = db.dialect.integer
            let text = db.dialect.text
            try db.execute(
                SQL(
                    raw: """
                        CREATE TABLE parser_position (
                            raw_partition INTEGER PRIMARY KEY,
                            next_offset \(integer) NOT NULL,
                            feedback_ends \(text) NOT NULL
                        )
                        """))
            try db.execute(
                SQL(
                    raw: """
                        CREATE TABLE parser_ledger (
                            workspace \(text) NOT NULL,
                            raw_partition INTEGER NOT NULL,
                            events \(integer) NOT NULL,
                            extra \(integer) NOT NULL,
                            emitted \(integer) NOT NULL,
                            filtered \(integer) NOT NULL,
                            dead \(integer) NOT NULL,
                            PRIMARY KEY (workspace, raw_partition)
                        ) \(db.dialect.clustered)
                        """))
            try db.execute(
                SQL(
                    raw: """
                        CREATE TABLE dead_letter (
                            id \(text) PRIMARY KEY,
                            workspace \(text) NOT NULL,
                            stream \(text),
                            stage \(text) NOT NULL,
                            reason \(text) NOT NULL,
                            attempts INTEGER NOT NULL,
                            at \(integer) NOT NULL,
                            topic \(text) NOT NULL,
                            log_partition INTEGER NOT NULL,
                            log_offset \(integer) NOT NULL,
                            item INTEGER NOT NULL,
                            replayed_at \(integer)
                        )
                        """))
            try db.execute("CREATE INDEX dead_letter_by_workspace ON dead_letter (workspace, at, id)")
            try db.execute("CREATE INDEX dead_letter_by_time ON dead_letter (at, id)")
            try db.execute("CREATE INDEX dead_letter_by_event ON dead_letter (topic, log_partition, log_offset)")
            try db.execute(
                SQL(
                    raw: """
                        CREATE TABLE dead_letter_original (
                            topic \(text) NOT NULL,
                            log_partition INTEGER NOT NULL,
                            log_offset \(integer) NOT NULL,
                            record_key \(text),
                            headers \(text) NOT NULL,
                            payload \(text),
                            PRIMARY KEY (topic, log_partition, log_offset)
                        )
                        """))
        },
        Migration(2, "reprocessing") { db in
            let integer = db.dialect.integer
            let text = db.dialect.text
            try db.execute(
                SQL(
                    raw: """
                        CREATE TABLE reprocess_job (
                            id \(text) PRIMARY KEY,
                            workspace \(text),
                            stream \(text),
                            requested_at \(integer) NOT NULL,
                            finished_at \(integer)
                        )
                        """))
            try db.execute(
                SQL(
                    raw: """
                        CREATE TABLE reprocess_part (
                            job \(text) NOT NULL,
                            raw_partition INTEGER NOT NULL,
                            next_offset \(integer) NOT NULL,
                            first_offset \(integer) NOT NULL,
                            end_offset \(integer) NOT NULL,
                            emitted \(integer) NOT NULL DEFAULT 0,
                            failed \(integer) NOT NULL DEFAULT 0,
                            example \(text),
                            PRIMARY KEY (job, raw_partition)
                        ) \(db.dialect.clustered)
                        """))
        },
        Migration(3, "events of workspaces that were moved here") { db in
            // Partition -1 of the ledger holds what another installation counted; `carried` what the log has of it.
            try db.execute(
                "ALTER TABLE parser_ledger ADD COLUMN carried \(raw: db.dialect.integer) NOT NULL DEFAULT 0")
        },
    ]
}
