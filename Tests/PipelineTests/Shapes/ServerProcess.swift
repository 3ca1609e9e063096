import Common
import CurlTransport
import Foundation
import Glibc
import Synchronization
import TestKit

/// What can be killed and started again.
protocol Killable: Sendable {
    func kill()
    func start() async throws
}

/// `earshot serve`, a process of its own, which can be killed and started again.
final class ServerProcess: Killable {
    let port: Int
    private let arguments: [String]
    private let environment: [String: String]
    private let errors: String
    private let transport = CurlTransport(policy: .any)
    private let process = Mutex<ChildProcess?>(nil)

    /// - Parameters:
    ///   - data: Its folder.
    ///   - roles: What it runs; none is everything.
    ///   - environment: Its settings.
    init(data: String, roles: [String] = [], environment: [String: String]) throws {
        port = try freePort()
        arguments =
            [Self.binary, "serve", "--data", data, "--port", String(port)] + roles.flatMap { ["--role", $0] }
        self.environment = environment.merging(["EARSHOT_LOG_LEVEL": "warning"]) { $1 }
        errors = data + ".log"
    }

    var url: String { "http://127.0.0.1:\(port)" }

    /// The last of what it said on its way.
    var lastWords: String {
        String(((try? String(contentsOfFile: errors, encoding: .utf8)) ?? "").suffix(2000))
    }

    /// The binary that `make test` built, else the one beside the tests.
    static let binary: String = {
        if let path = ProcessInfo.processInfo.environment["EARSHOT_BINARY"] { return path }
        let tests = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
        return tests.deletingLastPathComponent().appendingPathComponent("earshot").path
    }()

    /// Starts it; returns once it says that it is ready.
    func start() async throws {
        let process = try ChildProcess(arguments, environment: environment, errors: errors)
        self.process.withLock { $0 = process }
        let deadline = ContinuousClock.now + .seconds(60)
        while ContinuousClock.now < deadline {
            if let response = try? await transport.send(OutgoingRequest("GET", url + "/ready")), response.status == 200
            {
                return
            }
            guard process.isRunning else {
                throw ProcessFailure("\(arguments) ended with \(process.wait()): \(lastWords)")
            }
            try await Task.sleep(for: .milliseconds(10))
        }
        throw ProcessFailure("\(arguments) was not ready after a minute: \(lastWords)")
    }

    /// SIGKILL: no hook runs, nothing is flushed.
    func kill() { end(by: SIGKILL) }

    /// SIGTERM: a graceful stop.
    func stop() { end(by: SIGTERM) }

    /// SIGSTOP: it stands still, with all that it has in hand, until ``thaw()``.
    func freeze() { process.withLock { $0 }?.send(SIGSTOP) }
    func thaw() { process.withLock { $0 }?.send(SIGCONT) }

    /// Bounds it to a share of a core, in percent, as long as what this returns lives.
    func limited(to share: Int) throws -> ChildProcess {
        guard let process = process.withLock({ $0 }) else { throw ProcessFailure("it does not run") }
        return try ChildProcess(
            ["/usr/bin/env", "cpulimit", "-p", String(process.id), "-l", String(share)], errors: errors + ".limit")
    }

    /// A number of its `/metrics`, of the line with these labels.
    func metric(_ name: String, containing labels: String) async throws -> Double? {
        let response = try await transport.send(OutgoingRequest("GET", url + "/metrics"))
        return String(decoding: response.body, as: UTF8.self).split(separator: "\n")
            .first { $0.hasPrefix(name) && $0.contains(labels) }
            .flatMap { $0.split(separator: " ").last.flatMap { Double($0) } }
    }

    private func end(by signal: Int32) {
        guard let process = process.withLock({ $0 }) else { return }
        process.send(signal)
        process.wait()
    }

    /// Runs a command of the binary to its end.
    static func run(
        _ arguments: [String], environment: [String: String] = [:]
    ) throws -> (status: Int32, output: [UInt8]) {
        try ChildProcess.run(
            [binary] + arguments, environment: ProcessInfo.processInfo.environment.merging(environment) { $1 })
    }
}
