public import Common

/// A database to be put to the test.
public struct DatabaseBench: Sendable {
    /// Opens the database; called again, it opens the same data.
    public let open: @Sendable () async throws -> any Database

    public init(open: @escaping @Sendable () async throws -> any Database) { self.open = open }

    /// Opens the database with a table `item (id, name, score, body)`.
    func withItems() async throws -> any Database {
        let database = try await open()
        try await database.migrate([
            Migration(1, "items") { connection in
                try connection.execute(
                    """
                    CREATE TABLE item (
                        id \(raw: connection.dialect.integer) PRIMARY KEY, name TEXT,
                        score \(raw: connection.dialect.real), body \(raw: connection.dialect.blob))
                    """)
            }
        ])
        return database
    }
}

/// One thing that a database must do.
public struct DatabaseBehaviour: Sendable, CustomStringConvertible {
    /// What it is, as a sentence.
    public let description: String
    private let body: @Sendable (DatabaseBench) async throws -> Void

    init(_ description: String, _ body: @escaping @Sendable (DatabaseBench) async throws -> Void) {
        self.description = description
        self.body = body
    }

    /// Puts a database to the test; issues are recorded in the test that calls it.
    public func check(_ bench: DatabaseBench) async throws { try await body(bench) }
}

/// What a database is: every backend does all of this.
public enum DatabaseConformance {
    public static let behaviours: [DatabaseBehaviour] = values + transactions + notifying + bulk + migrations
}

extension Database {
    /// How many rows a table has.
    func count(_ table: String) async throws -> Int64 {
        try await read { try $0.first("SELECT count(*) FROM \(raw: table)") { $0.integer(0) } ?? -1 }
    }
}
