import Foundation
import Glibc

/// librdkafka's mock cluster in a process of its own (`KafkaMock`), reached over TCP as a cluster is.
///
/// Tests that use it depend on `KafkaMock`, which is built beside them.
public final class MockCluster: @unchecked Sendable {
    /// Its broker, `host:port`.
    public let address: String
    private let process: pid_t
    private let input: FileHandle
    private let output: FileHandle
    private let lock = NSLock()

    public init() throws {
        let (toMock, fromMock) = (Pipe(), Pipe())
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_adddup2(&actions, toMock.fileHandleForReading.fileDescriptor, 0)
        posix_spawn_file_actions_adddup2(&actions, fromMock.fileHandleForWriting.fileDescriptor, 1)
        for handle in [toMock.fileHandleForWriting, fromMock.fileHandleForReading] {
            posix_spawn_file_actions_addclose(&actions, handle.fileDescriptor)
        }
        let path = Bundle.main.bundleURL.appendingPathComponent("KafkaMock").path
        var arguments = [strdup(path), nil]
        defer { free(arguments[0]) }
        var process: pid_t = 0
        guard posix_spawn(&process, path, &actions, nil, &arguments, environ) == 0 else { throw POSIXError(.ENOENT) }
        self.process = process
        input = toMock.fileHandleForWriting
        output = fromMock.fileHandleForReading
        try toMock.fileHandleForReading.close()
        try fromMock.fileHandleForWriting.close()
        guard let line = Self.line(from: output) else { throw POSIXError(.ECHILD) }
        address = line
    }

    deinit {
        try? input.close()
        var status: Int32 = 0
        waitpid(process, &status, 0)
    }

    /// Makes a topic, which its clients cannot.
    public func create(topic: String, partitions: Int) throws { try tell("topic \(topic) \(partitions)") }
    /// The next requests of a kind fail.
    public func fail(api: Int, with code: Int32, times: Int) throws { try tell("fail \(api) \(code) \(times)") }
    /// Cuts all connections and takes no new ones.
    public func goDown() throws { try tell("down") }
    /// Takes connections again.
    public func comeUp() throws { try tell("up") }

    private func tell(_ line: String) throws {
        try lock.withLock {
            try input.write(contentsOf: Data((line + "\n").utf8))
            let answer = Self.line(from: output)
            guard answer == "ok" else { throw MockRefusal(what: line, answer: answer ?? "nothing") }
        }
    }

    private static func line(from file: FileHandle) -> String? {
        var bytes: [UInt8] = []
        while let byte = try? file.read(upToCount: 1)?.first, byte != UInt8(ascii: "\n") { bytes.append(byte) }
        return bytes.isEmpty ? nil : String(decoding: bytes, as: UTF8.self)
    }
}

struct MockRefusal: Error, CustomStringConvertible {
    let what: String
    let answer: String
    var description: String { "the mock cluster was told \(what) and said \(answer)" }
}
