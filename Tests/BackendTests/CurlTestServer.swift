import Foundation
import Glibc

/// `openssl s_server` with a certificate of its own for some names.
final class TLSServer {
    let port: Int
    /// The certificate, which is its own authority.
    let certificate: String
    private let process: pid_t
    private let folder: URL

    init(names: String) throws {
        folder = FileManager.default.temporaryDirectory.appending(path: "earshot-tls-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        certificate = folder.appending(path: "certificate.pem").path
        let key = folder.appending(path: "key.pem").path
        try run([
            "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days",
            "2", "-subj", "/CN=earshot test", "-addext", "subjectAltName=\(names)", "-keyout", key, "-out", certificate,
        ])

        var ends: [Int32] = [0, 0]
        guard pipe(&ends) == 0 else { throw POSIXError(.EMFILE) }
        process = try spawn(
            ["openssl", "s_server", "-accept", "127.0.0.1:0", "-www", "-cert", certificate, "-key", key],
            output: ends[1])
        Glibc.close(ends[1])
        let output = FileHandle(fileDescriptor: ends[0], closeOnDealloc: true)
        var text = ""
        while !text.contains("ACCEPT") || !text.hasSuffix("\n") {
            let data = output.availableData
            guard !data.isEmpty else { break }
            text += String(decoding: data, as: UTF8.self)
        }
        let line = text.split(separator: "\n").first { $0.hasPrefix("ACCEPT") }
        guard let found = line?.split(separator: ":").last.flatMap({ Int($0) }) else { throw POSIXError(.ECONNREFUSED) }
        port = found
    }

    func close() {
        kill(process, SIGKILL)
        var status: Int32 = 0
        waitpid(process, &status, 0)
        try? FileManager.default.removeItem(at: folder)
    }
}

/// Runs a program to its end.
func run(_ arguments: [String]) throws {
    var status: Int32 = 0
    waitpid(try spawn(arguments), &status, 0)
    guard status == 0 else { throw POSIXError(.ECHILD) }
}

/// Starts a program with nothing to read, its output into `output` or nowhere.
private func spawn(_ arguments: [String], output: Int32? = nil) throws -> pid_t {
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
    if let output {
        posix_spawn_file_actions_adddup2(&actions, output, 1)
    } else {
        posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0)
    }
    posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0)
    var strings = arguments.map { strdup($0) } + [nil]
    defer { for string in strings { free(string) } }
    var process: pid_t = 0
    guard posix_spawnp(&process, arguments[0], &actions, nil, &strings, environ) == 0 else { throw POSIXError(.ENOENT) }
    return process
}
