import Common
import Testing

extension DatabaseConformance {
    static let values: [DatabaseBehaviour] = [
        DatabaseBehaviour("keeps integers, reals, texts and blobs as they are") { bench in
            let database = try await bench.withItems()
            let body = (0...255).map { UInt8($0) }
            let texts = ["", "plain", "quote ' and \" and ; --", "emoji 👩‍👩‍👧 and ü", "nul\u{0}inside", "line\nbreak"]
            // Not every database can hold a nul in a text.
            let kept = database.dialect == .sqlite ? texts : texts.filter { !$0.contains("\u{0}") }
            try await database.write { connection in
                for (id, text) in kept.enumerated() {
                    try connection.execute(
                        "INSERT INTO item (id, name, score, body) VALUES (\(id), \(text), \(Double(id) / 3), \(body))")
                }
                try connection.execute(
                    "INSERT INTO item (id, score) VALUES (\(Int64.max), \(Double.leastNonzeroMagnitude))")
                try connection.execute(
                    "INSERT INTO item (id, score) VALUES (\(Int64.min), \(-Double.greatestFiniteMagnitude))")
            }
            let found = try await database.read { connection in
                try connection.query("SELECT id, name, score, body FROM item WHERE name IS NOT NULL ORDER BY id") {
                    (id: $0.integer(0), name: $0.text(1), score: $0.real(2), body: $0.blob(3))
                }
            }
            #expect(found.map(\.name) == kept)
            #expect(found.map(\.score) == kept.indices.map { Double($0) / 3 })
            #expect(found.allSatisfy { $0.body == body })
            let extremes = try await database.read { connection in
                try connection.query("SELECT id, score FROM item WHERE name IS NULL ORDER BY id") {
                    ($0.integer(0), $0.real(1))
                }
            }
            #expect(extremes.map(\.0) == [Int64.min, Int64.max])
            #expect(extremes.map(\.1) == [-Double.greatestFiniteMagnitude, Double.leastNonzeroMagnitude])
        },
        DatabaseBehaviour("tells null from empty") { bench in
            let database = try await bench.withItems()
            try await database.write { connection in
                try connection.execute(
                    "INSERT INTO item (id, name, body) VALUES (1, \(String?.none), \([UInt8]?.none))")
                try connection.execute("INSERT INTO item (id, name, body) VALUES (2, \(""), \([UInt8]()))")
            }
            try await database.read { connection in
                let rows = try connection.query("SELECT name, body, score FROM item ORDER BY id") { row in
                    #expect(row.text(0) == "")
                    #expect(row.blob(1) == [])
                    #expect(row.real(2) == 0)
                    #expect(row.optionalReal(2) == nil)
                    return (row.isNull(0), row.isNull(1), row.optionalText(0))
                }
                #expect(rows.map(\.0) == [true, false])
                #expect(rows.map(\.1) == [true, false])
                #expect(rows.map(\.2) == [nil, ""])
            }
        },
        DatabaseBehaviour("takes whatever is interpolated as a value, never as SQL") { bench in
            let database = try await bench.withItems()
            let attacks = [
                "'; DROP TABLE item; --", "1 OR 1=1", "\" OR \"\"=\"", "?", "$1", "%", "\\'; DELETE FROM item",
            ]
            try await database.write { connection in
                for (id, attack) in attacks.enumerated() {
                    try connection.execute("INSERT INTO item (id, name) VALUES (\(id), \(attack))")
                }
            }
            for (id, attack) in attacks.enumerated() {
                let found = try await database.read { connection in
                    try connection.query("SELECT id FROM item WHERE name = \(attack)") { $0.integer(0) }
                }
                #expect(found == [Int64(id)])
            }
            #expect(try await database.count("item") == Int64(attacks.count))
        },
        DatabaseBehaviour("finds by a list, which may be empty") { bench in
            let database = try await bench.withItems()
            try await database.write { connection in
                for id in 0..<10 { try connection.execute("INSERT INTO item (id, name) VALUES (\(id), \("n\(id)"))") }
            }
            let found = { @Sendable (ids: [Int]) in
                try await database.read { connection in
                    try connection.query("SELECT id FROM item WHERE id IN \(list: ids) ORDER BY id") { $0.integer(0) }
                }
            }
            #expect(try await found([1, 3, 99]) == [1, 3])
            #expect(try await found([]) == [])
        },
        DatabaseBehaviour("puts SQL together from parts, with the values of all") { bench in
            let database = try await bench.withItems()
            try await database.write { connection in
                for id in 0..<20 {
                    try connection.execute("INSERT INTO item (id, score) VALUES (\(id), \(Double(id)))")
                }
            }
            let floor: SQL = "score >= \(5.0)"
            var query: SQL = "SELECT id FROM item WHERE \(floor) AND id <> \(7)"
            query += " ORDER BY id LIMIT \(3)"
            let statement = query
            let found = try await database.read { try $0.query(statement) { $0.integer(0) } }
            #expect(found == [5, 6, 8])
        },
        DatabaseBehaviour("shows a text's bytes without a copy") { bench in
            let database = try await bench.withItems()
            try await database.write {
                try $0.execute("INSERT INTO item (id, name, body) VALUES (1, \("häh"), \([1, 2] as [UInt8]))")
            }
            try await database.read { connection in
                try connection.forEach("SELECT name, body, score FROM item") { row in
                    #expect(row.withBytes(0) { Array($0) } == Array("häh".utf8))
                    #expect(row.withBytes(1) { Array($0) } == [1, 2])
                    #expect(row.withBytes(2) { $0.isEmpty })
                }
            }
        },
        DatabaseBehaviour("says how many rows a statement changed") { bench in
            let database = try await bench.withItems()
            let statements: [(SQL, Int)] = [
                ("INSERT INTO item (id) VALUES (1), (2), (3), (4), (5)", 5),
                ("INSERT INTO item (id) VALUES (\(6))", 1),
                ("UPDATE item SET name = 'x' WHERE id < \(4)", 3),
                ("DELETE FROM item WHERE id = \(99)", 0),
                ("INSERT INTO item (id) VALUES (1) ON CONFLICT DO NOTHING", 0),
                ("SELECT count(*) FROM item", 0),
                ("DELETE FROM item", 6),
            ]
            for (statement, expected) in statements {
                let changed = try await database.write { try $0.execute(statement) }
                #expect(changed == expected, "\(statement.text)")
            }
        },
        DatabaseBehaviour("answers the first row, or none") { bench in
            let database = try await bench.withItems()
            try await database.write { connection in
                for id in 0..<5 { try connection.execute("INSERT INTO item (id) VALUES (\(id))") }
            }
            #expect(
                try await database.read { try $0.first("SELECT id FROM item ORDER BY id DESC") { $0.integer(0) } } == 4)
            #expect(
                try await database.read { try $0.first("SELECT id FROM item WHERE id > \(9)") { $0.integer(0) } } == nil
            )
        },
        DatabaseBehaviour("runs a statement inside the rows of the same statement") { bench in
            let database = try await bench.withItems()
            try await database.write { connection in
                for id in 0..<4 { try connection.execute("INSERT INTO item (id) VALUES (\(id))") }
            }
            try await database.read { connection in
                var seen: [[Int64]] = []
                try connection.forEach("SELECT id FROM item ORDER BY id") { outer in
                    let id = outer.integer(0)
                    let inner = try connection.query("SELECT id FROM item ORDER BY id") { $0.integer(0) }
                    seen.append([id] + inner)
                }
                #expect(seen == (0..<4).map { [Int64($0), 0, 1, 2, 3] })
            }
        },
        DatabaseBehaviour("names the statement that is wrong") { bench in
            let database = try await bench.withItems()
            await #expect {
                try await database.read { try $0.query("SELECT nothing FROM item") { $0.text(0) } }
            } throws: {
                if case DatabaseError.statement(let text, _) = $0 { text.contains("nothing") } else { false }
            }
        },
        DatabaseBehaviour("refuses more or fewer values than marks") { bench in
            let database = try await bench.withItems()
            await #expect(throws: DatabaseError.self) {
                try await database.write {
                    try $0.execute(SQL(raw: "INSERT INTO item (id, name) VALUES (?, ?)", bindings: [.integer(1)]))
                }
            }
            #expect(try await database.count("item") == 0)
        },
    ]
}
