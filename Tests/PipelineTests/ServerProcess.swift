import ByteJSON
import Client
import Common
import CurlTransport
import Foundation
import Glibc
import TestKit

/// The program as its users run it: a process of its own, which can be killed.
final class ServerProcess: @unchecked Sendable {
    let data: String
    let port: Int
    let transport = CurlTransport(policy: .any)
    private let roles: [String]
    private let environment: [String: String]
    private var process: Process?
    private let lock = NSLock()

    /// - Parameters:
    ///   - roles: Those that it runs; none is all.
    ///   - environment: Settings, on top of those that tests need.
    init(data: String, roles: [String] = [], environment: [String: String] = [:]) throws {
        self.data = data
        self.roles = roles
        self.environment = environment
        port = try Self.freePort()
    }

    var url: String { "http://127.0.0.1:\(port)" }

    /// The binary that `make test` built, else the one beside the tests.
    static let binary: String = {
        if let path = ProcessInfo.processInfo.environment["EARSHOT_BINARY"] { return path }
        let tests = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
        return tests.deletingLastPathComponent().appendingPathComponent("earshot").path
    }()

    /// Starts the server; returns once it says that it is ready.
    func start() async throws {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: Self.binary)
        process.arguments = ["serve", "--data", data, "--port", String(port)] + roles.flatMap { ["--role", $0] }
        process.environment = environment.merging([
            "EARSHOT_FETCH_ALLOW_ADDRESSES": "127.0.0.0/8", "EARSHOT_FETCH_KEEP_REQUEST_BOUNDS": "false",
            "EARSHOT_LOG_LEVEL": "error",
            "PATH": ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin:/bin",
        ]) { own, _ in own }
        process.standardError = FileHandle(forWritingAtPath: "/dev/null")
        try process.run()
        lock.withLock { self.process = process }
        let deadline = ContinuousClock.now + .seconds(30)
        while ContinuousClock.now < deadline {
            if let response = try? await transport.send(OutgoingRequest("GET", url + "/ready")), response.status == 200
            {
                return
            }
            guard process.isRunning else {
                throw ProcessFailure(what: "the server ended with \(process.terminationStatus)")
            }
            try await Task.sleep(for: .milliseconds(10))
        }
        throw ProcessFailure(what: "the server was not ready after 30 seconds")
    }

    /// SIGKILL: no hook runs, nothing is flushed.
    func kill() { end(by: SIGKILL) }

    /// SIGTERM: a graceful stop.
    func stop() { end(by: SIGTERM) }

    private func end(by signal: Int32) {
        guard let process = lock.withLock({ self.process }), process.isRunning else { return }
        Glibc.kill(process.processIdentifier, signal)
        process.waitUntilExit()
    }

    /// Runs a command of the binary to its end.
    static func run(_ arguments: [String], environment: [String: String] = [:]) throws -> (
        status: Int32, output: [UInt8]
    ) {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: binary)
        process.arguments = arguments
        process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
        let pipe = Pipe()
        process.standardOutput = pipe
        try process.run()
        let output = pipe.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        return (process.terminationStatus, Array(output))
    }

    /// A client with a new token of an account.
    func client(account: String, scopes: String = "manage,read,write") throws -> APIClient {
        let (status, output) = try Self.run(
            ["token", "create", "--data", data, "--account", account, "--scopes", scopes, "--json"],
            environment: environment)
        guard status == 0, let token = try JSONDocument(parsing: output).root["token"]?.string else {
            throw ProcessFailure(what: "no token: \(String(decoding: output, as: UTF8.self))")
        }
        return APIClient(server: url, token: Secret(token), transport: transport)
    }

    /// What `earshot doctor` says.
    func doctor(deep: Bool = false) throws -> JSONValue {
        let (_, output) = try Self.run(
            ["doctor", "--data", data, "--json"] + (deep ? ["--deep"] : []), environment: environment)
        return try JSONDocument(parsing: output).root
    }

    /// Waits until nothing is left to do.
    func settle() async throws {
        let deadline = ContinuousClock.now + .seconds(120)
        while ContinuousClock.now < deadline {
            if let books = try? doctor(), books["at_rest"]?.bool == true { return }
            try await Task.sleep(for: .milliseconds(100))
        }
        throw ProcessFailure(what: "the server did not come to rest in two minutes")
    }

    private static func freePort() throws -> Int {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(descriptor) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = inet_addr("127.0.0.1")
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let bound = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, length) == 0 && getsockname(descriptor, $0, &length) == 0
            }
        }
        guard bound else { throw ProcessFailure(what: "no free port") }
        return Int(UInt16(bigEndian: address.sin_port))
    }
}

struct ProcessFailure: Error, CustomStringConvertible {
    let what: String
    var description: String { what }
}
