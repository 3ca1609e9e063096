import ByteJSON
import Client
import Common
import CurlTransport
import Foundation
import Glibc

/// The released binary as five processes, a role each, on a broker and a database server.
final class RolesUnderTest {
    static let roles = ["workspace", "reports", "parser", "webhook", "fetcher"]

    let transport = CurlTransport(policy: .any)
    private let binary: String
    private let folder = FileManager.default.temporaryDirectory.path + "/earshot-bench-\(UUID().uuidString)"
    private let port: Int
    private let environment: [String: String]
    private var processes: [String: Process] = [:]

    /// - Parameter port: Of the first role; the others have those behind it.
    init(binary: String, port: Int, broker: String, database: String) {
        self.binary = binary
        self.port = port
        environment = [
            "EARSHOT_LOG": "kafka://\(broker)", "EARSHOT_DATABASE": database,
            "EARSHOT_MASTER_KEY": Data(repeating: 7, count: 32).base64EncodedString(),
            "EARSHOT_HTTP_PUBLIC_URL": "http://earshot.test", "EARSHOT_LOG_LEVEL": "error", "PATH": "/usr/bin:/bin",
        ]
    }

    func start() async throws {
        // The others want the keys that the first start of this one makes.
        for role in Self.roles { try await start(role) }
    }

    private func start(_ role: String) async throws {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: binary)
        process.arguments = [
            "serve", "--data", "\(folder)/\(role)", "--port", String(port(of: role)), "--role", role,
        ]
        process.environment = environment
        process.standardOutput = FileHandle.nullDevice
        process.standardError = FileHandle.nullDevice
        let begun = ContinuousClock.now
        try process.run()
        processes[role] = process
        while (try? await transport.send(OutgoingRequest("GET", url(of: role) + "/ready")))?.status != 200 {
            guard process.isRunning, ContinuousClock.now - begun < .seconds(30) else {
                throw BenchmarkFailure(what: "\(binary) serve --role \(role) did not become ready; is it built?")
            }
            try await Task.sleep(for: .milliseconds(10))
        }
    }

    private func port(of role: String) -> Int { port + (Self.roles.firstIndex(of: role) ?? 0) }
    private func url(of role: String) -> String { "http://127.0.0.1:\(port(of: role))" }

    /// A new token, and what sends requests with it to each role.
    func clients() throws -> (String) -> APIClient {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: binary)
        process.arguments = [
            "token", "create", "--data", "\(folder)/workspace", "--account", "Bench", "--scopes", "manage,read,write",
            "--json",
        ]
        process.environment = environment
        let pipe = Pipe()
        process.standardOutput = pipe
        try process.run()
        let output = pipe.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        guard let token = try JSONDocument(parsing: Array(output)).root["token"]?.string else {
            throw BenchmarkFailure(what: "no token")
        }
        return { [self] in APIClient(server: url(of: $0), token: Secret(token), transport: transport) }
    }

    /// CPU seconds that each role's process has used.
    func processorSeconds() -> [String: Double] {
        processes.mapValues { process in
            let path = "/proc/\(process.processIdentifier)/stat"
            let text = (try? String(contentsOfFile: path, encoding: .utf8)) ?? ""
            let fields = text.split(separator: ")").last?.split(separator: " ").map(String.init) ?? []
            guard fields.count > 12, let user = Double(fields[11]), let system = Double(fields[12]) else { return 0 }
            return (user + system) / Double(sysconf(Int32(_SC_CLK_TCK)))
        }
    }

    func stop() async {
        await transport.shutdown()
        for process in processes.values { kill(process.processIdentifier, SIGTERM) }
        for process in processes.values { process.waitUntilExit() }
        try? FileManager.default.removeItem(atPath: folder)
    }
}
