import Common

enum TransactionKind: Sendable { case read, write }

/// A transaction on its way to a connection.
struct Transaction: Sendable {
    let kind: TransactionKind
    let cancellation: Cancellation
    /// Until when it waits for a server that cannot be reached.
    let deadline: ContinuousClock.Instant
    /// Runs the body in the transaction that the session has begun, ends it, and answers.
    let perform: @Sendable (Session) -> Void
    let refuse: @Sendable (any Error) -> Void

    init<Value: Sendable>(
        _ kind: TransactionKind, _ cancellation: Cancellation, deadline: ContinuousClock.Instant,
        answer: @escaping @Sendable (Result<Value, any Error>) -> Void,
        _ body: @escaping @Sendable (any DatabaseConnection) throws -> Value
    ) {
        self.kind = kind
        self.cancellation = cancellation
        self.deadline = deadline
        refuse = { error in if cancellation.begin(nil) { answer(.failure(error)) } }
        perform = { session in
            session.cancellation = cancellation
            var outcome = Result { try body(PostgresConnection(session: session)) }
            session.cancellation = nil
            let isCancelled = cancellation.end()
            if isCancelled {
                // The request may have come too late for the statement, and must not stop somebody else's.
                session.wearOut()
                if kind == .write || outcome.isFailure { outcome = .failure(CancellationError()) }
            }
            switch (kind, outcome) {
            case (.read, _):
                // The answer is known: the round trip that ends the transaction need not be waited for.
                answer(outcome)
                session.rollback()
            case (.write, .failure):
                session.rollback()
                answer(outcome)
            case (.write, .success):
                do { try session.commit() } catch { outcome = .failure(error) }
                answer(outcome)
            }
        }
    }
}

extension Result {
    fileprivate var isFailure: Bool { if case .failure = self { true } else { false } }
}
