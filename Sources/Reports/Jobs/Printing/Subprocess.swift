import Foundation
import Glibc
import ServiceKit

/// A program that is run apart, for a bounded time, in a group of its own that ends with it. It gets none of our open
/// files, and only the environment that it is handed.
struct Subprocess {
    var program: String
    var arguments: [String] = []
    var environment: [String: String] = [:]
    /// The file that takes what it says.
    var output: String
    var timeout: Duration

    enum End: Hashable, Sendable {
        case exited(Int32)
        case signalled(Int32)
        case timedOut
    }

    /// Runs it and waits for its end without holding a thread.
    ///
    /// Where the task is cancelled or the time is over, all of its group is killed before this returns.
    /// - Throws: ``JobFailure`` if it cannot be begun; `CancellationError`.
    func run() async throws -> End {
        let process = try spawn()
        let last = ContinuousClock.now.advanced(by: timeout)
        do {
            while ContinuousClock.now < last {
                if let end = Self.end(of: process) {
                    kill(-process, SIGKILL)  // whatever it left behind
                    return end
                }
                try await Task.sleep(for: .milliseconds(20))
            }
        } catch {
            await Self.end(process)
            throw error
        }
        await Self.end(process)
        return .timedOut
    }

    private func spawn() throws -> pid_t {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_addopen(&actions, 1, output, O_WRONLY | O_CREAT | O_TRUNC, 0o600)
        posix_spawn_file_actions_adddup2(&actions, 1, 2)
        for file in Self.openFiles() { posix_spawn_file_actions_addclose(&actions, file) }
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        // A server ignores signals that its services listen for, and what is ignored would be inherited.
        var all = sigset_t()
        var none = sigset_t()
        sigfillset(&all)
        sigemptyset(&none)
        posix_spawnattr_setsigdefault(&attributes, &all)
        posix_spawnattr_setsigmask(&attributes, &none)
        posix_spawnattr_setpgroup(&attributes, 0)
        posix_spawnattr_setflags(
            &attributes, Int16(POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK))
        var words = ([program] + arguments).map { strdup($0) } + [nil]
        var settings = environment.map { strdup("\($0.key)=\($0.value)") } + [nil]
        defer { for word in words + settings { free(word) } }
        var process: pid_t = 0
        let code = posix_spawn(&process, program, &actions, &attributes, &words, &settings)
        if code != 0 {
            throw JobFailure.unavailable("cannot run \(program): \(String(cString: strerror(code)))")
        }
        return process
    }

    /// Most of our files are closed in a child anyway; libraries' need not be.
    private static func openFiles() -> [CInt] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd")) ?? []
        return names.compactMap { CInt($0) }.filter { $0 > 2 }
    }

    /// How it ended, if it did; it is gone then.
    private static func end(of process: pid_t) -> End? {
        var status: Int32 = 0
        let found = waitpid(process, &status, WNOHANG)
        if found == 0 || (found < 0 && errno == EINTR) { return nil }
        // Somebody else waited for it: how it ended is not known.
        if found < 0 { return .signalled(0) }
        return status & 0x7F == 0 ? .exited(status >> 8 & 0xFF) : .signalled(status & 0x7F)
    }

    /// Kills its group and waits until the system has let go of it, whether or not this task goes on.
    private static func end(_ process: pid_t) async {
        kill(-process, SIGKILL)
        await Task.detached {
            while end(of: process) == nil { try? await Task.sleep(for: .milliseconds(10)) }
        }.value
    }
}
