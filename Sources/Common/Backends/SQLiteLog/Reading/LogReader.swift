import Common
import Threads

/// Threads that read, each on a connection of its own, beside the writer and off the cooperative pool.
final class LogReader: Sendable {
    private let mailbox = Mailbox<@Sendable (LogConnection) -> Void>()
    private let threads: [WorkerThread]

    init(connections: [LogConnection]) {
        threads = connections.map { [mailbox] connection in
            WorkerThread(name: "log-reader") {
                while let body = mailbox.takeOne() { body(connection) }
            }
        }
    }

    func perform<Value: Sendable>(
        _ body: @escaping @Sendable (LogConnection) throws -> Value
    ) async throws -> Value {
        try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Value, any Error>) in
            let isTaken = mailbox.put { connection in continuation.resume(with: Result { try body(connection) }) }
            if !isTaken { continuation.resume(throwing: EventLogError.closed) }
        }
    }

    func close() async {
        mailbox.close()
        for thread in threads { await thread.finished() }
    }

    func abandon() { mailbox.close() }
}
