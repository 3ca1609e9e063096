import Common
import Foundation
import Synchronization
import TestKit

/// Each role in a process of its own, on Kafka's wire and a PostgreSQL server.
final class DistributedInstallation: Installation {
    static let roles = ["workspace", "reports", "parser", "webhook", "fetcher"]

    let environment: [String: String]
    let database: PostgresCluster
    let broker: Broker
    private let folder: TemporaryFolder
    private let gateway: Gateway
    private let processes: [String: ServerProcess]
    /// Processes beside the one that each role has anyway.
    private let others = Mutex<[String: ServerProcess]>([:])

    /// - Parameter more: Settings besides those that it needs.
    init(environment more: [String: String] = [:]) async throws {
        folder = try TemporaryFolder()
        database = try await PostgresCluster()
        broker = try Broker()
        environment = [
            "EARSHOT_DATA": folder.path, "EARSHOT_LOG": broker.url, "EARSHOT_DATABASE": database.url.reveal(),
            "EARSHOT_MASTER_KEY": Data((0..<32).map { _ in UInt8.random(in: 0...255) }).base64EncodedString(),
            "EARSHOT_HTTP_PUBLIC_URL": "http://earshot.test", "EARSHOT_FETCH_ALLOW_ADDRESSES": "127.0.0.0/8",
            "EARSHOT_FETCH_KEEP_REQUEST_BOUNDS": "false", "EARSHOT_FETCH_LEASE_SECONDS": "4",
        ].merging(more) { $1 }
        var processes: [String: ServerProcess] = [:]
        for role in Self.roles {
            processes[role] = try ServerProcess(data: folder.file(role), roles: [role], environment: environment)
        }
        self.processes = processes
        gateway = try Gateway(to: processes.mapValues(\.url))
    }

    var url: String { gateway.url }
    var transport: any HTTPTransport { gateway }

    /// The process of a role.
    func process(_ role: String) throws -> ServerProcess {
        guard let process = processes[role] else { throw ProcessFailure("no role \(role)") }
        return process
    }

    /// The second process of a role, which has a folder of its own as if it were on another machine; it is not started.
    func second(_ role: String) throws -> ServerProcess { try another(role, number: 2) }

    /// One more process of a role; it is not started.
    func another(_ role: String, number: Int) throws -> ServerProcess {
        let name = "\(role)-\(number)"
        return try others.withLock { others in
            if let process = others[name] { return process }
            let process = try ServerProcess(data: folder.file(name), roles: [role], environment: environment)
            others[name] = process
            return process
        }
    }

    func start() async throws {
        // The others know the keys of the first start as soon as they read them, and are asked before that here.
        try await process("workspace").start()
        try await withThrowingTaskGroup(of: Void.self) { group in
            for role in Self.roles where role != "workspace" {
                let process = try process(role)
                group.addTask { try await process.start() }
            }
            try await group.waitForAll()
        }
    }

    func kill() { for process in all.values { process.kill() } }

    private var all: [String: ServerProcess] { processes.merging(others.withLock { $0 }) { one, _ in one } }

    /// What the processes last said.
    var lastWords: String {
        all.sorted { $0.key < $1.key }.map { "--- \($0.key)\n\($0.value.lastWords)" }.joined(separator: "\n")
    }
}
