import Common
import Testing

extension DatabaseConformance {
    private struct ChangedMyMind: Error {}

    static let transactions: [DatabaseBehaviour] = [
        DatabaseBehaviour("undoes everything when the body throws, and passes the error on") { bench in
            let database = try await bench.withItems()
            await #expect(throws: ChangedMyMind.self) {
                try await database.write { connection in
                    for id in 0..<10 { try connection.execute("INSERT INTO item (id) VALUES (\(id))") }
                    throw ChangedMyMind()
                }
            }
            #expect(try await database.count("item") == 0)
            try await database.write { try $0.execute("INSERT INTO item (id) VALUES (1)") }
            #expect(try await database.count("item") == 1)
        },
        DatabaseBehaviour("returns what the body returns, after it is durable") { bench in
            let database = try await bench.withItems()
            let value = try await database.write { connection in
                try connection.execute("INSERT INTO item (id) VALUES (1)")
                return "done"
            }
            #expect(value == "done")
            let again = try await bench.open()
            #expect(try await again.count("item") == 1)
        },
        DatabaseBehaviour("sees its own writes before they are committed, and nobody else does") { bench in
            let database = try await bench.withItems()
            let (isWritten, tellWritten) = AsyncStream.makeStream(of: Void.self)
            let gate = Gate()
            async let written: Void = database.write { connection in
                try connection.execute("INSERT INTO item (id) VALUES (1)")
                let count = try connection.first("SELECT count(*) FROM item") { $0.integer(0) }
                #expect(count == 1)
                tellWritten.yield()
                gate.wait()
            }
            for await _ in isWritten { break }
            #expect(try await database.count("item") == 0)
            gate.open()
            try await written
            #expect(try await database.count("item") == 1)
        },
        DatabaseBehaviour("shows a reader one state, whatever is written meanwhile") { bench in
            let database = try await bench.withItems()
            try await database.write { try $0.execute("INSERT INTO item (id) VALUES (1)") }
            let (isReading, tellReading) = AsyncStream.makeStream(of: Void.self)
            let gate = Gate()
            async let counts = database.read { connection in
                let count = { try connection.first("SELECT count(*) FROM item") { $0.integer(0) } ?? -1 }
                let before = try count()
                tellReading.yield()
                gate.wait()
                return (before, try count())
            }
            for await _ in isReading { break }
            try await database.write { try $0.execute("INSERT INTO item (id) VALUES (2)") }
            #expect(try await database.count("item") == 2)
            gate.open()
            #expect(try await counts == (1, 1))
        },
        DatabaseBehaviour("refuses to write while reading") { bench in
            let database = try await bench.withItems()
            await #expect(throws: DatabaseError.self) {
                try await database.read { try $0.execute("INSERT INTO item (id) VALUES (1)") }
            }
            #expect(try await database.count("item") == 0)
        },
        DatabaseBehaviour("loses no update of many writers at once") { bench in
            let database = try await bench.withItems()
            try await database.write { try $0.execute("INSERT INTO item (id, score) VALUES (1, 0)") }
            try await withThrowingTaskGroup(of: Void.self) { tasks in
                for _ in 0..<50 {
                    tasks.addTask {
                        try await database.write { connection in
                            let score = try connection.first(
                                "SELECT score FROM item WHERE id = 1 \(raw: connection.dialect.forUpdate)"
                            ) { $0.real(0) }
                            try connection.execute("UPDATE item SET score = \((score ?? 0) + 1) WHERE id = 1")
                        }
                    }
                }
                try await tasks.waitForAll()
            }
            #expect(try await database.read { try $0.first("SELECT score FROM item") { $0.real(0) } } == 50)
        },
        DatabaseBehaviour("reads while others read, and writes beside them") { bench in
            let database = try await bench.withItems()
            try await withThrowingTaskGroup(of: Void.self) { tasks in
                for id in 0..<40 {
                    tasks.addTask {
                        _ = try await database.write { try $0.execute("INSERT INTO item (id) VALUES (\(id))") }
                    }
                    tasks.addTask { _ = try await database.count("item") }
                }
                try await tasks.waitForAll()
            }
            #expect(try await database.count("item") == 40)
        },
        DatabaseBehaviour("says that a constraint was broken") { bench in
            let database = try await bench.withItems()
            try await database.write { try $0.execute("INSERT INTO item (id) VALUES (1)") }
            await #expect {
                try await database.write { try $0.execute("INSERT INTO item (id) VALUES (1)") }
            } throws: {
                if case DatabaseError.constraint = $0 { true } else { false }
            }
        },
    ]
}
