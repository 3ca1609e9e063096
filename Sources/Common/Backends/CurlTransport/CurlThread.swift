import CCurl
import Dispatch
import Glibc
import Synchronization

import class Foundation.Thread

/// The threads that are inside libcurl.
///
/// The libraries below libcurl take themselves apart when the process ends, whoever is in them at that moment; even a
/// thread that returns still tidies up in them. So the end of the process asks these threads to stop, and joins them.
enum CurlThread {
    private struct Started {
        var thread: pthread_t
        var stop: @Sendable () -> Void
    }
    private struct State {
        var last = 0
        var started: [Int: Started] = [:]
        /// Those that have returned, or are about to.
        var done: Set<Int> = []
    }
    private static let state = Mutex(State())
    private static let running = DispatchGroup()

    /// Begins one.
    ///
    /// - Parameters:
    ///   - name: 15 bytes at most.
    ///   - stop: Makes the work return soon; called at the end of the process.
    static func start(_ name: String, stop: @escaping @Sendable () -> Void, _ work: @escaping @Sendable () -> Void) {
        CurlGlobal.initialize()
        join()
        running.enter()
        state.withLock { state in
            state.last += 1
            let number = state.last
            let body = Body {
                Thread.current.name = name
                work()
                Self.state.withLock { _ = $0.done.insert(number) }
                running.leave()
            }
            var thread = pthread_t()
            let error = pthread_create(
                &thread, nil,
                { argument in
                    argument.map { Unmanaged<Body>.fromOpaque($0).takeRetainedValue().run() }
                    return nil
                }, Unmanaged.passRetained(body).toOpaque())
            precondition(error == 0, "no thread \(name) can be started: \(String(cString: strerror(error)))")
            state.started[number] = Started(thread: thread, stop: stop)
        }
    }

    /// Ends what is left, within two seconds: a thread may wait for the answer of a name server.
    static func stopAll() {
        for thread in state.withLock({ Array($0.started.values) }) { thread.stop() }
        _ = running.wait(timeout: .now() + .seconds(2))
        join()
    }

    /// Lets go of those that are done.
    private static func join() {
        let done = state.withLock { state in
            defer { state.done = [] }
            return state.done.compactMap { state.started.removeValue(forKey: $0) }
        }
        for one in done { pthread_join(one.thread, nil) }
    }

    private final class Body: Sendable {
        let run: @Sendable () -> Void
        init(_ run: @escaping @Sendable () -> Void) { self.run = run }
    }
}

/// libcurl's process-wide start, made once.
enum CurlGlobal {
    private static let isStarted: Bool = {
        let isStarted = curl_global_init(Int(CURL_GLOBAL_DEFAULT)) == CURLE_OK
        // What is registered last is called first: before the libraries' own.
        atexit { CurlThread.stopAll() }
        return isStarted
    }()
    static func initialize() { _ = isStarted }
}
