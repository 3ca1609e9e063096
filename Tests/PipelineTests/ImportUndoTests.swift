import ByteJSON
import Client
import Common
import TestKit
import Testing

/// What an undone import takes away, and what it leaves, as users see it.
@Suite("Imports that are undone", .timeLimit(.minutes(5)))
struct ImportUndoTests {
    @Test("what was edited since, and what was there before, stays")
    func undo() async throws {
        let folder = try TemporaryFolder()
        let server = try OneProcessInstallation(data: folder.file("data"))
        try await server.start()
        defer { server.kill() }
        let client = try await server.client(account: "Importer")
        let made = try await client.json(
            "POST", "/CreateWorkspace",
            body: ["name": "Imports", "feedback_entities": [["connector": "csv", "name": "Reviews"]]])
        let workspace = try #require(made["workspace_id"]?.string)
        let stream = try #require(made["streams"]?[0]?["stream_id"]?.string)
        func imported(_ rows: String) async throws -> String {
            let id = try await start("id,text,updated_at\n" + rows, stream, client)
            try await server.settle()
            return id
        }
        func texts() async throws -> Set<String> {
            let list = try await client.json("GET", "/v1/feedback", query: [("workspace_id", workspace)])
            return Set(list["feedback"]?.elements.compactMap { $0["core_attributes"]?["text"]?.string } ?? [])
        }
        func undo(_ id: String) async throws {
            try await client.send("POST", "/v1/imports/\(id)/undo")
            try await waitUntil("\(id) is undone") {
                try await client.json("GET", "/v1/imports/\(id)")["state"]?.string == "UNDONE"
            }
            try await server.settle()
        }

        _ = try await imported("1,It was there before,2024-01-01\n")
        let first = try await imported(
            "1,It was there before,2024-01-01\n2,The export is slow,2024-01-01\n3,The search is slow,2024-01-01\n")
        let edit = try await imported("2,The export is fast now,2024-02-01\n")
        #expect(try await texts() == ["It was there before", "The export is fast now", "The search is slow"])
        try await undo(first)
        #expect(try await texts() == ["It was there before", "The export is fast now"])
        // What an import changed goes, and is not changed back.
        try await undo(edit)
        #expect(try await texts() == ["It was there before"])
        // The same file brings back what its undoing took.
        _ = try await imported("3,The search is slow,2024-01-01\n")
        #expect(try await texts() == ["It was there before", "The search is slow"])
        let books = try await server.doctor()
        #expect(books["balanced"]?.bool == true && books["dead"]?.int64 == 0, "\(JSONText(books))")
    }

    private func start(_ table: String, _ stream: String, _ client: APIClient) async throws -> String {
        let bytes = Array(table.utf8)
        let begun = try await client.json(
            "POST", "/v1/imports", body: ["stream_id": .string(stream), "start": true])
        let id = try #require(begun["import_id"]?.string)
        try await FileSender(client: client, import: id).run(
            size: bytes.count, read: { Array(bytes[$0..<min(bytes.count, $0 + $1)]) })
        try await waitUntil("\(id) is over") {
            try await client.json("GET", "/v1/imports/\(id)")["state"]?.string == "COMPLETED"
        }
        return id
    }
}
