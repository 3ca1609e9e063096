import Common

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
        }
    ]
}
