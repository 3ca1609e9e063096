import Common

/// The tables of the Workspace service.
enum Schema {
    static let migrations = [
        Migration(1, "accounts, tokens, keys, directory records, idempotency, audit") { connection in
            let integer = connection.dialect.integer
            let statements = [
                """
                CREATE TABLE account (
                    id TEXT PRIMARY KEY, name TEXT NOT NULL UNIQUE, created_at \(integer) NOT NULL)
                """,
                """
                CREATE TABLE service_key (id \(integer) PRIMARY KEY, sealed TEXT NOT NULL)
                """,
                """
                CREATE TABLE signing_key (
                    id TEXT PRIMARY KEY, sealed_private_key TEXT NOT NULL, created_at \(integer) NOT NULL,
                    not_after \(integer))
                """,
                """
                CREATE TABLE token (
                    id TEXT PRIMARY KEY, account TEXT NOT NULL, name TEXT NOT NULL, scopes TEXT NOT NULL,
                    signing_key TEXT NOT NULL, created_at \(integer) NOT NULL, expires_at \(integer) NOT NULL,
                    revoked_at \(integer))
                """,
                "CREATE INDEX token_by_account ON token (account, id)",
                // What the topic tells of: the newest version of each record, and which version was published.
                """
                CREATE TABLE record (
                    id TEXT PRIMARY KEY, kind TEXT NOT NULL, account TEXT, workspace TEXT, body TEXT NOT NULL,
                    is_deleted \(integer) NOT NULL, version \(integer) NOT NULL, published \(integer) NOT NULL)
                """,
                "CREATE INDEX record_by_account ON record (kind, account, id)",
                "CREATE INDEX record_by_workspace ON record (kind, workspace, id)",
                "CREATE INDEX record_unpublished ON record (id) WHERE published < version",
                """
                CREATE TABLE idempotency (
                    account TEXT NOT NULL, key TEXT NOT NULL, fingerprint TEXT NOT NULL, sealed_answer TEXT NOT NULL,
                    workspace TEXT, expires_at \(integer) NOT NULL,
                    PRIMARY KEY (account, key))
                """,
                """
                CREATE TABLE audit (
                    id TEXT PRIMARY KEY, account TEXT NOT NULL, at \(integer) NOT NULL, token TEXT,
                    action TEXT NOT NULL, subject TEXT NOT NULL, detail TEXT NOT NULL)
                """,
                "CREATE INDEX audit_by_account ON audit (account, id)",
            ]
            for statement in statements { try connection.execute(SQL(raw: statement)) }
        }
    ]
}
