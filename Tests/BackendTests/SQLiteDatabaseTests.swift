import Common
import SQLiteDatabase
import TestKit
import Testing

@Suite("The database over SQLite")
struct SQLiteDatabaseTests {
    @Test("keeps the contract of a database", arguments: DatabaseConformance.behaviours)
    func contract(behaviour: DatabaseBehaviour) async throws {
        let folder = try TemporaryFolder()
        try await behaviour.check(DatabaseBench { try SQLiteDatabase(path: folder.file("test.sqlite")) })
    }

    @Test("says which file it cannot open")
    func unusableFile() async throws {
        let folder = try TemporaryFolder()
        let path = folder.file("folder-in-the-way")
        _ = try SQLiteDatabase(path: path + "/inner.sqlite")
        #expect {
            _ = try SQLiteDatabase(path: path)
        } throws: {
            if case DatabaseError.unavailable(let reason) = $0 { reason.contains(path) } else { false }
        }
    }

    @Test("says that a file is no database")
    func noDatabase() async throws {
        let folder = try TemporaryFolder()
        let path = folder.file("text.sqlite")
        try writeText(String(repeating: "this is no database, only text. ", count: 200), to: path)
        #expect {
            _ = try SQLiteDatabase(path: path)
        } throws: {
            if case DatabaseError.corrupt = $0 { true } else { false }
        }
    }

    @Test("throws after it was closed")
    func closed() async throws {
        let folder = try TemporaryFolder()
        let database = try SQLiteDatabase(path: folder.file("test.sqlite"))
        try database.close()
        await #expect(throws: (any Error).self) {
            try await database.read { try $0.query("SELECT 1") { $0.integer(0) } }
        }
    }
}
