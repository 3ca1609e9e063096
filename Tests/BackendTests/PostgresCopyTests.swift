import Common
import Foundation
import PostgresDatabase
import TestKit
import Testing

/// Rows that are known to be new go in by COPY, whose values must be of the columns' own types.
@Suite("Many new rows in PostgreSQL") struct PostgresCopyTests {
    private static func database(columns: String) async throws -> PostgresDatabase {
        let url = try await PostgresCluster.shared().url
        let database = try PostgresDatabase(PostgresSettings(url: url, schema: UUID().uuidString))
        try await database.write { connection in
            try connection.execute("CREATE SCHEMA IF NOT EXISTS \"\(raw: schema(of: connection))\"")
            try connection.execute("CREATE TABLE number (\(raw: columns))")
        }
        return database
    }

    private static func schema(of connection: any DatabaseConnection) throws -> String {
        try connection.first("SELECT current_setting('search_path')") { $0.text(0).filter { $0 != "\"" } } ?? ""
    }

    private static let numbers: [Int64] = (-50..<50).map { $0 }

    @Test(
        "are written to columns of any width, and converted where a column has another type",
        arguments: ["SMALLINT", "INTEGER", "BIGINT", "NUMERIC", "DOUBLE PRECISION"])
    func widths(type: String) async throws {
        let database = try await Self.database(columns: "a \(type), b \(type), c TEXT COLLATE \"C\"")
        try await database.write { connection in
            try connection.write(
                BulkRows([
                    .integers(Self.numbers), .optionalIntegers(Self.numbers.map { $0 % 2 == 0 ? $0 : nil }),
                    .texts(Self.numbers.map { "n\u{0}\($0)" }),
                ]), BulkStatement(into: "number", columns: ["a", "b", "c"]))
        }
        let rows = try await database.read { connection in
            try connection.query("SELECT a, b, c FROM number ORDER BY a") {
                "\($0.integer(0)) \($0.optionalInteger(1).map { "\($0)" } ?? "-") \($0.text(2))"
            }
        }
        #expect(rows == Self.numbers.map { "\($0) \($0 % 2 == 0 ? "\($0)" : "-") n\u{1A}\($0)" })
    }

    @Test("are refused where one does not fit, and the connection goes on")
    func overflow() async throws {
        let database = try await Self.database(columns: "a SMALLINT")
        let bulk = BulkStatement(into: "number", columns: ["a"])
        await #expect(throws: DatabaseError.self) {
            try await database.write { try $0.write(BulkRows([.integers((0..<100).map { $0 * 1000 })]), bulk) }
        }
        try await database.write { try $0.write(BulkRows([.integers(Self.numbers)]), bulk) }
        let count = try await database.read { try $0.first("SELECT count(*) FROM number") { $0.integer(0) } }
        #expect(count == 100)
    }

    @Test("go in after a column has changed its type")
    func changedColumn() async throws {
        let database = try await Self.database(columns: "a INTEGER")
        let bulk = BulkStatement(into: "number", columns: ["a"])
        try await database.write { try $0.write(BulkRows([.integers(Self.numbers)]), bulk) }
        try await database.write { try $0.execute("ALTER TABLE number ALTER a TYPE BIGINT") }
        let isRefused = await (try? database.write { try $0.write(BulkRows([.integers(Self.numbers)]), bulk) }) == nil
        if isRefused { try await database.write { try $0.write(BulkRows([.integers(Self.numbers)]), bulk) } }
        let count = try await database.read { try $0.first("SELECT count(*) FROM number") { $0.integer(0) } }
        #expect(count == 200)
    }
}
