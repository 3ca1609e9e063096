import Common
import ServiceKit

/// The tables of the Workspace service.
enum Schema {
    static let migrations = [
        Migration(1, "accounts, tokens, keys, directory records, idempotency, audit") { connection in
            let integer = connection.dialect.integer
            let text = connection.dialect.text
            let statements = [
                """
                CREATE TABLE account (
                    id \(text) PRIMARY KEY, name \(text) NOT NULL UNIQUE, created_at \(integer) NOT NULL)
                """,
                """
                CREATE TABLE service_key (id \(integer) PRIMARY KEY, sealed \(text) NOT NULL)
                """,
                """
                CREATE TABLE signing_key (
                    id \(text) PRIMARY KEY, sealed_private_key \(text) NOT NULL, created_at \(integer) NOT NULL,
                    not_after \(integer))
                """,
                """
                CREATE TABLE token (
                    id \(text) PRIMARY KEY, account \(text) NOT NULL, name \(text) NOT NULL, scopes \(text) NOT NULL,
                    signing_key \(text) NOT NULL, created_at \(integer) NOT NULL, expires_at \(integer) NOT NULL,
                    revoked_at \(integer))
                """,
                "CREATE INDEX token_by_account ON token (account, id)",
                // What the topic tells of: the newest version of each record, and which version was published.
                """
                CREATE TABLE record (
                    id \(text) PRIMARY KEY, kind \(text) NOT NULL, account \(text), workspace \(text), body \(text) NOT NULL,
                    is_deleted \(integer) NOT NULL, version \(integer) NOT NULL, published \(integer) NOT NULL)
                """,
                "CREATE INDEX record_by_account ON record (kind, account, id)",
                "CREATE INDEX record_by_workspace ON record (kind, workspace, id)",
                "CREATE INDEX record_unpublished ON record (id) WHERE published < version",
                """
                CREATE TABLE idempotency (
                    account \(text) NOT NULL, key \(text) NOT NULL, fingerprint \(text) NOT NULL, sealed_answer \(text) NOT NULL,
                    workspace \(text), expires_at \(integer) NOT NULL,
                    PRIMARY KEY (account, key))
                """,
                """
                CREATE TABLE audit (
                    id \(text) PRIMARY KEY, account \(text) NOT NULL, at \(integer) NOT NULL, token \(text),
                    action \(text) NOT NULL, subject \(text) NOT NULL, detail \(text) NOT NULL)
                """,
                "CREATE INDEX audit_by_account ON audit (account, id)",
            ]
            for statement in statements { try connection.execute(SQL(raw: statement)) }
        },
        Migration(2, "jobs, set-ups, webhooks at providers") { connection in
            let integer = connection.dialect.integer
            let text = connection.dialect.text
            try JobSchema.create(on: connection)
            try JobSchema.addProviders(on: connection)
            for statement in [
                "ALTER TABLE idempotency ADD COLUMN job \(text)",
                // The set-ups of workspaces and streams; `body` is the workspace's view, or null where it is of streams.
                """
                CREATE TABLE setup (
                    job \(text) NOT NULL PRIMARY KEY, workspace \(text) NOT NULL, account \(text) NOT NULL,
                    body \(text) NOT NULL, state \(text), reason \(text), created_at \(integer) NOT NULL)
                """,
                "CREATE INDEX setup_by_workspace ON setup (workspace, job)",
                // The webhooks that we made at providers; `sealed` is what deletes one whose stream is gone.
                """
                CREATE TABLE hook (
                    stream \(text) NOT NULL PRIMARY KEY, workspace \(text) NOT NULL, hook \(text) NOT NULL,
                    created_at \(integer) NOT NULL, sealed \(text))
                """,
            ] { try connection.execute(SQL(raw: statement)) }
        },
        Migration(3, "lines of jobs") { try JobSchema.addLines(on: $0) },
        Migration(4, "taking of jobs") { try JobSchema.addTaking(on: $0) },
    ]
}
