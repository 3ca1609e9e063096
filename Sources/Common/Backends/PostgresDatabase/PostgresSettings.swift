public import Common

/// Which server, which schema in it, and how long to wait for what.
public struct PostgresSettings: Sendable {
    /// How libpq is to connect: `postgres://user:password@host:5432/database?sslmode=verify-full&sslrootcert=…`, or
    /// words such as `host=… dbname=…`. Whatever libpq knows may stand in it, TLS included.
    public var url: Secret
    /// The schema that holds the service's tables; it is made by ``PostgresDatabase/migrate(_:)``.
    public var schema: String
    /// Transactions that read at the same time, each on a connection of its own. One more connection writes.
    public var readers = 4
    /// Transactions that may wait for a connection; one more is refused.
    public var waiting = 1000
    /// Seconds for one attempt to connect, where the URL does not say (`connect_timeout`).
    public var connectTimeout = 10
    /// Seconds for which a transaction waits while the server cannot be reached.
    public var patience = 5.0
    /// Seconds for one statement, where the URL does not say (`options=-c statement_timeout=…`). Migrations take as
    /// long as they need.
    public var statementTimeout = 120
    /// Seconds after which the server ends a transaction whose program has stopped between two statements, so that a
    /// process that hangs cannot hold up the others.
    public var idleTimeout = 60

    /// - Parameter schema: A name of one's own in the database; by custom `earshot_` and the service.
    public init(url: Secret, schema: String) {
        self.url = url
        self.schema = schema
    }
}
