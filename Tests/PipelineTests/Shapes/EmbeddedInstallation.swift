import Common
import CurlTransport
import TestKit

/// All roles in one process, on storage in a folder.
final class EmbeddedInstallation: Installation {
    let environment: [String: String]
    let transport: any HTTPTransport = CurlTransport(policy: .any)
    private let folder: TemporaryFolder
    private let server: ServerProcess

    init() throws {
        folder = try TemporaryFolder()
        environment = ["EARSHOT_DATA": folder.file("data")]
        server = try ServerProcess(
            data: folder.file("data"),
            environment: [
                "EARSHOT_FETCH_ALLOW_ADDRESSES": "127.0.0.0/8", "EARSHOT_FETCH_KEEP_REQUEST_BOUNDS": "false",
            ])
    }

    var url: String { server.url }
    func start() async throws { try await server.start() }
    func kill() { server.kill() }
}
