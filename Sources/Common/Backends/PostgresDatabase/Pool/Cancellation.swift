import CPQ
import Foundation

/// What can stop the statement that a connection is running.
final class CancelToken: @unchecked Sendable {
    private let pointer: OpaquePointer?

    init(of connection: OpaquePointer) { pointer = PQgetCancel(connection) }
    deinit { PQfreeCancel(pointer) }

    /// Asks the server, over a connection of its own. Returns when the server has passed it on.
    func send() {
        withUnsafeTemporaryAllocation(of: CChar.self, capacity: 256) { reason in
            // If it cannot be sent, the statement runs to its end or its time-out.
            _ = PQcancel(pointer, reason.baseAddress, CInt(reason.count))
        }
    }
}

/// Whether the task that waits for a transaction was cancelled, and what that does: before the body begins the task is
/// told at once, afterwards the running statement is stopped.
final class Cancellation: @unchecked Sendable {
    private let condition = NSCondition()
    private var isRequested = false
    private var tell: (@Sendable () -> Void)?
    private var token: CancelToken?
    private var isSending = false

    var isCancelled: Bool {
        condition.lock()
        defer { condition.unlock() }
        return isRequested
    }

    /// Called where the task is cancelled; does not wait.
    func cancel() {
        condition.lock()
        let tell = isRequested ? nil : tell
        let token = isRequested ? nil : token
        isRequested = true
        self.tell = nil
        isSending = isSending || token != nil
        condition.unlock()
        tell?()
        guard let token else { return }
        Thread.detachNewThread { [self] in
            token.send()
            condition.lock()
            isSending = false
            condition.broadcast()
            condition.unlock()
        }
    }

    /// From now on the task waits, and `tell` has it go on.
    ///
    /// - Returns: false if it was cancelled before.
    func wait(_ tell: @escaping @Sendable () -> Void) -> Bool {
        condition.lock()
        defer { condition.unlock() }
        if !isRequested { self.tell = tell }
        return !isRequested
    }

    /// The task will be answered by the caller of this, whose statements `token` can stop.
    ///
    /// - Returns: false if the task was cancelled and has been told.
    func begin(_ token: CancelToken?) -> Bool {
        condition.lock()
        defer { condition.unlock() }
        guard !isRequested else { return false }
        tell = nil
        self.token = token
        return true
    }

    /// Nothing is stopped any more; waits for a request that is on its way.
    ///
    /// - Returns: Whether the task was cancelled.
    func end() -> Bool {
        condition.lock()
        defer { condition.unlock() }
        token = nil
        while isSending { condition.wait() }
        return isRequested
    }
}
