public import Common
import Foundation
import Glibc

/// A PostgreSQL server of the tests' own, in a folder of its own, without a port: gone when the tests are.
///
/// The programs are those of the newest version under `/usr/lib/postgresql`, or on the path. They refuse to run as
/// root: then the user `postgres` runs them. The default collation is not that of bytes, as on most servers.
/// `EARSHOT_TEST_EXTENSION=timescaledb` has it load an extension that is installed.
public final class PostgresCluster: Sendable {
    /// The one of this process.
    public static func shared() async throws -> PostgresCluster { try await one.value }
    private static let one = Task { try await PostgresCluster() }

    /// How to connect.
    public let url: Secret
    private let folder: String
    /// Is told commands, and answers.
    private let script: ChildProcess

    /// A port on this machine where only TLS is spoken.
    public struct Encrypted: Sendable {
        let port: Int
        let certificate: String
        let key: String
    }

    /// - Parameter encrypted: A port beside the socket; nil is none.
    public init(encrypted: Encrypted? = nil) async throws {
        var path = Array((NSTemporaryDirectory() + "/earshot-pg-XXXXXX").utf8CString)
        guard mkdtemp(&path) != nil else { throw ProcessFailure("cannot make a folder for PostgreSQL") }
        folder = String(decoding: path.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        url = Secret("postgres://earshot@/postgres?host=\(folder)")
        var user = ""
        if getuid() == 0 {
            guard let owner = getpwnam("postgres"), chown(folder, owner.pointee.pw_uid, owner.pointee.pw_gid) == 0
            else {
                throw ProcessFailure("PostgreSQL does not run as root, and there is no user postgres")
            }
            user = "setpriv --reuid=postgres --regid=postgres --init-groups"
        }
        script = try ChildProcess(
            [
                "/bin/sh", "-c", Self.script, "sh", try Self.programs(), folder, user,
                ProcessInfo.processInfo.environment["EARSHOT_TEST_EXTENSION"] ?? "",
            ] + (encrypted.map { [String($0.port), $0.certificate, $0.key] } ?? []), hasChannel: true)
        try await expect("started")
    }

    /// Stops the server as a crash would.
    public func stop() async throws { try await tell("stop", "stopped") }

    /// Starts it again.
    public func start() async throws { try await tell("start", "started") }

    /// How a server is stopped.
    public enum Stop: String, Sendable, CaseIterable {
        /// Transactions are rolled back and sessions ended, in good order.
        case fast
        /// As a crash: it recovers when it starts again.
        case immediate
    }

    /// Stops the server and starts it again.
    public func restart(_ stop: Stop) async throws { try await tell("restart \(stop.rawValue)", "started") }

    private func tell(_ command: String, _ answer: String) async throws {
        try script.say(command)
        try await expect(answer)
    }

    private func expect(_ answer: String) async throws {
        let script = script
        let line = try await onAThread { script.hear() ?? "" }
        if line != answer {
            let log = (try? String(contentsOfFile: folder + "/log", encoding: .utf8)) ?? ""
            throw ProcessFailure("PostgreSQL said \"\(line)\" in place of \"\(answer)\": \(log.suffix(1000))")
        }
    }

    /// Does what it is told line by line, and cleans up when nobody can tell it anything any more.
    private static let script = """
        bin=$1 folder=$2 user=$3 extension=$4 port=$5
        trap '' INT TERM HUP
        cd "$folder" || exit 1
        init() { $user "$bin/initdb" -D data -U earshot -A trust -N -E UTF8 "$@" >initdb.log 2>&1; }
        init --locale-provider=icu --icu-locale=en-US --locale=C.UTF-8 || { rm -rf data; init; } || exit 1
        listen="-c listen_addresses=''"
        if [ -n "$port" ]; then
            cat "$6" >server.pem; cat "$7" >server.key
            chmod 600 server.key
            if [ -n "$user" ]; then chown postgres server.pem server.key; fi
            { echo 'local all all trust'; echo 'hostssl all all all trust'; } >data/pg_hba.conf
            listen="-c listen_addresses=127.0.0.1 -p $port -c ssl=on"
            listen="$listen -c ssl_cert_file='$folder/server.pem' -c ssl_key_file='$folder/server.key'"
        fi
        start() {
            $user "$bin/pg_ctl" -D data -w -s -l log start </dev/null >/dev/null 2>&1 -o \\
                "-k '$folder' $listen -c fsync=off -c max_connections=400 -c shared_buffers=64MB" || exit 1
        }
        stop() { $user "$bin/pg_ctl" -D data -w -s -m "$1" stop </dev/null >/dev/null 2>&1; }
        if [ -n "$extension" ]; then echo "shared_preload_libraries = '$extension'" >>data/postgresql.conf; fi
        start
        if [ -n "$extension" ]; then
            $user "$bin/psql" -h "$folder" -U earshot -d postgres -qc "CREATE EXTENSION IF NOT EXISTS $extension" \\
                </dev/null >/dev/null 2>&1 || exit 1
        fi
        echo started
        while read -r command mode; do
            case $command in
            stop) stop immediate; echo stopped ;;
            start) start; echo started ;;
            restart) stop "$mode"; start; echo started ;;
            esac
        done
        stop immediate
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
        throw ProcessFailure("PostgreSQL is not installed: scripts/setup.sh postgresql")
    }
}
