import Common
import Testing

extension DatabaseConformance {
    /// A migration that notes that it ran.
    private static func step(_ number: Int) -> Migration {
        Migration(number, "step \(number)") { connection in
            try connection.execute("CREATE TABLE IF NOT EXISTS trail (position \(raw: connection.dialect.integer))")
            try connection.execute("INSERT INTO trail (position) VALUES (\(number))")
        }
    }

    private static func trail(_ database: any Database) async throws -> [Int64] {
        try await database.read { try $0.query("SELECT position FROM trail") { $0.integer(0) } }
    }

    static let migrations: [DatabaseBehaviour] = [
        DatabaseBehaviour("applies migrations in the order of their numbers") { bench in
            let database = try await bench.open()
            try await database.migrate([step(3), step(1), step(2)])
            #expect(try await trail(database) == [1, 2, 3])
        },
        DatabaseBehaviour("applies each migration once, also after a restart") { bench in
            let first = try await bench.open()
            try await first.migrate([step(1), step(2)])
            try await first.migrate([step(1), step(2)])
            let second = try await bench.open()
            try await second.migrate([step(1), step(2), step(3)])
            #expect(try await trail(second) == [1, 2, 3])
        },
        DatabaseBehaviour("keeps what was applied before a migration that fails") { bench in
            struct Broken: Error {}
            let database = try await bench.open()
            let broken = Migration(2, "broken") { connection in
                try connection.execute("INSERT INTO trail (position) VALUES (99)")
                throw Broken()
            }
            await #expect(throws: Broken.self) { try await database.migrate([step(1), broken, step(3)]) }
            #expect(try await trail(database) == [1])
            try await database.migrate([step(1), step(2), step(3)])
            #expect(try await trail(database) == [1, 2, 3])
        },
        DatabaseBehaviour("tells which migrations are pending") { bench in
            let database = try await bench.open()
            #expect(try await database.pending([step(2), step(1)]).map(\.number) == [1, 2])
            try await database.migrate([step(1), step(2)])
            #expect(try await database.pending([step(1), step(2), step(3)]).map(\.number) == [3])
            #expect(try await database.pending([step(1), step(2)]).isEmpty)
            await #expect { _ = try await database.pending([step(1)]) } throws: {
                if case DatabaseError.newerSchema(found: 2, known: 1) = $0 { true } else { false }
            }
        },
        DatabaseBehaviour("refuses a database that is ahead of the program") { bench in
            let database = try await bench.open()
            try await database.migrate([step(1), step(2)])
            await #expect { try await database.migrate([step(1)]) } throws: {
                if case DatabaseError.newerSchema(found: 2, known: 1) = $0 { true } else { false }
            }
        },
        DatabaseBehaviour("runs a migration of several statements") { bench in
            let database = try await bench.open()
            try await database.migrate([
                Migration(1, "two tables") { connection in
                    try connection.execute(
                        """
                        CREATE TABLE one (id INTEGER PRIMARY KEY);
                        CREATE TABLE two (id INTEGER PRIMARY KEY);
                        CREATE INDEX two_by_id ON two (id);
                        """)
                }
            ])
            #expect(try await database.count("one") == 0)
            #expect(try await database.count("two") == 0)
        },
        DatabaseBehaviour("undoes the schema changes of a migration that fails") { bench in
            struct Broken: Error {}
            let database = try await bench.open()
            await #expect(throws: Broken.self) {
                try await database.migrate([
                    Migration(1, "half") { connection in
                        try connection.execute("CREATE TABLE half (id INTEGER PRIMARY KEY)")
                        throw Broken()
                    }
                ])
            }
            await #expect(throws: DatabaseError.self) { try await database.count("half") }
        },
    ]
}
