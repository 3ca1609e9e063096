import Foundation

/// A database of the benchmark's own on a server that is there for tests, made and dropped with it.
///
/// It is driven by `psql`, which has COPY.
struct ScratchDatabase {
    let url: String
    let hasTimescale: Bool
    private let server: String
    private let name: String

    /// The server that the environment names; nil, said aloud, if it names none.
    static func server() -> String? {
        let environment = ProcessInfo.processInfo.environment
        if let url = environment["EARSHOT_TEST_TIMESCALE"] ?? environment["EARSHOT_TEST_POSTGRES"] { return url }
        print("SKIPPED: neither EARSHOT_TEST_TIMESCALE=postgres://… nor EARSHOT_TEST_POSTGRES=… names a server")
        return nil
    }

    init(on server: String) throws {
        self.server = server
        name = "earshot_bench_" + UUID().uuidString.prefix(8).lowercased()
        guard var parts = URLComponents(string: server) else { throw BenchmarkFailure(what: "no URL: \(server)") }
        parts.path = "/" + name
        url = parts.string ?? server
        try Self.psql(server, ["-c", "CREATE DATABASE \(name)"])
        hasTimescale =
            try Self.psql(url, ["-c", "SELECT count(*) FROM pg_available_extensions WHERE name = 'timescaledb'"]) == "1"
        if hasTimescale { try run("CREATE EXTENSION timescaledb") }
    }

    func drop() throws { try Self.psql(server, ["-c", "DROP DATABASE \(name) WITH (FORCE)"]) }

    /// Runs statements in the schema of the reports, and hands back what the last one found.
    @discardableResult
    func run(_ statements: String...) throws -> String {
        try Self.psql(
            url,
            ["SET search_path = earshot_reports, public", "SET client_min_messages = error"].map { $0 + ";" }
                .flatMap { ["-c", $0] } + statements.flatMap { ["-c", $0] })
    }

    /// How long statements take one after the other on one connection, as their client sees them.
    func seconds(_ statements: [String]) throws -> Double {
        let output = try Self.psql(
            url,
            ["SET search_path = earshot_reports, public", "\\timing on"].flatMap { ["-c", $0] }
                + statements.flatMap { ["-c", $0] })
        let milliseconds = output.split(separator: "\n").compactMap { line -> Double? in
            let words = line.split(separator: " ")
            return words.count > 1 && words[0] == "Time:" ? Double(words[1]) : nil
        }
        guard milliseconds.count == statements.count else {
            throw BenchmarkFailure(what: "psql does not say how long it took: \(output.prefix(200))")
        }
        return milliseconds.reduce(0, +) / 1000
    }

    @discardableResult
    private static func psql(_ url: String, _ arguments: [String]) throws -> String {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = ["psql", "-X", "-q", "-At", "-v", "ON_ERROR_STOP=1", url] + arguments
        let pipe = Pipe()
        process.standardOutput = pipe
        try process.run()
        let output = pipe.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        guard process.terminationStatus == 0 else {
            throw BenchmarkFailure(what: "psql failed: \(arguments.joined(separator: " ").prefix(200))")
        }
        return String(decoding: output, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines)
    }
}
