import Common
import Foundation
import Logging
import ServiceKit

/// Keeps what is asked for on `earshot.fetch-requests`, and wakes the fetcher.
struct FetchRequests: BatchHandler {
    let store: FetcherStore
    let logger: Logger
    let wake: @Sendable () -> Void

    func handle(_ batches: [PartitionBatch]) async throws {
        let decoder = JSONDecoder()
        var requests: [FetchRequest] = []
        for batch in batches {
            for i in 0..<batch.records.count {
                guard let value = batch.records.value(at: i) else { continue }
                do {
                    requests.append(try decoder.decode(FetchRequest.self, from: Data(value)))
                } catch {
                    logger.error(
                        "a fetch request cannot be read and is passed over",
                        metadata: [
                            "offset": "\(batch.records.offset(at: i))", "error": "\(error)",
                        ])
                }
            }
        }
        try await store.keep(requests)
        wake()
    }
}

extension ConsumerGroup {
    /// The fetchers: each request is kept once.
    static let fetcher = ConsumerGroup("fetcher")
}
