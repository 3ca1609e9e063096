import ByteJSON
import Client
import Common
import CurlTransport
import Foundation
import Glibc

/// The released binary, as a process of its own on a new data folder.
final class ServerUnderTest {
    let url: String
    let transport = CurlTransport(policy: .any)
    /// From the start of the process to the first 200 of `/ready`, in seconds.
    let secondsToReady: Double
    private let binary: String
    /// The data folder.
    let data: String
    private let process: Process
    private let settings: [String: String]

    /// - Parameter settings: Of the environment, besides those that a measurement wants.
    init(binary: String, port: Int, settings: [String: String] = [:]) async throws {
        self.settings = settings
        self.binary = binary
        data = FileManager.default.temporaryDirectory.path + "/earshot-bench-\(UUID().uuidString)"
        url = "http://127.0.0.1:\(port)"
        process = Process()
        process.executableURL = URL(fileURLWithPath: binary)
        process.arguments = ["serve", "--data", data, "--port", String(port)]
        process.environment = ["EARSHOT_LOG_LEVEL": "error", "PATH": "/usr/bin:/bin"].merging(settings) { $1 }
        process.standardError = FileHandle(forWritingAtPath: "/dev/null")
        let begun = ContinuousClock.now
        try process.run()
        while true {
            if let response = try? await transport.send(OutgoingRequest("GET", url + "/ready")), response.status == 200
            {
                break
            }
            guard process.isRunning, ContinuousClock.now - begun < .seconds(30) else {
                throw BenchmarkFailure(what: "\(binary) serve did not become ready; is it built?")
            }
            try await Task.sleep(for: .milliseconds(2))
        }
        secondsToReady = (ContinuousClock.now - begun).inSeconds
    }

    func client(scopes: String = "manage,read,write") throws -> APIClient {
        let answer = try command([
            "token", "create", "--data", data, "--account", "Bench", "--scopes", scopes, "--json",
        ])
        guard let token = answer["token"]?.string else { throw BenchmarkFailure(what: "no token") }
        return APIClient(server: url, token: Secret(token), transport: transport)
    }

    func doctor() throws -> JSONValue { try command(["doctor", "--data", data, "--json"]) }

    private func command(_ arguments: [String]) throws -> JSONValue {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: binary)
        process.arguments = arguments
        process.environment = ProcessInfo.processInfo.environment.merging(settings) { $1 }
        let pipe = Pipe()
        process.standardOutput = pipe
        try process.run()
        let output = pipe.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        return try JSONDocument(parsing: Array(output)).root
    }

    /// Memory in use and the most ever used, in MiB.
    func memory() -> (now: Double, peak: Double) {
        let text = (try? String(contentsOfFile: "/proc/\(process.processIdentifier)/status", encoding: .utf8)) ?? ""
        func figure(_ name: String) -> Double {
            text.split(separator: "\n").first { $0.hasPrefix(name) }
                .flatMap { $0.split(separator: " ").dropLast().last.flatMap { Double($0) } }.map { $0 / 1024 } ?? 0
        }
        return (figure("VmRSS:"), figure("VmHWM:"))
    }

    /// CPU seconds that the process has used.
    func processorSeconds() -> Double {
        let text = (try? String(contentsOfFile: "/proc/\(process.processIdentifier)/stat", encoding: .utf8)) ?? ""
        let fields = text.split(separator: ")").last?.split(separator: " ").map(String.init) ?? []
        guard fields.count > 12, let user = Double(fields[11]), let system = Double(fields[12]) else { return 0 }
        return (user + system) / Double(sysconf(Int32(_SC_CLK_TCK)))
    }

    /// Values of one metric by the text of its labels.
    func metric(_ name: String) async throws -> [String: Double] {
        let response = try await transport.send(OutgoingRequest("GET", url + "/metrics"))
        var values: [String: Double] = [:]
        for line in String(decoding: response.body, as: UTF8.self).split(separator: "\n")
        where line.hasPrefix(name + "{") {
            let parts = line.split(separator: "}")
            guard parts.count == 2, let value = Double(parts[1].drop { $0 == " " }) else { continue }
            values[String(parts[0].dropFirst(name.count + 1))] = value
        }
        return values
    }

    func stop() async {
        await transport.shutdown()
        kill(process.processIdentifier, SIGTERM)
        process.waitUntilExit()
        try? FileManager.default.removeItem(atPath: data)
    }
}

struct BenchmarkFailure: Error, CustomStringConvertible {
    let what: String
    var description: String { what }
}

extension Duration {
    var inSeconds: Double { Double(components.seconds) + Double(components.attoseconds) / 1e18 }
}
