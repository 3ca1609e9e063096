import Synchronization

import class Foundation.Thread

/// A thread of our own, for calls that block.
package final class WorkerThread: Sendable {
    private struct State {
        var isFinished = false
        var waiting: [CheckedContinuation<Void, Never>] = []
    }
    private let state = Mutex(State())
    private let body: Mutex<(@Sendable () -> Void)?>

    package init(name: String, _ body: @escaping @Sendable () -> Void) {
        self.body = Mutex(body)
        let thread = Thread { [self] in
            Thread.current.name = name  // given from outside, the system would not show it; 15 bytes at most
            perform()
            let waiting = state.withLock { state in
                state.isFinished = true
                return state.waiting
            }
            for continuation in waiting { continuation.resume() }
        }
        thread.start()
    }

    /// Runs the body and lets go of what it holds (a connection, which is closed by that).
    private func perform() {
        let body = body.withLock { $0.take() }
        body?()
    }

    /// Waits until the body has returned and what it held is gone.
    package func finished() async {
        await withCheckedContinuation { continuation in
            let isFinished = state.withLock { state in
                if !state.isFinished { state.waiting.append(continuation) }
                return state.isFinished
            }
            if isFinished { continuation.resume() }
        }
    }
}
