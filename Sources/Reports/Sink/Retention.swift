import Common
import Logging
import ServiceKit
import ServiceLifecycle

/// Forgets feedback that is older than it is to be kept, day by day, as a rule of a workspace would take it out: facts,
/// rollups, summaries and cross-posts are then what they would be without it. The ledger, which counts what became of
/// items when they came, stays.
final class Retention: Service, Sendable {
    private let database: any Database
    private let days: Int?
    private let logger: Logger
    private let now: @Sendable () -> Timestamp
    /// Items that are forgotten in one transaction.
    private static let batch = 1000
    private static let pause = Duration.seconds(3600)

    /// - Parameter days: For how long feedback is kept, counted from its own time; nil is for ever.
    init(database: any Database, days: Int?, logger: Logger, now: @escaping @Sendable () -> Timestamp) {
        self.database = database
        self.days = days
        self.logger = logger
        self.now = now
    }

    /// The first instant of the first day that is kept, in milliseconds.
    func oldest(at now: Timestamp) -> Int64 {
        guard let days else { return .min }
        return DayKey(workspace: 0, at: now.milliseconds - Int64(days) * DayKey.length).day
    }

    func run() async throws {
        await cancelWhenGracefulShutdown {
            while !Task.isCancelled {
                do {
                    try await self.forget()
                } catch {
                    if Task.isCancelled { return }
                    self.logger.warning(
                        "feedback that is to be forgotten is still there; later again",
                        metadata: ["error": "\(error)"])
                }
                try? await Task.sleep(for: Self.pause)
            }
        }
    }

    /// Forgets all that is too old by now.
    func forget() async throws {
        let now = now()
        let oldest = oldest(at: now)
        guard oldest > .min else { return }
        while !Task.isCancelled {
            let isOver = try await database.write { connection in
                guard let day = try connection.firstDay(before: oldest) else { return true }
                let ids = try connection.feedback(of: day, limit: Self.batch)
                var transaction = SinkTransaction(connection, workspaces: [:], known: [:], now: now)
                try transaction.forget(ids)
                if ids.count < Self.batch { try connection.remove(day) }
                return false
            }
            if isOver { break }
        }
        try await database.write { connection in
            try connection.dropChunks(of: "fact", before: oldest)
            try connection.dropChunks(of: "rollup", before: oldest)
        }
    }
}

extension DatabaseConnection {
    /// A day that ends before a time.
    fileprivate func firstDay(before time: Int64) throws -> DayKey? {
        try first("SELECT workspace, day FROM day WHERE day < \(time) ORDER BY workspace, day LIMIT 1") {
            DayKey(workspace: $0.integer(0), day: $0.integer(1))
        }
    }

    fileprivate func feedback(of key: DayKey, limit: Int) throws -> [Digest128] {
        try query(
            """
            SELECT feedback FROM fact
            WHERE workspace = \(key.workspace) AND timestamp >= \(key.day) AND timestamp < \(key.range.upperBound)
            LIMIT \(limit)
            """
        ) { $0.digest(0) }
    }

    /// Removes what is known of a day without facts.
    fileprivate func remove(_ key: DayKey) throws {
        for table in ["day", "day_summary"] {
            try execute("DELETE FROM \(raw: table) WHERE workspace = \(key.workspace) AND day = \(key.day)")
        }
    }
}
