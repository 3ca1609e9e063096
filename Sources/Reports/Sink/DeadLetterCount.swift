import ByteJSON
import Common
import ServiceKit

/// Notes the ids of dead letters by workspace, so that reports can tell how much is missing. A tombstone says that one was
/// replayed: it is missing no more, or comes back as another.
struct DeadLetterCount: BatchHandler {
    static let group = ConsumerGroup("reports-dead-letters")
    let database: any Database

    func start(of partition: Int) async throws -> Int64? {
        try await database.read { try $0.nextOffset(topic: .deadLetters, partition: partition) }
    }

    func handle(_ batches: [PartitionBatch]) async throws {
        var known: [String: String] = [:]
        var closed: [String] = []
        for (id, workspace) in batches.flatMap({ Self.read($0.records) }) {
            known[id] = workspace
            if workspace == nil { closed.append(id) }
        }
        let letters = known.sorted { $0.key < $1.key }
        try await database.write { [closed] connection in
            try connection.advance(batches)
            for id in closed { try connection.execute("DELETE FROM dead_letter WHERE id = \(id)") }
            guard !letters.isEmpty else { return }
            try connection.write(
                BulkRows([.texts(letters.map(\.key)), .texts(letters.map(\.value))]),
                BulkStatement(into: "dead_letter", columns: ["id", "workspace"], key: ["id"], conflict: .ignore))
        }
    }

    /// Id and workspace of each dead letter that can be read, the workspace nil of one that was replayed.
    private static func read(_ records: RecordBatch) -> [(String, String?)] {
        (0..<records.count).compactMap { index in
            guard let value = records.value(at: index) else {
                return records.key(at: index).map { (String(decoding: $0, as: UTF8.self), nil) }
            }
            guard let json = try? JSONDocument(parsing: Array(value)).root,
                let id = json["id"]?.string
            else { return nil }
            return (id, json["workspace_id"]?.string ?? "")
        }
    }
}

extension DatabaseConnection {
    func deadLetters(of workspace: WorkspaceID) throws -> Int {
        try first("SELECT COUNT(*) FROM dead_letter WHERE workspace = \(workspace)") { Int($0.integer(0)) } ?? 0
    }
}
