import Common
import CurlTransport
import Foundation
import LocalFiles
import S3Files
import TestKit
import Testing

@testable import Reports

/// Where a server of the tests keeps its files.
enum TestStorage: String, CaseIterable, CustomTestStringConvertible {
    case folder, s3

    var testDescription: String { rawValue }

    /// Starts a server whose files are there.
    func run(settings: ReportsSettings = .quick, _ body: (ReportsServer) async throws -> Void) async throws {
        switch self {
        case .folder: try await ReportsServer.run(settings: settings, body)
        case .s3:
            let folder = try TemporaryFolder()
            // It knows no signed links where it checks keys; that requests are signed rightly is tested elsewhere.
            let bucket = try await S3Server(in: folder, checksKeys: false)
            let transport = CurlTransport(policy: .any)
            let files = S3Files(try Self.settings(bucket), transport: transport)
            try await ReportsServer.run(settings: settings, files: files, body)
            await transport.shutdown()
        }
    }

    static func settings(_ server: S3Server) throws -> S3Settings {
        var settings = try S3Settings(
            url: server.url(prefix: "reports-test"), accessKey: server.accessKey, secretKey: server.secretKey)
        settings.firstPause = 0.01
        settings.partBytes = 5 << 20
        return settings
    }
}

extension ReportsServer {
    /// The paths of a workspace's files.
    func paths(of workspace: String = "ws_a") async throws -> [String] {
        try await files.list(FileFolder(WorkspaceID(workspace)!), after: nil, limit: 1000).map(\.key.path)
    }

    /// A file of the first workspace.
    func kept(_ path: String) async throws -> [UInt8] {
        try await files.contents(FileKey(WorkspaceID("ws_a")!, path)!, limit: 1 << 20)
    }
}

extension FileWriter {
    /// Writes a file of this machine.
    init(path: String) throws {
        FileManager.default.createFile(atPath: path, contents: nil)
        let file = try FileHandle(forWritingTo: URL(fileURLWithPath: path))
        self.init { try file.write(contentsOf: $0) }
    }
}
