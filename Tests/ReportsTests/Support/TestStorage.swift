import Common
import CurlTransport
import Foundation
import LocalFiles
import S3Files
import Synchronization
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

/// A real transport to a real service that is in trouble for a while: some requests are answered by somebody else.
final class TroubledTransport: HTTPTransport {
    struct Trouble: Sendable {
        var status = 503
        var code = "SlowDown"
        /// Only requests whose address has this.
        var place = ""
        /// How many; then it is over.
        var count = Int.max
    }
    private let base = CurlTransport(policy: .any)
    private let trouble = Mutex<Trouble?>(nil)

    func begin(_ new: Trouble) { trouble.withLock { $0 = new } }
    func end() { trouble.withLock { $0 = nil } }
    func shutdown() async { await base.shutdown() }
    var isOver: Bool { trouble.withLock { $0 == nil } }

    func send(_ request: OutgoingRequest) async throws(HTTPTransportError) -> IncomingResponse {
        let now: Trouble? = trouble.withLock { trouble in
            guard var now = trouble, now.place.isEmpty || request.url.contains(now.place) else { return nil }
            now.count -= 1
            trouble = now.count > 0 ? now : nil
            return now
        }
        guard let now else { return try await base.send(request) }
        let body = "<?xml version=\"1.0\"?><Error><Code>\(now.code)</Code><Message>We are sorry.</Message></Error>"
        return IncomingResponse(
            status: now.status, headers: [("Content-Type", "application/xml"), ("Retry-After", "0")],
            body: Array(body.utf8))
    }
}

/// A clock that begins when the tests' feedback is recent, and goes on.
struct RunningClock: Sendable {
    private let began = ContinuousClock.now
    var now: Timestamp {
        Timestamp("2021-03-01")!.advanced(bySeconds: (ContinuousClock.now - began) / .seconds(1))
    }
}

/// A disk of its own, so small that it can be filled.
final class SmallDisk: Sendable {
    let path: String
    private let folder: TemporaryFolder

    /// - Returns: nil where this process may mount none.
    init?(in folder: TemporaryFolder, megabytes: Int) {
        self.folder = folder
        path = folder.file("disk")
        try? FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        guard Self.run(["mount", "-t", "tmpfs", "-o", "size=\(megabytes)m", "tmpfs", path]) else { return nil }
    }

    deinit { _ = Self.run(["umount", "-l", path]) }

    private static func run(_ words: [String]) -> Bool {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = words
        process.standardError = FileHandle.nullDevice
        guard (try? process.run()) != nil else { return false }
        process.waitUntilExit()
        return process.terminationStatus == 0
    }

    private var filler: String { path + "/filler" }

    /// Takes all room that there is.
    func fill() throws {
        FileManager.default.createFile(atPath: filler, contents: nil)
        let file = try FileHandle(forWritingTo: URL(fileURLWithPath: filler))
        for size in [65_536, 1024, 1] {
            let piece = Data(repeating: 0, count: size)
            while (try? file.write(contentsOf: piece)) != nil {}
        }
        try file.close()
    }

    func makeRoom() throws { try FileManager.default.removeItem(atPath: filler) }
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
