extension Database {
    /// Those of these migrations that the database does not have yet, in the order of their numbers.
    ///
    /// Every backend notes what it applied in the table `schema_migration`, by number.
    ///
    /// - Throws: ``DatabaseError/newerSchema(found:known:)`` if the database is ahead of this program.
    public func pending(_ migrations: [Migration]) async throws -> [Migration] {
        let applied: Set<Int>
        do {
            applied = try await read { connection in
                Set(try connection.query("SELECT number FROM schema_migration") { Int($0.integer(0)) })
            }
        } catch DatabaseError.statement {
            applied = []  // there is no such table: nothing was ever applied
        }
        let known = migrations.map(\.number).max() ?? 0
        if let newest = applied.max(), newest > known {
            throw DatabaseError.newerSchema(found: newest, known: known)
        }
        return migrations.filter { !applied.contains($0.number) }.sorted { $0.number < $1.number }
    }
}
