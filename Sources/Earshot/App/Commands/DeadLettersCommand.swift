import ArgumentParser
import ByteJSON
import Client
import Common
import Foundation

/// `earshot dead-letters`: what could not be parsed or stored, why, and another try.
struct DeadLettersCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "dead-letters", abstract: "List, show, replay and drop what could not be parsed.",
        discussion: """
            Examples: earshot dead-letters list --token T --workspace ws_…
                      earshot dead-letters show dl_… --token T
                      earshot dead-letters replay dl_… --payload mended.json --token T
                      earshot dead-letters replay --all --workspace ws_… --token T
                      earshot dead-letters drop --all --stream st_… --token T
            """,
        subcommands: [List.self, Show.self, Replay.self, DropDeadLetters.self], defaultSubcommand: List.self)

    /// `earshot dead-letters list`.
    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "List dead letters, the latest first.")

        @OptionGroup var server: ServerOptions
        @OptionGroup var filter: DeadLetterFilter
        @Option(help: "Those that were replayed (true), or were not (false).") var replayed: Bool?
        @Option(help: "How many at most.") var limit = 20
        @Flag(help: "Print JSON, one dead letter a line.") var json = false

        func validate() throws {
            if limit < 1 { throw ValidationError("--limit must be at least 1") }
        }

        func run() async throws {
            try await reportingErrors {
                let client = try server.client()
                var shown = 0
                var cursor: String?
                repeat {
                    var query = filter.query + [("limit", String(min(100, limit - shown)))]
                    if let replayed { query.append(("replayed", String(replayed))) }
                    if let cursor { query.append(("cursor", cursor)) }
                    let page = try await client.json("GET", "/v1/dead-letters", query: query)
                    for letter in page["dead_letters"]?.elements.map({ $0 }) ?? [] {
                        print(json ? String(decoding: letter.raw, as: UTF8.self) : letter.line)
                        shown += 1
                    }
                    cursor = page["next_cursor"]?.string
                    if cursor == nil || shown >= limit, !json { print("\(shown) of \(page["total"]?.int64 ?? 0)") }
                } while cursor != nil && shown < limit
            }
        }
    }

    /// `earshot dead-letters show`.
    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Show one dead letter with its original.")

        @OptionGroup var server: ServerOptions
        @Argument(help: "The dead letter's id: dl_…") var id: String
        @Flag(help: "Print JSON.") var json = false

        func run() async throws {
            try await reportingErrors {
                let letter = try await server.client().json("GET", "/v1/dead-letters/\(id.percentEncoded)")
                print(json ? String(decoding: letter.raw, as: UTF8.self) : letter.page)
            }
        }
    }

    /// `earshot dead-letters replay`.
    struct Replay: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Send dead letters through again, mended if need be.",
            discussion: "A delivery with several items goes back whole; the items that went well count as duplicates.")

        @OptionGroup var server: ServerOptions
        @OptionGroup var filter: DeadLetterFilter
        @Argument(help: "The dead letters' ids.") var ids: [String] = []
        @Flag(help: "All that match the filter and were not replayed yet.") var all = false
        @Option(help: "A file with the mended payload; - is standard input. For one id.") var payload: String?
        @Flag(help: "Print JSON.") var json = false

        func validate() throws {
            guard all != !ids.isEmpty else { throw ValidationError("name dead letters, or say --all") }
            if payload != nil, ids.count != 1 { throw ValidationError("--payload goes with one id") }
        }

        func run() async throws {
            try await reportingErrors {
                let replayed = all ? try await replayAll() : try await replayNamed()
                print(json ? #"{"replayed":\#(replayed)}"# : "\(replayed) back on the log")
            }
        }

        private func replayNamed() async throws -> Int {
            let body = try payload.map { try Self.body(of: $0) }
            for id in ids {
                try await server.client().send(
                    "POST", "/v1/dead-letters/\(id.percentEncoded)/replay", body: body?.bytes ?? [])
            }
            return ids.count
        }

        private func replayAll() async throws -> Int {
            var members = Dictionary(filter.query.map { ($0.0, JSON.string($0.1)) }, uniquingKeysWith: { $1 })
            var replayed = 0
            while true {
                let answer = try await server.client().json("POST", "/v1/dead-letters/replay", body: .object(members))
                let count = Int(answer["replayed"]?.int64 ?? 0)
                replayed += count
                for refusal in answer["refused"]?.elements.map({ $0 }) ?? [] { printError(refusal.string ?? "") }
                members["until"] = answer["until"].map(JSON.init)
                if count == 0 || answer["remaining"]?.int64 == 0 { return replayed }
            }
        }

        private static func body(of file: String) throws -> JSON {
            let data =
                file == "-"
                ? try FileHandle.standardInput.readToEnd() ?? Data()
                : try Data(contentsOf: URL(fileURLWithPath: file))
            return ["payload": .string(String(decoding: data, as: UTF8.self))]
        }
    }
}

