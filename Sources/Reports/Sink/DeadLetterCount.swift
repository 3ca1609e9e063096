import ByteJSON
import Common
import ServiceKit

/// Notes the ids of dead letters by workspace, so that reports can tell how much is missing.
struct DeadLetterCount: BatchHandler {
    static let group = ConsumerGroup("reports-dead-letters")
    let database: any Database

    func start(of partition: Int) async throws -> Int64? {
        try await database.read { try $0.nextOffset(topic: .deadLetters, partition: partition) }
    }

    func handle(_ batches: [PartitionBatch]) async throws {
        let letters = Dictionary(batches.flatMap { Self.read($0.records) }) { first, _ in first }
            .sorted { $0.key < $1.key }
        try await database.write { connection in
            for batch in batches { try connection.advance(batch) }
            guard !letters.isEmpty else { return }
            try connection.write(
                BulkRows([.texts(letters.map(\.key)), .texts(letters.map(\.value))]),
                BulkStatement(into: "dead_letter", columns: ["id", "workspace"], key: ["id"], conflict: .ignore))
        }
    }

    /// Id and workspace of each dead letter that can be read.
    private static func read(_ records: RecordBatch) -> [(String, String)] {
        (0..<records.count).compactMap { index in
            guard let value = records.value(at: index), let json = try? JSONDocument(parsing: Array(value)).root,
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
