import Common
import ServiceKit

/// The tables of imports, besides those of jobs.
///
/// - `import`: one row an import; `open_key` is its stream and key while the same file goes on with it, `document` is
///   ``ImportRecord`` as JSON.
/// - `import_bad_row`: rows that cannot be read.
enum ImportSchema {
    static let migrations = [
        Migration(1, "jobs") { try JobSchema.create(on: $0) },
        Migration(2, "providers of jobs") {
            try JobSchema.addProviders(on: $0)
            try JobSchema.addLines(on: $0)
        },
        Migration(3, "imports") { connection in
            let dialect = connection.dialect
            try connection.execute(
                """
                CREATE TABLE import (
                    id \(raw: dialect.text) NOT NULL PRIMARY KEY, workspace \(raw: dialect.text) NOT NULL,
                    state \(raw: dialect.text) NOT NULL, open_key \(raw: dialect.text),
                    changed_at \(raw: dialect.integer) NOT NULL, document \(raw: dialect.text) NOT NULL)
                """)
            try connection.execute("CREATE UNIQUE INDEX import_open ON import (open_key) WHERE open_key IS NOT NULL")
            try connection.execute("CREATE INDEX import_workspace ON import (workspace, id)")
            try connection.execute("CREATE INDEX import_changed ON import (changed_at)")
            try connection.execute(
                """
                CREATE TABLE import_bad_row (
                    import \(raw: dialect.text) NOT NULL, number \(raw: dialect.integer) NOT NULL,
                    line \(raw: dialect.integer) NOT NULL, place \(raw: dialect.text), reason \(raw: dialect.text) NOT NULL,
                    original \(raw: dialect.text) NOT NULL, PRIMARY KEY (import, number))
                """)
        },
        Migration(4, "taking of jobs") { try JobSchema.addTaking(on: $0) },
    ]
}
