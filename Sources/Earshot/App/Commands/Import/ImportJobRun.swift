import ArgumentParser
import ByteJSON
import Client
import Common
import Foundation

/// An import as a job of the server, as a command goes through it: send, look, start, watch.
struct ImportJobRun {
    let client: APIClient
    /// How long a server may be away.
    let patience: Duration
    let json: Bool

    private static let ends: Set = ["COMPLETED", "FAILED", "CANCELLED", "UNDONE", "PAUSED", "READY"]

    /// - Parameter input: nil is a file that the server fetches, from where the members say.
    func run(_ input: ImportInput?, _ members: [String: JSON], preview: Bool, dryRun: Bool) async throws {
        let size = input?.size
        guard input == nil || size != nil else { throw ValidationError("a file is sent that has a size") }
        var members = members
        members["size"] = size.map { .integer(Int64($0)) }
        let made = try await asked("POST", "/v1/imports", .object(members))
        let id = made["import_id"]?.string ?? ""
        if made["state"]?.string == "UPLOADING", let input, let size {
            var line = ProgressLine(total: size, isShown: isWatched)
            defer { line.clear() }
            try await FileSender(client: client, import: id, patience: patience).run(
                size: size, read: { try input.read(at: $0, $1) },
                report: { line.show(bytes: $0.bytes, rows: nil, trouble: $0.trouble) })
        }
        let path = "/v1/imports/\(id)"
        if input == nil {
            let fetched = try await watch(path, size: nil)
            guard fetched["state"]?.string != "FAILED" || fetched["size"] != nil else {
                print(json ? String(decoding: fetched.raw, as: UTF8.self) : ImportText.outcome(fetched, dryRun: false))
                throw ExitCode.failed
            }
        }
        if preview {
            let shown = try await client.json("GET", path + "/preview")
            print(json ? String(decoding: shown.raw, as: UTF8.self) : ImportText.preview(shown))
            if !json { print("nothing is imported yet; without --preview, \(id) goes on") }
            return
        }
        let state = try await asked("GET", path)["state"]?.string ?? ""
        if state == "READY" || state == "PAUSED" || state == "FAILED" {
            try await client.send(
                "POST", path + "/start", body: dryRun ? JSON.object(["dry_run": true]).bytes : [])
        }
        let outcome = try await watch(path, size: size)
        print(json ? String(decoding: outcome.raw, as: UTF8.self) : ImportText.outcome(outcome, dryRun: dryRun))
        let end = outcome["state"]?.string
        guard end == "COMPLETED" || dryRun && end == "READY" else { throw ExitCode.failed }
    }

    func undo(_ id: String) async throws {
        let path = "/v1/imports/\(id)"
        if try await asked("GET", path)["state"]?.string != "UNDOING" { try await client.send("POST", path + "/undo") }
        let outcome = try await watch(path, size: nil)
        print(
            json
                ? String(decoding: outcome.raw, as: UTF8.self)
                : "\((outcome["withdrawn"]?.int64 ?? 0).formatted()) rows of \(id) are withdrawn"
                    + (outcome["reason"]?.string.map { "; \($0)" } ?? ""))
        guard outcome["state"]?.string == "UNDONE" else { throw ExitCode.failed }
    }

    /// Asks until the import rests; draws how far it is where a person watches.
    private func watch(_ path: String, size: Int?) async throws -> JSONValue {
        var line = ProgressLine(total: size, isShown: isWatched)
        defer { line.clear() }
        var pause = 50
        while true {
            let told = try await asked("GET", path)
            line.show(
                bytes: Int(told["bytes"]?.int64 ?? 0), rows: Int(told["rows"]?.int64 ?? 0),
                trouble: told["trouble"]?.string)
            if Self.ends.contains(told["state"]?.string ?? "") { return told }
            try await Task.sleep(for: .milliseconds(pause))
            pause = min(500, pause * 2)
        }
    }

    /// An answer, however long the server is away, within patience.
    private func asked(_ method: String, _ path: String, _ body: JSON? = nil) async throws -> JSONValue {
        let begun = ContinuousClock.now
        var failures = 0
        while true {
            do {
                return try await client.json(method, path, body: body)
            } catch let failure as APIFailure where failure.isTransient {
                guard ContinuousClock.now - begun < patience else { throw failure }
                failures += 1
                try await Task.sleep(for: failure.pause(failures))
            }
        }
    }

    private var isWatched: Bool { !json && isatty(STDERR_FILENO) == 1 }
}

/// What a command says of an import.
enum ImportText {
    static func preview(_ preview: JSONValue) -> String {
        let dialect = preview["dialect"]
        var form = [dialect?["format"]?.string ?? "", preview["encoding"]?.string ?? ""]
        if let separator = dialect?["separator"]?.string { form.append("separator \(separator)") }
        if dialect?["header"]?.bool == false { form.append("no header") }
        if let packing = preview["packing"]?.string, packing != "none" { form.append(packing) }
        var lines = [form.filter { !$0.isEmpty }.joined(separator: ", ")]
        let guessed = Set(preview["guessed"]?.elements.compactMap(\.string) ?? [])
        for (field, value) in preview["mapping"]?.members.map({ ($0.name, $0.value) }) ?? [] {
            let source = value.string ?? String(decoding: value.raw, as: UTF8.self)
            lines.append("  \(field) = \(source)\(guessed.contains(field) ? "  (guessed)" : "")")
        }
        for row in preview["shown"]?.elements.map({ $0 }) ?? [] {
            let number = row["row"]?.int64 ?? 0
            if let reason = row["malformed"]?.string ?? row["filtered"]?.string {
                lines.append("row \(number): \(reason)")
                continue
            }
            let item = row["item"]
            let facts = ["created_at", "rating", "author_name", "title"].compactMap { name in
                item?[name].map { "\(name) \($0.string ?? String(decoding: $0.raw, as: UTF8.self))" }
            }
            let text = (item?["text"]?.string ?? "").split(whereSeparator: \.isNewline).joined(separator: " ")
            lines.append("row \(number): \((facts + [String(text.prefix(100))]).joined(separator: " · "))")
        }
        lines.append("\(preview["good"]?.int64 ?? 0) of the first \(preview["rows"]?.int64 ?? 0) rows can be read")
        return lines.joined(separator: "\n")
    }

    static func outcome(_ told: JSONValue, dryRun: Bool) -> String {
        let id = told["import_id"]?.string ?? ""
        let counts = dryRun ? told["check"] ?? told : told
        let (rows, accepted) = (counts["rows"]?.int64 ?? 0, counts["accepted"]?.int64 ?? 0)
        let bad = counts["bad"]?.int64 ?? 0
        var text: String
        if dryRun {
            text = "\(accepted.formatted()) of \(rows.formatted()) rows would be taken in; \(id)"
        } else {
            let seconds = ProgressLine.time(told["seconds"]?.double ?? 0)
            let rate = (told["rows_per_second"]?.int64 ?? 0).formatted()
            text =
                "\(id) \(told["state"]?.string ?? ""): \(accepted.formatted()) of \(rows.formatted()) rows in \(seconds), \(rate) a second"
        }
        if bad > 0 {
            text += "\n\(bad.formatted()) rows cannot be read; they are at /v1/imports/\(id)/bad-rows"
        }
        if let reason = told["reason"]?.string { text += "\n\(reason)" }
        return text
    }
}
