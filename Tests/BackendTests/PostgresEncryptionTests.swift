import Common
import Foundation
import PostgresDatabase
import TestKit
import Testing

@Suite("The database over PostgreSQL, encrypted", .timeLimit(.minutes(2)))
struct PostgresEncryptionTests {
    private static let server = Task { try await EncryptedPostgres() }

    private static func connect(_ url: Secret) async throws -> Bool? {
        var settings = PostgresSettings(url: url, schema: UUID().uuidString)
        settings.patience = 0.2
        let database = try PostgresDatabase(settings)
        return try await database.read { connection in
            try connection.first("SELECT CASE WHEN ssl THEN 1 ELSE 0 END FROM pg_stat_ssl WHERE pid = pg_backend_pid()")
            {
                $0.integer(0) == 1
            }
        }
    }

    @Test("speaks TLS to a server whose certificate and name hold")
    func verified() async throws {
        #expect(try await Self.connect(try await Self.server.value.url()) == true)
    }

    @Test("does not speak to a server whose certificate is of another authority, or for another name")
    func refused() async throws {
        let server = try await Self.server.value
        await #expect(throws: DatabaseError.self) { try await Self.connect(server.url(authority: "other")) }
        await #expect(throws: DatabaseError.self) { try await Self.connect(server.url(host: "127.0.0.1")) }
    }

    @Test("does not get in without TLS where the server wants it")
    func plain() async throws {
        let server = try await Self.server.value
        await #expect(throws: DatabaseError.self) { try await Self.connect(server.url(mode: "disable")) }
    }
}
