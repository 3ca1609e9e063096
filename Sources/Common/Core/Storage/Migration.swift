/// A numbered step of a service's schema. Forward only.
public struct Migration: Sendable {
    public let number: Int
    /// What it is for; kept in the database beside the number.
    public let title: String
    public let apply: @Sendable (any DatabaseConnection) throws -> Void

    public init(_ number: Int, _ title: String, _ apply: @escaping @Sendable (any DatabaseConnection) throws -> Void) {
        self.number = number
        self.title = title
        self.apply = apply
    }
}

extension Database {
    /// What ``migrate(_:)`` does on every backend, once there is a place for tables.
    ///
    /// Programs that start at once do each migration once: a write sees what another one has committed.
    ///
    /// - Precondition: No two migrations have one number.
    public func apply(_ migrations: [Migration]) async throws {
        let ordered = migrations.sorted { $0.number < $1.number }
        precondition(Set(ordered.map(\.number)).count == ordered.count, "two migrations with one number")
        let known = ordered.last?.number ?? 0
        try await write { connection in
            try connection.execute(
                """
                CREATE TABLE IF NOT EXISTS schema_migration (
                    number INTEGER PRIMARY KEY, title TEXT NOT NULL,
                    applied_at \(raw: connection.dialect.integer) NOT NULL)
                """)
            let found = try connection.first("SELECT max(number) FROM schema_migration") { Int($0.integer(0)) } ?? 0
            if found > known { throw DatabaseError.newerSchema(found: found, known: known) }
        }
        for migration in ordered {
            try await write { connection in
                let isApplied = try connection.first(
                    "SELECT 1 FROM schema_migration WHERE number = \(migration.number)"
                ) { _ in true }
                if isApplied == true { return }
                try migration.apply(connection)
                try connection.execute(
                    """
                    INSERT INTO schema_migration (number, title, applied_at)
                    VALUES (\(migration.number), \(migration.title), \(Timestamp.now))
                    """)
            }
        }
    }
}
