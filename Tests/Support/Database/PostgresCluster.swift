public import Common
import Foundation
import Glibc

/// A PostgreSQL server of the tests' own, in a folder of its own, without a port: gone when the tests are.
///
/// The programs are those of the newest version under `/usr/lib/postgresql`, or on the path. They refuse to run as
/// root: then the user `postgres` runs them. The default collation is not that of bytes, as on most servers.
public final class PostgresCluster: Sendable {
    /// The one of this process.
    public static func shared() async throws -> PostgresCluster { try await one.value }
    private static let one = Task { try await PostgresCluster() }

    /// How to connect.
    public let url: Secret
    private let folder: String
    /// Commands go out, answers come in.
    private let script: FileHandle

    public init() async throws {
        var path = Array((NSTemporaryDirectory() + "/earshot-pg-XXXXXX").utf8CString)
        guard mkdtemp(&path) != nil else { throw ClusterFailure("cannot make a folder for PostgreSQL") }
        folder = String(decoding: path.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        url = Secret("postgres://earshot@/postgres?host=\(folder)")
        var user = ""
        if getuid() == 0 {
            guard let owner = getpwnam("postgres"), chown(folder, owner.pointee.pw_uid, owner.pointee.pw_gid) == 0
            else {
                throw ClusterFailure("PostgreSQL does not run as root, and there is no user postgres")
            }
            user = "setpriv --reuid=postgres --regid=postgres --init-groups"
        }
        script = try Self.spawn(["/bin/sh", "-c", Self.script, "sh", try Self.programs(), folder, user])
        try await expect("started")
    }

    /// Stops the server as a crash would.
    public func stop() async throws { try await tell("stop", "stopped") }

    /// Starts it again.
    public func start() async throws { try await tell("start", "started") }

    private func tell(_ command: String, _ answer: String) async throws {
        try script.write(contentsOf: Data("\(command)\n".utf8))
        try await expect(answer)
    }

    private func expect(_ answer: String) async throws {
        let script = script
        let line = await withCheckedContinuation { continuation in
            Thread.detachNewThread {
                var line: [UInt8] = []
                while let byte = try? script.read(upToCount: 1)?.first, byte != UInt8(ascii: "\n") {
                    line.append(byte)
                }
                continuation.resume(returning: String(decoding: line, as: UTF8.self))
            }
        }
        if line != answer {
            let log = (try? String(contentsOfFile: folder + "/log", encoding: .utf8)) ?? ""
            throw ClusterFailure("PostgreSQL said \"\(line)\" in place of \"\(answer)\": \(log.suffix(1000))")
        }
    }

    /// Does what it is told line by line, and cleans up when nobody can tell it anything any more.
    private static let script = """
        bin=$1 folder=$2 user=$3
        trap '' INT TERM HUP
        cd "$folder" || exit 1
        init() { $user "$bin/initdb" -D data -U earshot -A trust -N -E UTF8 "$@" >initdb.log 2>&1; }
        init --locale-provider=icu --icu-locale=en-US --locale=C.UTF-8 || { rm -rf data; init; } || exit 1
        start() {
            $user "$bin/pg_ctl" -D data -w -s -l log start </dev/null >/dev/null 2>&1 -o \\
                "-k '$folder' -c listen_addresses='' -c fsync=off -c max_connections=400 -c shared_buffers=64MB" || exit 1
            echo started
        }
        stop() { $user "$bin/pg_ctl" -D data -w -s -m immediate stop </dev/null >/dev/null 2>&1; }
        start
        while read -r command; do
            case $command in
            stop) stop; echo stopped ;;
            start) start ;;
            esac
        done
        stop
        cd / && rm -rf "$folder"
        """

    private static func programs() throws -> String {
        let root = "/usr/lib/postgresql"
        let versions = ((try? FileManager.default.contentsOfDirectory(atPath: root)) ?? []).compactMap { Int($0) }
        let path = (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":").map(String.init)
        for folder in versions.sorted(by: >).map({ "\(root)/\($0)/bin" }) + path
        where FileManager.default.isExecutableFile(atPath: folder + "/initdb") {
            return folder
        }
        throw ClusterFailure("PostgreSQL is not installed: scripts/setup.sh postgresql")
    }

    /// Starts a process whose input and output is ours.
    private static func spawn(_ arguments: [String]) throws -> FileHandle {
        var ends: [Int32] = [0, 0]
        // No other process may inherit our end: the script waits for ours to be the last.
        guard socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0, &ends) == 0 else {
            throw ClusterFailure("no pair of sockets")
        }
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_adddup2(&actions, ends[1], 0)
        posix_spawn_file_actions_adddup2(&actions, ends[1], 1)
        var strings = arguments.map { strdup($0) } + [nil]
        defer { for string in strings { free(string) } }
        var process: pid_t = 0
        let code = posix_spawnp(&process, arguments[0], &actions, nil, &strings, environ)
        Glibc.close(ends[1])
        guard code == 0 else { throw ClusterFailure("cannot run \(arguments[0])") }
        return FileHandle(fileDescriptor: ends[0], closeOnDealloc: true)
    }
}

struct ClusterFailure: Error, CustomStringConvertible {
    let description: String
    init(_ description: String) { self.description = description }
}
