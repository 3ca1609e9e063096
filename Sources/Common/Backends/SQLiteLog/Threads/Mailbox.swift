import class Foundation.NSCondition

/// Where tasks leave work for a thread, which sleeps until there is some.
final class Mailbox<Work: Sendable>: @unchecked Sendable {
    private let condition = NSCondition()
    private var pending: [Work] = []
    private var isClosed = false

    /// - Returns: false if the mailbox is closed and took nothing.
    func put(_ work: Work) -> Bool {
        condition.lock()
        defer { condition.unlock() }
        guard !isClosed else { return false }
        pending.append(work)
        condition.signal()
        return true
    }

    /// Waits for work and takes all of it; nil when the mailbox is closed and empty.
    func takeAll() -> [Work]? {
        condition.lock()
        defer { condition.unlock() }
        while pending.isEmpty {
            if isClosed { return nil }
            condition.wait()
        }
        var taken: [Work] = []
        swap(&taken, &pending)
        return taken
    }

    /// Waits for work and takes the oldest piece; nil when the mailbox is closed and empty.
    func takeOne() -> Work? {
        condition.lock()
        defer { condition.unlock() }
        while pending.isEmpty {
            if isClosed { return nil }
            condition.wait()
        }
        return pending.removeFirst()
    }

    /// Takes nothing any more; what is in it is still handed out.
    func close() {
        condition.lock()
        isClosed = true
        condition.broadcast()
        condition.unlock()
    }
}
