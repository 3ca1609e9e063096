package import Foundation

/// Where tasks leave work for a thread, which sleeps until there is some.
package final class Mailbox<Work: Sendable>: @unchecked Sendable {
    private let condition = NSCondition()
    private var pending: [Work] = []
    private var isRung = false
    private var closed = false

    package init() {}

    /// - Returns: false if the mailbox is closed and took nothing.
    @discardableResult
    package func put(_ work: Work) -> Bool {
        condition.lock()
        defer { condition.unlock() }
        guard !closed else { return false }
        pending.append(work)
        condition.signal()
        return true
    }

    /// Waits for work and takes all of it, or nothing of it after a ``ring()`` or at the deadline; nil when the mailbox
    /// is closed and empty.
    package func takeAll(until deadline: Date? = nil) -> [Work]? {
        condition.lock()
        defer { condition.unlock() }
        while pending.isEmpty {
            if closed { return nil }
            if isRung { break }
            if !condition.wait(orUntil: deadline) { break }
        }
        isRung = false
        var taken: [Work] = []
        swap(&taken, &pending)
        return taken
    }

    /// Waits for work and takes the oldest piece; nil when the mailbox is closed and empty.
    package func takeOne() -> Work? {
        condition.lock()
        defer { condition.unlock() }
        while pending.isEmpty {
            if closed { return nil }
            condition.wait()
        }
        return pending.removeFirst()
    }

    /// Waits for a ``ring()``, and leaves work where it is. Closing the mailbox rings once.
    package func wait(until deadline: Date? = nil) {
        condition.lock()
        defer { condition.unlock() }
        while !isRung, condition.wait(orUntil: deadline) {}
        isRung = false
    }

    /// Ends the wait of the thread, or the next one that it begins: something happened that is no work.
    package func ring() {
        condition.lock()
        isRung = true
        condition.broadcast()
        condition.unlock()
    }

    package var isClosed: Bool {
        condition.lock()
        defer { condition.unlock() }
        return closed
    }

    /// Takes nothing any more; what is in it is still handed out.
    package func close() {
        condition.lock()
        closed = true
        isRung = true
        condition.broadcast()
        condition.unlock()
    }
}

extension NSCondition {
    /// Waits without an end if there is no deadline: the distant future is too far for Foundation, which traps.
    ///
    /// - Returns: false if the deadline has passed.
    fileprivate func wait(orUntil deadline: Date?) -> Bool {
        if let deadline { return wait(until: deadline) }
        wait()
        return true
    }
}
