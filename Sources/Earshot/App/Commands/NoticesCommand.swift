import ArgumentParser
import ByteJSON
import Client
import Common

/// `earshot notices`: what was told to whom.
struct NoticesCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "notices", abstract: "What was told to whom, and how the delivery went.",
        discussion: """
            Examples: earshot notices list --workspace ws_…
                      earshot notices show nt_…
                      earshot notices redeliver nt_…
            """,
        subcommands: [List.self, Show.self, Redeliver.self], defaultSubcommand: List.self)

    /// `earshot notices list`.
    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "List notices, the newest first.")

        @OptionGroup var options: ListOptions
        @Option(help: "To this address or channel.") var recipient: String?

        func run() async throws {
            try await reportingErrors {
                try await options.print("/v1/notices", member: "notices", [("recipient", recipient)]) {
                    NoticeOutput.line($0)
                }
            }
        }
    }

    /// `earshot notices show`.
    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Show one notice and each try to deliver it.")

        @OptionGroup var one: OneNotice

        func run() async throws {
            try await reportingErrors { NoticeOutput.print(try await one.ask("GET", ""), json: one.json) }
        }
    }

    /// `earshot notices redeliver`.
    struct Redeliver: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Send a notice once more, under the same id.")

        @OptionGroup var one: OneNotice

        func run() async throws {
            try await reportingErrors { NoticeOutput.print(try await one.ask("POST", "/redeliver"), json: one.json) }
        }
    }
}

/// Which notice a command is about.
struct OneNotice: ParsableArguments {
    @OptionGroup var server: ServerOptions
    @Argument(help: "The notice's id: nt_…") var id: String
    @Flag(help: "Print JSON.") var json = false

    func ask(_ method: String, _ verb: String) async throws -> JSONValue {
        try await server.client().json(method, "/v1/notices/\(id.percentEncoded)\(verb)")
    }
}

/// How commands show notices.
enum NoticeOutput {
    static func line(_ notice: JSONValue) -> String {
        ["notice_id", "state", "created_at", "recipient", "title", "reason"].compactMap { notice[$0]?.string }
            .joined(separator: "  ")
    }

    static func print(_ notice: JSONValue, json: Bool) {
        if json { return Swift.print(String(decoding: notice.raw, as: UTF8.self)) }
        Swift.print(line(notice))
        for attempt in notice["attempts"]?.elements.map({ $0 }) ?? [] {
            let took = "\(attempt["milliseconds"]?.int64 ?? 0) ms"
            Swift.print(
                "  "
                    + [attempt["at"]?.string, attempt["outcome"]?.string, took, attempt["reason"]?.string]
                    .compactMap { $0 }.joined(separator: "  "))
        }
    }
}
