import Common
import Foundation
import Glibc

/// A program of the tests' own that is there to be killed.
public final class ProbeProcess: @unchecked Sendable {
    private let process: pid_t
    private var isOver = false

    /// Starts a program that lies beside the tests.
    public init(_ name: String, _ arguments: [String]) throws {
        let path = Bundle.main.bundleURL.appendingPathComponent(name).path
        var strings = ([path] + arguments).map { strdup($0) } + [nil]
        defer { for string in strings { free(string) } }
        var process: pid_t = 0
        guard posix_spawn(&process, path, nil, nil, &strings, environ) == 0 else {
            throw ClusterFailure("cannot run \(path)")
        }
        self.process = process
    }

    /// Whether it has ended, of itself or killed. For one thread at a time.
    public var hasEnded: Bool {
        if !isOver { isOver = waitpid(process, nil, WNOHANG) == process }
        return isOver
    }

    /// Kills it, and waits until it is gone.
    public func kill() {
        guard !isOver else { return }
        Glibc.kill(process, SIGKILL)
        waitpid(process, nil, 0)
        isOver = true
    }
}

extension TestDatabase {
    /// Starts a program on the database that ``open(_:on:)`` opens; its first arguments are the file or URL, and the schema.
    public static func launch(_ name: String, on engine: Engine, path: String, arguments: [String]) async throws
        -> ProbeProcess
    {
        let database =
            switch engine {
            case .sqlite: [path, "-"]
            case .postgres: [try await PostgresCluster.shared().url.reveal(), "test \(path.suffix(50))"]
            }
        return try ProbeProcess(name, database + arguments)
    }
}
