import ArgumentParser
import ByteJSON
import Client
import Common
import Foundation
import Glibc

/// How commands show jobs, reports among them.
enum JobOutput {
    static let ends: Set = ["COMPLETED", "FAILED", "CANCELLED", "EXPIRED"]

    static func line(_ job: JSONValue) -> String {
        func text(_ name: String) -> String { job[name]?.string ?? "" }
        let id = job["report_id"]?.string ?? text("job_id")
        let percent = "\(Int(((job["progress"]?.double ?? 0) * 100).rounded())) %"
        let format = job["format"]?.string.map { " (\($0))" } ?? ""
        let reason = ["COMPLETED", "RUNNING"].contains(text("state")) ? text("note") : text("reason")
        return [
            id, text("state").padding(toLength: 9, withPad: " ", startingAt: 0),
            String(repeating: " ", count: max(0, 5 - percent.count)) + percent, text("requested_at"),
            text("kind") + format, reason,
        ].joined(separator: "  ").trimmingCharacters(in: .whitespaces)
    }

    static func page(_ job: JSONValue) -> String {
        var lines = [line(job)]
        for step in job["history"]?.elements.map({ $0 }) ?? [] {
            let state = (step["state"]?.string ?? "").padding(toLength: 9, withPad: " ", startingAt: 0)
            lines.append("  \(step["at"]?.string ?? "")  \(state)  \(step["reason"]?.string ?? "")")
        }
        if let manifest = job["manifest"] {
            lines.append(
                "  \(manifest["rows"]?.int64 ?? 0) rows, \(manifest["bytes"]?.int64 ?? 0) bytes, SHA-256 \(manifest["sha256"]?.string ?? "")"
            )
        }
        return lines.joined(separator: "\n")
    }

    /// Asks until the job is over, and again for five minutes where the server is away; draws how far it is where a person
    /// watches.
    static func wait(_ path: String, _ client: APIClient, drawing: Bool) async throws -> JSONValue {
        let draws = drawing && isatty(STDERR_FILENO) == 1
        var pause = 50
        var known = false
        var failures = 0
        var failedSince: ContinuousClock.Instant?
        while true {
            let job: JSONValue
            do {
                job = try await client.json("GET", path)
                (failures, failedSince) = (0, nil)
            } catch let failure as APIFailure where failure.isTransient {
                // The first question may be to a wrong address; later ones are not.
                let since = failedSince ?? .now
                guard known, ContinuousClock.now - since < .seconds(300) else { throw failure }
                failedSince = since
                failures += 1
                try await Task.sleep(for: failure.pause(failures))
                continue
            }
            known = true
            if draws { FileHandle.standardError.write(Data(bar(job).utf8)) }
            if ends.contains(job["state"]?.string ?? "") {
                if draws { FileHandle.standardError.write(Data("\n".utf8)) }
                return job
            }
            try await Task.sleep(for: .milliseconds(pause))
            pause = min(1000, pause * 2)
        }
    }

    private static func bar(_ job: JSONValue) -> String {
        let progress = min(1, max(0, job["progress"]?.double ?? 0))
        let full = Int(progress * 30)
        let bar = String(repeating: "█", count: full) + String(repeating: "░", count: 30 - full)
        let note = (job["note"]?.string ?? job["state"]?.string ?? "").prefix(40)
        return "\r\u{1B}[K\(bar) \(Int(progress * 100)) %  \(note)"
    }

    static func print(_ job: JSONValue, json: Bool) {
        Swift.print(json ? String(decoding: job.raw, as: UTF8.self) : page(job))
    }
}

/// What all commands that list jobs take.
struct JobListOptions: ParsableArguments {
    @OptionGroup var list: ListOptions
    @Option(
        help: "In these states, separated by commas: requested, running, completed, failed, cancelled, expired.")
    var state: String?
}