/// `earshot dead-letters drop`.
struct DropDeadLetters: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "drop", abstract: "Forget dead letters that nobody wants any more, with their originals.",
        discussion: "Alerts count them no more; `earshot doctor` still does.")

    @OptionGroup var server: ServerOptions
    @OptionGroup var filter: DeadLetterFilter
    @Argument(help: "The dead letters' ids.") var ids: [String] = []
    @Flag(help: "All that match the filter and were not replayed.") var all = false
    @Flag(help: "Print JSON.") var json = false

    func validate() throws {
        guard all != !ids.isEmpty else { throw ValidationError("name dead letters, or say --all") }
    }

    func run() async throws {
        try await reportingErrors {
            let dropped = all ? try await dropAll() : try await dropNamed()
            print(json ? #"{"dropped":\#(dropped)}"# : "\(dropped) dropped")
        }
    }

    private func dropNamed() async throws -> Int {
        for id in ids { try await server.client().send("DELETE", "/v1/dead-letters/\(id.percentEncoded)") }
        return ids.count
    }

    private func dropAll() async throws -> Int {
        var members = Dictionary(filter.query.map { ($0.0, JSON.string($0.1)) }, uniquingKeysWith: { $1 })
        var dropped = 0
        while true {
            let answer = try await server.client().json("POST", "/v1/dead-letters/drop", body: .object(members))
            let count = Int(answer["dropped"]?.int64 ?? 0)
            dropped += count
            members["until"] = answer["until"].map(JSON.init)
            if count == 0 || answer["remaining"]?.int64 == 0 { return dropped }
        }
    }
}

/// Which dead letters a command is about.
struct DeadLetterFilter: ParsableArguments {
    @Option(help: "Of this workspace.") var workspace: String?
    @Option(help: "Of this stream.") var stream: String?
    @Option(help: "That failed at this stage: receive, normalise, annotate or store.") var stage: String?

    var query: [(String, String)] {
        [("workspace_id", workspace), ("stream_id", stream), ("stage", stage)].compactMap { name, value in
            value.map { (name, $0) }
        }
    }
}

extension JSONValue {
    /// A dead letter in one line.
    fileprivate var line: String {
        let mark = self["replayed_at"] == nil ? " " : "✓"
        return "\(text("id")) \(mark) \(text("at"))  \(text("stage"))  \(text("reason"))"
    }

    /// A dead letter with all there is.
    fileprivate var page: String {
        var lines: [String] = []
        for member in members where member.name != "headers" && !member.name.hasPrefix("payload") {
            let name = member.name.padding(toLength: 14, withPad: " ", startingAt: 0)
            lines.append(name + (member.value.string ?? String(decoding: member.value.raw, as: UTF8.self)))
        }
        for header in self["headers"]?.members.map({ $0 }) ?? [] {
            lines.append("  \(header.name): \(header.value.string ?? "")")
        }
        lines.append("")
        lines.append(self["payload"]?.string ?? self["payload_base64"]?.string ?? "(no payload)")
        return lines.joined(separator: "\n")
    }

    private func text(_ name: String) -> String { self[name]?.string ?? "" }
}
