import Common
import Logging
import ServiceKit
import ServiceLifecycle

/// Brings changes from the database to the topic, one run at a time.
///
/// What a transaction wrote is published after it; if that fails, or the process dies in between, it goes out at the
/// next change, at the next try, or at the next start.
actor Outbox: Service {
    private let database: any Database
    private let directory: Directory
    private let logger: Logger
    private var last: Task<Void, any Error>?
    private let failures: AsyncStream<Void>
    private let failed: AsyncStream<Void>.Continuation

    init(database: any Database, directory: Directory, logger: Logger) {
        self.database = database
        self.directory = directory
        self.logger = logger
        (failures, failed) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
    }

    /// Publishes all that was committed before this call. A failure is not the caller's: the change is durable and
    /// will go out.
    func flush() async {
        do {
            try await publish()
        } catch {
            logger.error("changes could not be published yet", metadata: ["error": "\(error)"])
            failed.yield()
        }
    }

    /// Publishes all that was committed before this call.
    func publish() async throws {
        let previous = last
        let task = Task {
            _ = await previous?.result
            try await self.publishPending()
        }
        last = task
        try await task.value
    }

    /// Tries again what failed, until shutdown.
    func run() async throws {
        await cancelWhenGracefulShutdown { await self.retry() }
    }

    private func retry() async {
        for await _ in failures {
            var pause = 0.5
            while !Task.isCancelled {
                try? await Task.sleep(for: .seconds(pause))
                do {
                    try await publish()
                    break
                } catch {
                    pause = min(30, pause * 2)
                }
            }
        }
    }

    private nonisolated func publishPending() async throws {
        while true {
            let rows = try await database.read { try RecordTable(connection: $0).unpublished(limit: 500) }
            guard !rows.isEmpty else { return }
            try await directory.publish(
                rows.compactMap(\.record), forgetting: rows.filter { $0.record == nil }.map(\.id))
            try await database.write { try RecordTable(connection: $0).markPublished(rows) }
        }
    }
}
