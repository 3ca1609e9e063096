import Synchronization
import Testing

/// Customers that go on and on, and say everything again, as senders do that heard no answer.
final class Customers: Sendable {
    private let work = Mutex<Task<Void, any Error>?>(nil)
    private let said = Mutex(0)

    init(_ say: @escaping @Sendable () async throws -> Void) {
        work.withLock { work in
            work = Task {
                while !Task.isCancelled {
                    try await say()
                    said.withLock { $0 += 1 }
                }
            }
        }
    }

    /// How often everything was said.
    var rounds: Int { said.withLock { $0 } }

    /// Stops them, wherever they are; an issue is recorded if they had given up before.
    func leave() async {
        guard let work = work.withLock({ $0 }) else { return }
        work.cancel()
        do {
            try await work.value
        } catch {
            guard !(error is CancellationError), !"\(error)".contains("cancelled") else { return }
            Issue.record(error, "the customers gave up")
        }
    }
}
