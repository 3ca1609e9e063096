public import Common

/// A service's tables in a schema of a PostgreSQL database: one writer in all processes together, concurrent readers,
/// each with one state of the data.
///
/// Bodies and the blocking calls of libpq run on threads of their own, never on the cooperative pool. A connection is
/// made when it is needed and again when it was lost; a transaction whose body has not begun waits for that, one whose
/// body has begun fails with ``DatabaseError/unavailable(_:)`` and has written nothing, unless the connection went
/// while it was committed: the error says so. A task that is cancelled cancels its statement on the server.
///
/// Writers take turns by an advisory lock on the schema, also those of other processes. So a body may read, decide and
/// write as if it were alone, as it may on SQLite; nothing has to be run again, and two migrations never meet.
public final class PostgresDatabase: Database {
    private let readers: Lane
    private let writers: Lane
    private let connector: Connector
    private let listener: Listener

    public let dialect = Dialect.postgres

    /// - Throws: ``DatabaseError/unavailable(_:)`` if the URL is none; the server is not asked yet.
    public init(_ settings: PostgresSettings) throws {
        connector = try Connector(settings)
        listener = Listener(connector, name: "\(settings.schema) listener")
        readers = Lane(
            name: "\(settings.schema) reader", threads: settings.readers, settings: settings, connector: connector)
        writers = Lane(name: "\(settings.schema) writer", threads: 1, settings: settings, connector: connector)
    }

    deinit {
        readers.close()
        writers.close()
        listener.close()
    }

    public func read<Value: Sendable>(
        _ body: @escaping @Sendable (any DatabaseConnection) throws -> Value
    ) async throws -> Value {
        try await readers.run(.read, body)
    }

    @discardableResult
    public func write<Value: Sendable>(
        _ body: @escaping @Sendable (any DatabaseConnection) throws -> Value
    ) async throws -> Value {
        try await writers.run(.write, body)
    }

    public func notifications(_ channel: String) -> AsyncStream<Void> { listener.listen(to: channel) }

    public func migrate(_ migrations: [Migration]) async throws {
        let schema = connector.schema
        try await write { connection in
            // CREATE SCHEMA IF NOT EXISTS asks for the right to create one even where there is one.
            let isThere = try connection.first("SELECT 1 FROM pg_namespace WHERE nspname = \(schema)") { _ in true }
            if isThere == nil { try connection.execute("CREATE SCHEMA \(raw: quoted(schema))") }
        }
        try await apply(
            migrations.map { migration in
                Migration(migration.number, migration.title) { connection in
                    try connection.execute("SET LOCAL statement_timeout = 0")
                    try migration.apply(connection)
                }
            })
    }

    /// Ends all connections, those in use when their transaction is over; whatever is called afterwards throws.
    public func close() async {
        await readers.finish()
        await writers.finish()
        await listener.finish()
    }
}

/// A name as SQL wants it.
func quoted(_ name: String) -> String {
    "\"" + name.split(separator: "\"", omittingEmptySubsequences: false).joined(separator: "\"\"") + "\""
}
