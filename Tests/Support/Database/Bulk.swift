import Common
import Testing

extension DatabaseConformance {
    private static func rows(_ ids: Range<Int>, score: Double = 1) -> BulkRows {
        BulkRows([
            .integers(ids.map(Int64.init)), .optionalTexts(ids.map { $0 % 3 == 0 ? nil : "n\($0)" }),
            .optionalReals(ids.map { $0 % 5 == 0 ? nil : score }),
            .blobs(ids.map { [UInt8](repeating: 7, count: $0 % 4) }),
        ])
    }

    private static func statement(_ conflict: BulkStatement.Conflict) -> BulkStatement {
        BulkStatement(into: "item", columns: ["id", "name", "score", "body"], key: ["id"], conflict: conflict)
    }

    static let bulk: [DatabaseBehaviour] = [
        DatabaseBehaviour("writes 100,000 rows at once, every column of each") { bench in
            let database = try await bench.withItems()
            try await database.write { try $0.write(rows(0..<100_000), statement(.fail)) }
            #expect(try await database.count("item") == 100_000)
            try await database.read { connection in
                var id = 0
                var isRight = true
                try connection.forEach("SELECT id, name, score, body FROM item ORDER BY id") { row in
                    isRight =
                        isRight && row.integer(0) == Int64(id)
                        && row.optionalText(1) == (id % 3 == 0 ? nil : "n\(id)")
                        && row.optionalReal(2) == (id % 5 == 0 ? nil : 1)
                        && row.blob(3).count == id % 4
                    id += 1
                }
                #expect(isRight)
                #expect(id == 100_000)
            }
        },
        DatabaseBehaviour("fails on a conflict and undoes the batch") { bench in
            let database = try await bench.withItems()
            try await database.write { try $0.write(rows(5..<6), statement(.fail)) }
            await #expect {
                try await database.write { try $0.write(rows(0..<10), statement(.fail)) }
            } throws: {
                if case DatabaseError.constraint = $0 { true } else { false }
            }
            #expect(try await database.count("item") == 1)
        },
        DatabaseBehaviour("ignores rows that are there") { bench in
            let database = try await bench.withItems()
            try await database.write { try $0.write(rows(0..<10, score: 1), statement(.ignore)) }
            try await database.write { try $0.write(rows(5..<15, score: 2), statement(.ignore)) }
            #expect(try await database.count("item") == 15)
            let score = try await database.read { try $0.first("SELECT score FROM item WHERE id = 6") { $0.real(0) } }
            #expect(score == 1)
        },
        DatabaseBehaviour("overwrites the columns it is told to") { bench in
            let database = try await bench.withItems()
            try await database.write { connection in
                try connection.execute("INSERT INTO item (id, name, score) VALUES (1, \("old"), \(1.0))")
                try connection.write(rows(1..<3, score: 9), statement(.replace(["score"])))
            }
            let found = try await database.read { connection in
                try connection.query("SELECT name, score FROM item ORDER BY id") { ($0.text(0), $0.real(1)) }
            }
            #expect(found.map(\.0) == ["old", "n2"])
            #expect(found.map(\.1) == [9, 9])
        },
        DatabaseBehaviour("adds to the columns it is told to") { bench in
            let database = try await bench.withItems()
            for _ in 0..<3 {
                try await database.write { try $0.write(rows(1..<4, score: 2.5), statement(.add(["score"]))) }
            }
            let scores = try await database.read { try $0.query("SELECT score FROM item ORDER BY id") { $0.real(0) } }
            #expect(scores == [7.5, 7.5, 7.5])
        },
        DatabaseBehaviour("adds to some columns and overwrites others") { bench in
            let database = try await bench.withItems()
            try await database.write { connection in
                try connection.execute("INSERT INTO item (id, name, score) VALUES (1, \("old"), \(2.0))")
                try connection.write(rows(1..<3, score: 9), statement(.add(["score"], replacing: ["name"])))
            }
            let found = try await database.read { connection in
                try connection.query("SELECT name, score FROM item ORDER BY id") { ($0.text(0), $0.real(1)) }
            }
            #expect(found.map(\.0) == ["n1", "n2"])
            #expect(found.map(\.1) == [11, 9])
        },
        DatabaseBehaviour("takes a batch without rows") { bench in
            let database = try await bench.withItems()
            try await database.write { try $0.write(rows(0..<0), statement(.fail)) }
            #expect(try await database.count("item") == 0)
        },
    ]
}
