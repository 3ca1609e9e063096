import Dispatch
import Threads

/// A call of librdkafka that might never return.
enum BoundedCall {
    /// Performs it on a thread of its own, which is left behind if it takes too long.
    ///
    /// - Parameter name: Of the thread; 15 bytes at most.
    /// - Returns: Whether the call is over.
    static func perform(_ name: String, within seconds: Double, _ body: @escaping @Sendable () -> Void) -> Bool {
        let end = DispatchSemaphore(value: 0)
        _ = WorkerThread(name: name) {
            body()
            end.signal()
        }
        return end.wait(timeout: .now() + seconds) == .success
    }
}
