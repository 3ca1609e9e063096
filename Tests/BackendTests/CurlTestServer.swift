import Foundation
import Glibc
import Synchronization

/// A TCP server on loopback whose behaviour is a closure: what no decent HTTP server would do can be done with it.
///
/// Each connection has a thread of its own. ``close()`` ends all of them.
final class RawServer: Sendable {
    let port: Int
    private let listener: Int32
    private let state = Mutex(State())

    private struct State {
        var connections: Set<Int32> = []
        var accepted = 0
        var isClosed = false
    }

    init(_ serve: @escaping @Sendable (RawConnection) -> Void) throws {
        listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let outcome = withUnsafeMutablePointer(to: &address) { [listener] pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(listener, $0, length) == 0 && listen(listener, 512) == 0 && getsockname(listener, $0, &length) == 0
            }
        }
        port = Int(UInt16(bigEndian: address.sin_port))
        guard outcome else { throw POSIXError(.EADDRINUSE) }
        Thread.detachNewThread { [self] in
            defer { Glibc.close(listener) }  // here and nowhere else: its number must not be given away under us
            while true {
                let descriptor = accept(listener, nil, nil)
                guard descriptor >= 0 else { return }
                let keep = state.withLock { state in
                    guard !state.isClosed else { return false }
                    state.accepted += 1
                    state.connections.insert(descriptor)
                    return true
                }
                guard keep else { Glibc.close(descriptor); return }
                Thread.detachNewThread { [self] in
                    serve(RawConnection(descriptor: descriptor))
                    state.withLock { _ = $0.connections.remove(descriptor) }
                    Glibc.shutdown(descriptor, Int32(SHUT_RDWR))
                    Glibc.close(descriptor)
                }
            }
        }
    }

    var url: String { "http://127.0.0.1:\(port)" }
    /// How many connections were made to it.
    var accepted: Int { state.withLock { $0.accepted } }

    func close() {
        state.withLock { state in
            state.isClosed = true
            for descriptor in state.connections { Glibc.shutdown(descriptor, Int32(SHUT_RDWR)) }
        }
        Glibc.shutdown(listener, Int32(SHUT_RDWR))
    }
}

/// One connection of a ``RawServer``, on its own thread.
struct RawConnection {
    let descriptor: Int32

    /// The next request's head, line by line; nil when the client went away.
    func readHead() -> [String]? {
        var bytes: [UInt8] = []
        var byte: UInt8 = 0
        while bytes.suffix(4) != [13, 10, 13, 10] {
            guard recv(descriptor, &byte, 1, 0) == 1 else { return nil }
            bytes.append(byte)
        }
        return String(decoding: bytes, as: UTF8.self).components(separatedBy: "\r\n").filter { !$0.isEmpty }
    }

    /// - Returns: Whether the client still takes bytes.
    @discardableResult
    func write(_ text: String) -> Bool { write(Array(text.utf8)) }

    @discardableResult
    func write(_ bytes: [UInt8]) -> Bool {
        var sent = 0
        while sent < bytes.count {
            let count = bytes[sent...].withUnsafeBytes {
                send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
            }
            guard count > 0 else { return false }
            sent += count
        }
        return true
    }

    /// Waits until the client goes away.
    func waitForEnd() {
        var byte: UInt8 = 0
        while recv(descriptor, &byte, 1, 0) > 0 {}
    }

    /// Answers with a whole response that keeps the connection.
    @discardableResult
    func answer(_ status: String = "200 OK", headers: [String] = [], _ body: String = "") -> Bool {
        let lines = ["HTTP/1.1 \(status)"] + headers + ["Content-Length: \(body.utf8.count)", "", ""]
        return write(lines.joined(separator: "\r\n") + body)
    }
}

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
