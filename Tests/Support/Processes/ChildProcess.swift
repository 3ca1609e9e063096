public import Foundation
import Glibc
import Synchronization

/// A process that a test started: it can be killed, stopped for a while, and waited for.
public final class ChildProcess: Sendable {
    public let id: Int32
    /// Its input and output, if they are ours. No other process has our end, so its input ends with us.
    public let channel: FileHandle?
    /// How it ended, once that is known.
    private let ending = Mutex<Int32?>(nil)

    /// - Parameters:
    ///   - arguments: The program, which is looked for on the path, and what it is told.
    ///   - environment: nil is the test's own.
    ///   - hasChannel: Whether its input and output is ours; else there is none.
    ///   - errors: A file that its errors are added to; nil leaves them to the test's.
    public init(
        _ arguments: [String], environment: [String: String]? = nil, hasChannel: Bool = false, errors: String? = nil
    ) throws {
        var ends: [Int32] = [-1, -1]
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        if hasChannel {
            guard socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0, &ends) == 0 else {
                throw ProcessFailure("no pair of sockets for \(arguments[0])")
            }
            posix_spawn_file_actions_adddup2(&actions, ends[1], 0)
            posix_spawn_file_actions_adddup2(&actions, ends[1], 1)
        } else {
            posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
            posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0)
        }
        if let errors { posix_spawn_file_actions_addopen(&actions, 2, errors, O_WRONLY | O_CREAT | O_APPEND, 0o600) }
        var words = arguments.map { strdup($0) } + [nil]
        var settings = (environment ?? ProcessInfo.processInfo.environment).map { strdup("\($0)=\($1)") } + [nil]
        defer { for word in words + settings { free(word) } }
        var process: pid_t = 0
        let code = posix_spawnp(&process, arguments[0], &actions, nil, &words, &settings)
        if hasChannel { Glibc.close(ends[1]) }
        guard code == 0 else {
            if hasChannel { Glibc.close(ends[0]) }
            throw ProcessFailure("cannot run \(arguments[0]): \(String(cString: strerror(code)))")
        }
        id = process
        channel = hasChannel ? FileHandle(fileDescriptor: ends[0], closeOnDealloc: true) : nil
    }

    /// Sends a signal; nothing to a process that has ended.
    public func send(_ signal: Int32) { if isRunning { kill(id, signal) } }

    public var isRunning: Bool { status(WNOHANG) == nil }

    /// Waits for its end, on the calling thread.
    ///
    /// - Returns: Its exit code, or the signal that ended it, below 0.
    @discardableResult
    public func wait() -> Int32 { status(0) ?? 0 }

    private func status(_ options: Int32) -> Int32? {
        ending.withLock { ending in
            if ending == nil {
                var status: Int32 = 0
                if waitpid(id, &status, options) == id {
                    ending = status & 0x7F == 0 ? (status >> 8) & 0xFF : -(status & 0x7F)
                }
            }
            return ending
        }
    }

    /// Writes a line to its input.
    public func say(_ line: String) throws { try channel?.write(contentsOf: Data((line + "\n").utf8)) }

    /// Reads a line of its output, on the calling thread; nil at its end.
    public func hear() -> String? {
        var line: [UInt8] = []
        while let byte = try? channel?.read(upToCount: 1)?.first {
            if byte == UInt8(ascii: "\n") { return String(decoding: line, as: UTF8.self) }
            line.append(byte)
        }
        return line.isEmpty ? nil : String(decoding: line, as: UTF8.self)
    }

    /// Runs a program to its end.
    public static func run(
        _ arguments: [String], environment: [String: String]? = nil
    ) throws -> (status: Int32, output: [UInt8]) {
        let process = try ChildProcess(arguments, environment: environment, hasChannel: true)
        let output = try process.channel?.readToEnd() ?? Data()
        return (process.wait(), Array(output))
    }
}

/// Runs what blocks on a thread of its own.
public func onAThread<Value: Sendable>(_ body: @escaping @Sendable () throws -> Value) async throws -> Value {
    try await withCheckedThrowingContinuation { continuation in
        Thread.detachNewThread { continuation.resume(with: Result { try body() }) }
    }
}

/// A process that a test needs does not do what it should.
public struct ProcessFailure: Error, CustomStringConvertible {
    public let description: String
    public init(_ description: String) { self.description = description }
}
