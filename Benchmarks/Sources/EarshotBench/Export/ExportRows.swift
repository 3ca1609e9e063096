import ByteJSON
import Common
import Foundation

/// Feedback as the sink keeps it, in the tables `feedback` and `fact`, for one year.
struct ExportRows {
    let workspace: WorkspaceID
    let count: Int

    func fill(_ database: any Database) async throws {
        let number = Int64(1_000_000)
        let start = Timestamp("2026-01-01")?.milliseconds ?? 0
        try await database.write { connection in
            try connection.execute(
                "INSERT INTO word (id, kind, text) VALUES (\(number), 0, \(workspace.rawValue))")
        }
        let step = 20_000
        for first in stride(from: 0, to: count, by: step) {
            let range = first..<min(count, first + step)
            let times = range.map { start + Int64($0) * (360 * 86_400_000 / Int64(count)) }
            let ids = range.map(Self.id)
            let documents = zip(range, times).map { document($0, at: $1) }
            @Sendable func all(_ value: Int64) -> BulkRows.Column {
                .integers(Array(repeating: value, count: range.count))
            }
            try await database.write { connection in
                try connection.write(
                    BulkRows([
                        .digests(ids), all(number), .integers(times), all(1), all(0), .digests(ids), all(0),
                        .integers(range.map { Int64($0) }), all(0), .integers(times), .blobs(documents),
                    ]),
                    BulkStatement(
                        into: "feedback",
                        columns: [
                            "id", "workspace", "timestamp", "revision", "state", "hash", "raw_partition", "raw_offset",
                            "raw_item", "stored_at", "document",
                        ]))
                try connection.write(
                    BulkRows(
                        [all(number), .integers(times), .digests(ids), all(0), all(0), all(1), all(0)]
                            + [.blobs(Array(repeating: [], count: range.count))] + (0..<7).map { _ in all(0) }),
                    BulkStatement(
                        into: "fact",
                        columns: [
                            "workspace", "timestamp", "feedback", "origin", "language", "sentiment", "intent", "topics",
                            "score", "rating", "version", "platform", "country", "author", "merged",
                        ]))
            }
        }
    }

    /// Identifiers as even as those that are derived by a hash.
    private static func id(_ number: Int) -> Digest128 {
        func mixed(_ value: UInt64) -> UInt64 {
            var z = value &* 0x9E37_79B9_7F4A_7C15
            z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
            z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
            return z ^ (z >> 31)
        }
        return Digest128(high: mixed(UInt64(number) &* 2 &+ 1), low: mixed(UInt64(number) &* 2 &+ 2))
    }

    private func document(_ number: Int, at time: Int64) -> [UInt8] {
        let at = Timestamp(milliseconds: time)
        var feedback = Feedback(
            id: FeedbackID(Self.id(number)), workspace: workspace,
            source: .init(
                name: "jsonl", instance: "file", connection: nil, stream: Self.stream, externalID: "\(number)",
                how: "import"),
            text: "Number \(number): since the last update the \"export\" of a report takes minutes, and then it "
                + "fails. Before, it took seconds. I like the rest of it.",
            connector: "jsonl@1", contentHash: Self.id(number).hexadecimal, timestamp: at, collectedAt: at, revision: 1,
            raw: .init(partition: 0, offset: Int64(number), item: 0))
        feedback.language = ["en", "de", "ja"][number % 3]
        feedback.sentiment = Sentiment.allCases[number % 3]
        feedback.sentimentScore = Double(number % 19) - 9
        feedback.intent = Intent.allCases[number % Intent.allCases.count]
        feedback.topics = [["export"], ["export", "speed"], []][number % 3]
        feedback.rating = Double(1 + number % 5)
        feedback.productVersion = "2.\(number % 12).0"
        feedback.engines = ["language-ngram@2", "sentiment-linear@3", "intent-linear@2", "topics-terms@4"]
        feedback.author = .init(id: "\(number * 7 % (count / 2 + 1))", name: nil, email: nil, country: "de")
        var writer = JSONWriter()
        feedback.write(to: &writer)
        return writer.bytes
    }

    private static let stream = StreamID.make()
}
