import Common
import PostgresDatabase

/// Looks, many times a second, which of the rows that are waited for a query finds.
actor Watch {
    private let database: PostgresDatabase
    private var waited: [Digest128: ContinuousClock.Instant] = [:]
    /// Seconds from when each row that was found was due.
    private(set) var times: [Double] = []
    private static let pause = Duration.milliseconds(10)
    private static let patience = Duration.seconds(60)

    init(database: PostgresDatabase) { self.database = database }

    func expect(_ ids: [FeedbackID], since due: ContinuousClock.Instant) {
        for id in ids.compactMap(\.digest) { waited[id] = due }
    }

    /// Looks until it is cancelled.
    func look() async throws {
        while !Task.isCancelled {
            try await lookOnce()
            try? await Task.sleep(for: Self.pause)
        }
    }

    /// Waits until all are found.
    func finish() async throws {
        let deadline = ContinuousClock.now + Self.patience
        while !waited.isEmpty {
            guard ContinuousClock.now < deadline else {
                throw BenchmarkFailure(what: "\(waited.count) of the rows that were watched cannot be seen")
            }
            try await Task.sleep(for: Self.pause)
        }
    }

    private func lookOnce() async throws {
        guard !waited.isEmpty else { return }
        let keys = waited.keys.sorted()
        let found = try await database.read { connection in
            var found: [Digest128] = []
            try connection.forEach(["id"], of: BulkKey("feedback", "id"), in: BulkRows([.digests(keys)])) {
                found.append($0.digest(0))
            }
            return found
        }
        let now = ContinuousClock.now
        for id in found {
            guard let due = waited.removeValue(forKey: id) else { continue }
            times.append((now - due).inSeconds)
        }
    }
}
