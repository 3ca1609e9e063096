import ByteJSON
import Client
import Common
import Foundation
import TestKit
import Testing

/// The whole program at work, in one shape or another, as its users meet it: one address, and the command line.
protocol Installation: Sendable {
    /// The address of all roles together.
    var url: String { get }
    /// Reaches that address, and everything else.
    var transport: any HTTPTransport { get }
    /// What a command must be told to find its log, tables and keys.
    var environment: [String: String] { get }

    /// Starts everything; returns once it is ready.
    func start() async throws
    /// Kills everything.
    func kill() async
}

extension Installation {
    /// A client with a new token of an account.
    func client(account: String, scopes: String = "manage,read,write") async throws -> APIClient {
        let (status, output) = try await command([
            "token", "create", "--account", account, "--scopes", scopes, "--json",
        ])
        guard status == 0, let token = try JSONDocument(parsing: output).root["token"]?.string else {
            throw ProcessFailure("no token: \(String(decoding: output, as: UTF8.self))")
        }
        return APIClient(server: url, token: Secret(token), transport: transport)
    }

    /// What `earshot doctor` says.
    func doctor(deep: Bool = false) async throws -> JSONValue {
        let (_, output) = try await command(["doctor", "--json"] + (deep ? ["--deep"] : []))
        return try JSONDocument(parsing: output).root
    }

    private func command(_ arguments: [String]) async throws -> (status: Int32, output: [UInt8]) {
        let environment = environment
        return try await onAThread { try ServerProcess.run(arguments, environment: environment) }
    }

    /// Waits until nothing is left to do.
    func settle(within patience: Duration = .seconds(180)) async throws {
        let deadline = ContinuousClock.now + patience
        var books: JSONValue?
        while ContinuousClock.now < deadline {
            if let found = try? await doctor() { books = found }
            if books?["at_rest"]?.bool == true { return }
            try await Task.sleep(for: .milliseconds(100))
        }
        throw ProcessFailure("there was no rest in \(patience): \(JSONText(books))")
    }
}

/// The shapes that the program runs in.
enum Shape: String, CaseIterable, Sendable, CustomTestStringConvertible {
    case embedded = "one process on embedded storage"
    case distributed = "five processes on Kafka's wire and PostgreSQL"

    var testDescription: String { rawValue }

    /// Runs the program in this shape while `body` works.
    func run<Value: Sendable>(_ body: (any Installation) async throws -> Value) async throws -> Value {
        let folder = try TemporaryFolder()
        let installation: any Installation =
            switch self {
            case .embedded: try OneProcessInstallation(data: folder.file("data"))
            case .distributed: try await DistributedInstallation()
            }
        let outcome: Result<Value, any Error>
        do {
            try await installation.start()
            outcome = .success(try await body(installation))
        } catch {
            outcome = .failure(error)
        }
        await installation.kill()
        withExtendedLifetime(folder) {}
        return try outcome.get()
    }
}
