import Common
import Foundation

/// A few threads, each with a connection, that take transactions in the order in which they came.
///
/// A thread starts when there is work that no idle one can take.
final class Lane: @unchecked Sendable {
    private let name: String
    private let maximumThreads: Int
    private let settings: PostgresSettings
    private let connector: Connector
    private let condition = NSCondition()
    private var waiting: [Transaction] = []
    private var threads = 0
    private var idle = 0
    private var isClosed = false
    private var watchers: [CheckedContinuation<Void, Never>] = []

    init(name: String, threads: Int, settings: PostgresSettings, connector: Connector) {
        self.name = name
        maximumThreads = max(1, threads)
        self.settings = settings
        self.connector = connector
    }

    /// Runs a body in a transaction on one of the threads.
    func run<Value: Sendable>(
        _ kind: TransactionKind, _ body: @escaping @Sendable (any DatabaseConnection) throws -> Value
    ) async throws -> Value {
        let cancellation = Cancellation()
        let deadline = ContinuousClock.now + .seconds(settings.patience)
        return try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Value, any Error>) in
                guard cancellation.wait({ continuation.resume(throwing: CancellationError()) }) else {
                    return continuation.resume(throwing: CancellationError())
                }
                let transaction = Transaction(
                    kind, cancellation, deadline: deadline, answer: { continuation.resume(with: $0) }, body)
                if let refusal = put(transaction) { transaction.refuse(refusal) }
            }
        } onCancel: {
            cancellation.cancel()
        }
    }

    /// - Returns: Why it was not taken.
    private func put(_ transaction: Transaction) -> DatabaseError? {
        condition.lock()
        defer { condition.unlock() }
        if isClosed { return .unavailable("it was closed") }
        if waiting.count >= settings.waiting {
            return .unavailable("\(waiting.count) transactions wait for a connection")
        }
        waiting.append(transaction)
        if waiting.count > idle, threads < maximumThreads {
            threads += 1
            Thread.detachNewThread { [self] in
                Thread.current.name = name
                work()
            }
        }
        condition.signal()
        return nil
    }

    /// Waits for work; nil when the lane is closed and empty.
    private func take() -> Transaction? {
        condition.lock()
        defer { condition.unlock() }
        idle += 1
        defer { idle -= 1 }
        while waiting.isEmpty {
            if isClosed { return nil }
            condition.wait()
        }
        return waiting.removeFirst()
    }

    /// Takes no more; what waits is still done, and the connections end.
    func close() {
        condition.lock()
        isClosed = true
        condition.broadcast()
        condition.unlock()
    }

    /// Closes, and waits until all connections have ended.
    func finish() async {
        close()
        await withCheckedContinuation { continuation in
            condition.lock()
            let isOver = threads == 0
            if !isOver { watchers.append(continuation) }
            condition.unlock()
            if isOver { continuation.resume() }
        }
    }

    // MARK: - On a thread

    private func work() {
        var link = Link(connector)
        while let transaction = take() {
            do {
                let session = try begin(transaction, &link)
                if transaction.cancellation.begin(session.token) {
                    transaction.perform(session)
                } else {
                    session.rollback()
                }
                if session.isWornOut { link.drop() }
            } catch {
                transaction.refuse(error)
            }
        }
        link.drop()
        condition.lock()
        threads -= 1
        let watchers = threads == 0 ? watchers : []
        if threads == 0 { self.watchers = [] }
        condition.unlock()
        for watcher in watchers { watcher.resume() }
    }

    /// Begins a transaction, on a new connection where the old one is gone: nothing of it has happened yet.
    private func begin(_ transaction: Transaction, _ link: inout Link) throws -> Session {
        while true {
            let (session, isNew) = try link.session(until: transaction.deadline, pause: pause)
            do {
                try session.begin(transaction.kind)
                return session
            } catch {
                link.drop()
                if isNew || !session.isLost { throw error }
            }
        }
    }

    /// Waits, unless the lane is closed.
    ///
    /// - Returns: Whether it waited to the end.
    private func pause(_ seconds: Double) -> Bool {
        let end = Date(timeIntervalSinceNow: seconds)
        condition.lock()
        defer { condition.unlock() }
        while !isClosed { if !condition.wait(until: end) { return true } }
        return false
    }
}

/// A thread's connection, and when it may be tried again.
private struct Link {
    private let connector: Connector
    private var current: Session?
    private var backoff = Backoff()
    private var failure: (any Error, until: ContinuousClock.Instant)?

    init(_ connector: Connector) { self.connector = connector }

    mutating func drop() { current = nil }

    /// The connection, or a new one; tries again until the deadline, but once at least, unless that was tried just now.
    mutating func session(until deadline: ContinuousClock.Instant, pause: (Double) -> Bool) throws
        -> (Session, isNew: Bool)
    {
        if let current { return (current, false) }
        while true {
            if let (error, until) = failure, until > .now {
                guard until < deadline, pause((until - .now).inSeconds) else { throw error }
            }
            do {
                let session = try connector.connect()
                current = session
                failure = nil
                backoff.succeed()
                return (session, true)
            } catch {
                failure = (error, .now + .seconds(backoff.fail()))
            }
        }
    }
}

extension Duration {
    fileprivate var inSeconds: Double { Double(components.seconds) + Double(components.attoseconds) / 1e18 }
}
