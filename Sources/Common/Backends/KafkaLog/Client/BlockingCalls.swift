import Common
import Threads

/// A thread for calls to a client that block, one after another.
final class BlockingCalls: Sendable {
    private let mailbox = Mailbox<@Sendable (ReaderClient) -> Void>()
    private let thread: WorkerThread

    init(name: String, _ client: ReaderClient) {
        thread = WorkerThread(name: name) { [mailbox] in
            while let body = mailbox.takeOne() { body(client) }
        }
    }

    func perform<Value: Sendable>(
        _ body: @escaping @Sendable (ReaderClient) throws -> Value
    ) async throws -> Value {
        try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Value, any Error>) in
            let isTaken = mailbox.put { client in continuation.resume(with: Result { try body(client) }) }
            if !isTaken { continuation.resume(throwing: EventLogError.closed) }
        }
    }

    func close() async {
        mailbox.close()
        await thread.finished()
    }

    func abandon() { mailbox.close() }
}
