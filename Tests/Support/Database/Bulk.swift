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
        DatabaseBehaviour("fails on a conflict of many rows, and undoes them") { bench in
            let database = try await bench.withItems()
            try await database.write { try $0.write(rows(500..<501), statement(.fail)) }
            await #expect {
                try await database.write { connection in
                    try connection.write(rows(0..<1000), statement(.fail))
                    try connection.write(rows(2000..<2001), statement(.ignore))
                }
            } throws: {
                if case DatabaseError.constraint = $0 { true } else { false }
            }
            #expect(try await database.count("item") == 1)
            try await database.write { try $0.write(rows(0..<500), statement(.fail)) }
            #expect(try await database.count("item") == 501)
        },
        DatabaseBehaviour("does not commit what a write failed of that came last") { bench in
            let database = try await bench.withItems()
            await #expect(throws: DatabaseError.self) {
                try await database.write { connection in
                    try connection.write(rows(0..<100), statement(.fail))
                    try connection.write(rows(99..<100), statement(.fail))
                }
            }
            #expect(try await database.count("item") == 0)
        },
        DatabaseBehaviour("finds rows by many keys, each once, and none where there is none") { bench in
            let database = try await bench.withItems()
            try await database.write { try $0.write(rows(0..<3000), statement(.fail)) }
            let key = BulkKey("item", "id")
            let ids: [Int64] = (1000..<6000).map { $0 }
            let (found, none) = try await database.read { connection in
                var found: [Int64: String?] = [:]
                var count = 0
                try connection.forEach(["name", "id"], of: key, in: BulkRows([.integers(ids)])) { row in
                    found.updateValue(row.optionalText(0), forKey: row.integer(1))
                    count += 1
                }
                #expect(count == found.count)
                var none = 0
                try connection.forEach(["id"], of: key, in: BulkRows([.integers([])])) { _ in none += 1 }
                return (found, none)
            }
            #expect(Set(found.keys) == Set(1000..<3000))
            #expect(found[1001] == .some("n1001") && found[1002] == .some(nil))
            #expect(none == 0)
        },
        DatabaseBehaviour("overwrites and deletes rows by many keys, some of which are not there") { bench in
            let database = try await bench.withItems()
            try await database.write { try $0.write(rows(0..<100), statement(.fail)) }
            let key = BulkKey("item", "id")
            let (updated, deleted, none) = try await database.write { connection in
                let values = BulkRows([
                    .optionalTexts((50..<150).map { $0 % 2 == 0 ? nil : "new \($0)" }),
                    .integers((50..<150).map { $0 }),
                ])
                return (
                    try connection.update(["name"], of: key, to: values),
                    try connection.delete(key, in: BulkRows([.integers((90..<200).map { $0 })])),
                    try connection.delete(key, in: BulkRows([.integers([])]))
                )
            }
            #expect((updated, deleted, none) == (50, 10, 0))
            let names = try await database.read { connection in
                try connection.query("SELECT name FROM item WHERE id IN (49, 50, 51) ORDER BY id") {
                    $0.optionalText(0)
                }
            }
            #expect(names == ["n49", nil, "new 51"])
            #expect(try await database.count("item") == 90)
        },
        DatabaseBehaviour("takes a batch without rows") { bench in
            let database = try await bench.withItems()
            try await database.write { try $0.write(rows(0..<0), statement(.fail)) }
            #expect(try await database.count("item") == 0)
        },
    ]
}
