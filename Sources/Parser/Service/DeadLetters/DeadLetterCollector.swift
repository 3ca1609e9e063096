import Common
import Foundation
import Logging
import ServiceKit

/// Keeps the dead letters of the topic, from whichever service they come, in the store.
struct DeadLetterCollector: BatchHandler {
    let store: DeadLetterStore
    let directory: Directory
    let days: Int
    let now: @Sendable () -> Timestamp
    let logger: Logger

    func handle(_ batches: [PartitionBatch]) async throws {
        let decoder = JSONDecoder()
        var letters: [DeadLetter] = []
        for batch in batches {
            for i in 0..<batch.records.count {
                guard let value = batch.records.value(at: i) else { continue }
                do {
                    letters.append(try decoder.decode(DeadLetter.self, from: Data(value)))
                } catch {
                    logger.error(
                        "a record of \(batch.topic) is no dead letter and is passed over",
                        metadata: ["offset": "\(batch.records.offset(at: i))", "error": "\(error)"])
                }
            }
        }
        try await store.add(letters)
        let gone = directory.current.workspaces.values.filter(\.isDeleted).map(\.id)
        try await store.forget(olderThan: now().advanced(bySeconds: -86_400 * Double(days)), workspaces: gone)
    }
}
