import ArgumentParser
import Client
import Common
import Foundation
import Logging
import ServiceKit
import Workspace

/// `earshot doctor`: whether the books balance and the parts are well.
struct DoctorCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "doctor",
        abstract: "Check that every accepted item is accounted for, and that all parts are well.",
        discussion: """
            Example: earshot doctor --data ./data --json
            Works whether or not a server has the data folder. Exit code 1 says that something is wrong.
            """)

    @Option(help: "The data folder.") var data: String?
    @Option(help: "A settings file (YAML).") var config: String?
    @Flag(help: "Recompute every rollup from the rows as well.") var deep = false
    @Flag(help: "Print JSON.") var json = false

    func run() async throws {
        try await reportingErrors {
            // The books are of all roles, whichever of them this machine runs
            let settings = try await Settings.read(
                file: config, data: data, roles: RoleName.allCases.map(\.rawValue))
            guard FileManager.default.fileExists(atPath: settings.data) else {
                throw SettingsError("data", "no folder \(settings.data); `earshot serve --data` makes one")
            }
            let diagnosis = try await diagnose(settings)
            print(json ? try diagnosis.json() : diagnosis.text)
            if !diagnosis.isHealthy { throw ExitCode.failed }
        }
    }

    private func diagnose(_ settings: Settings) async throws -> Diagnosis {
        let folder = try DataFolder(settings.data)
        if let claim = folder.claim() {
            let platform = try await Assembly(
                settings: settings, folder: folder, logger: .standardError(level: .warning))
            let diagnosis = try await Diagnosis(platform, deep: deep)
            await platform.close()
            withExtendedLifetime(claim) {}
            return diagnosis
        }
        guard let url = folder.announcedURL() else {
            throw SettingsError(
                "data", "a server has \(folder.path) and does not say where it listens; try again in a moment")
        }
        let client = APIClient(
            server: url,
            token: try await AccessTokens(settings: settings, folder: folder).make(
                account: WorkspaceRole.firstAccount, purpose: "doctor", scopes: [.admin], days: 1
            ).token,
            transport: Assembly.clientTransport())
        let answer = try await client.send("GET", "/v1/doctor", query: deep ? [("deep", "true")] : [])
        return try JSONDecoder().decode(Diagnosis.self, from: Data(answer.body))
    }
}

extension Diagnosis {
    func json() throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys]
        var object = try JSONSerialization.jsonObject(with: encoder.encode(self)) as? [String: Any] ?? [:]
        // the books stand at the top level as well, where scripts look for them
        if let books = object["books"] as? [String: Any] { object.merge(books) { mine, _ in mine } }
        object["healthy"] = isHealthy
        return String(
            decoding: try JSONSerialization.data(
                withJSONObject: object, options: [.sortedKeys, .withoutEscapingSlashes]),
            as: UTF8.self)
    }

    var text: String {
        let rows: [(String, Int)] = [
            ("accepted", books.accepted), ("stored", books.stored), ("duplicate", books.duplicate),
            ("merged", books.merged), ("filtered", books.filtered), ("dead", books.dead), ("in flight", books.inFlight),
        ]
        var lines = rows.map { name, count in
            name.padding(toLength: 12, withPad: " ", startingAt: 0)
                + String(repeating: " ", count: max(0, 12 - String(count).count)) + String(count)
        }
        lines.append(books.balanced ? "one in, exactly one out: the books balance" : "THE BOOKS DO NOT BALANCE")
        lines += books.disagreements.map { "  - " + $0 }
        if !log.available { lines.append("the event log takes nothing: \(log.reason ?? "unknown")") }
        if let mismatches {
            lines.append(
                mismatches.isEmpty
                    ? "every rollup and summary equals its rows"
                    : "\(mismatches.count) ROLLUPS OR SUMMARIES DIFFER FROM THEIR ROWS")
            lines += mismatches.prefix(10).map { "  - \($0)" }
        }
        lines.append("\(workspaces) workspaces, \(streams) streams")
        return lines.joined(separator: "\n")
    }
}
