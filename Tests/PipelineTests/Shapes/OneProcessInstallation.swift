import Common
import CurlTransport
import TestKit

/// All roles in one process.
final class OneProcessInstallation: Installation, Killable {
    let environment: [String: String]
    let transport: any HTTPTransport = CurlTransport(policy: .any)
    private let server: ServerProcess

    /// - Parameters:
    ///   - data: Its folder.
    ///   - environment: Where its log and tables are, if they are not in the folder.
    init(data: String, environment: [String: String] = [:]) throws {
        let tests = ["EARSHOT_FETCH_ALLOW_ADDRESSES": "127.0.0.0/8", "EARSHOT_FETCH_KEEP_REQUEST_BOUNDS": "false"]
        self.environment = environment.merging(["EARSHOT_DATA": data]) { $1 }
        server = try ServerProcess(data: data, environment: environment.merging(tests) { $1 })
    }

    var url: String { server.url }
    func start() async throws { try await server.start() }
    func kill() { server.kill() }
    /// Stops it in good order.
    func stop() { server.stop() }
}
