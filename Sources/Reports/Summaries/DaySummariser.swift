import Common
import Logging
import ServiceKit
import ServiceLifecycle

/// Summarises days whose facts have come to rest.
///
/// A transaction that changes facts says so of their days (``DatabaseConnection/markChanged(_:at:)``); until they are
/// summarised again, answers read these days' facts. So summaries are only ever right, and writing facts never waits
/// for them. Any number of processes may do this side by side.
final class DaySummariser: Service, Sendable {
    private let database: any Database
    private let settings: ReportsSettings
    private let logger: Logger
    private let now: @Sendable () -> Timestamp
    private let changed: Bell
    /// Days that are read in one transaction, and what their summaries may come to.
    private static let batch = 16
    private static let batchBytes = 1 << 20

    /// - Parameter changed: Rung when facts have changed.
    init(
        database: any Database, changed: Bell, settings: ReportsSettings, logger: Logger,
        now: @escaping @Sendable () -> Timestamp
    ) {
        self.database = database
        self.changed = changed
        self.settings = settings
        self.logger = logger
        self.now = now
    }

    func run() async throws {
        await cancelWhenGracefulShutdown { await self.summarise() }
    }

    private func summarise() async {
        while !Task.isCancelled {
            let begun = ContinuousClock.now
            var isWaiting = true
            do {
                try await summariseAll(unchangedSince: now().advanced(bySeconds: -settings.summaryPause))
                isWaiting = try await database.read { try $0.hasChangedDays() }
            } catch {
                if Task.isCancelled { return }
                logger.warning("days could not be summarised; later again", metadata: ["error": "\(error)"])
            }
            // No more than a tenth of the time: what changes all the time is read as facts.
            let pause = max(.seconds(settings.summaryPause), (ContinuousClock.now - begun) * 9)
            if !isWaiting { await changed.wait(for: nil) }
            try? await Task.sleep(for: pause)
        }
    }

    /// Summarises all days that have changed, but not since this time.
    func summariseAll(unchangedSince time: Timestamp) async throws {
        while !Task.isCancelled {
            let summaries = try await database.read { connection in
                var summaries: [(changed: ChangedDay, summary: SummaryBytes)] = []
                var bytes = 0
                for changed in try connection.changedDays(until: time, limit: Self.batch) where bytes < Self.batchBytes
                {
                    let summary = SummaryBytes(try connection.summarise(changed.key))
                    bytes += summary.count
                    summaries.append((changed, summary))
                }
                return summaries
            }
            guard !summaries.isEmpty else { return }
            try await database.write { connection in
                for (changed, summary) in summaries { try connection.write(summary, of: changed) }
            }
        }
    }
}
