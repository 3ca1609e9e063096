import ArgumentParser
import ByteJSON
import Client
import Common
import Foundation

/// `earshot channels`: the places outside that notices go to.
struct ChannelsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "channels", abstract: "Webhooks and chats that are told what happened.",
        discussion: """
            Examples: earshot channels new webhook --workspace ws_… --url https://example.org/hook
                      earshot channels new slack --workspace ws_… --url https://hooks.slack.com/services/…
                      earshot channels test ch_…
                      earshot channels rotate ch_…
            """,
        subcommands: [List.self, New.self, Test.self, Rotate.self, Enable.self, Delete.self],
        defaultSubcommand: List.self)

    /// `earshot channels list`.
    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "List channels, the newest first.")

        @OptionGroup var options: ListOptions

        func run() async throws {
            try await reportingErrors {
                try await options.print("/v1/channels", member: "channels") { ChannelOutput.line($0) }
            }
        }
    }

    /// `earshot channels new`.
    struct New: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Add a channel; the secret of a webhook is shown this once.")

        @OptionGroup var server: ServerOptions
        @Argument(help: "What kind: webhook, slack or teams.") var kind: String
        @Option(help: "The workspace's id.") var workspace: String
        @Option(help: "Where notices are sent.") var url: String
        @Option(help: "A name for people.") var name: String?
        @Flag(help: "Print JSON.") var json = false

        func run() async throws {
            try await reportingErrors {
                var body: [String: JSON] = [
                    "workspace_id": .string(workspace), "kind": .string(kind), "url": .string(url),
                ]
                body["name"] = name.map { .string($0) }
                ChannelOutput.print(
                    try await server.client().json("POST", "/v1/channels", body: .object(body)), json: json)
            }
        }
    }

    /// `earshot channels test`.
    struct Test: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Send a notice that says nothing else.")

        @OptionGroup var one: OneChannel

        func run() async throws {
            try await reportingErrors {
                let answer = try await one.ask("POST", "/test")
                print(one.json ? String(decoding: answer.raw, as: UTF8.self) : answer["notice_id"]?.string ?? "")
            }
        }
    }

    /// `earshot channels rotate`.
    struct Rotate: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Make a new secret; for a day, notices are signed with the one before as well.")

        @OptionGroup var one: OneChannel

        func run() async throws {
            try await reportingErrors {
                ChannelOutput.print(try await one.ask("POST", "/rotate-secret"), json: one.json)
            }
        }
    }

    /// `earshot channels enable`.
    struct Enable: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Send to a channel again that said it was gone.")

        @OptionGroup var one: OneChannel

        func run() async throws {
            try await reportingErrors { ChannelOutput.print(try await one.ask("POST", "/enable"), json: one.json) }
        }
    }

    /// `earshot channels delete`.
    struct Delete: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Forget a channel.")

        @OptionGroup var server: ServerOptions
        @Argument(help: "The channel's id: ch_…") var id: String

        func run() async throws {
            try await reportingErrors {
                try await server.client().send("DELETE", "/v1/channels/\(id.percentEncoded)")
            }
        }
    }
}

/// Which channel a command is about.
struct OneChannel: ParsableArguments {
    @OptionGroup var server: ServerOptions
    @Argument(help: "The channel's id: ch_…") var id: String
    @Flag(help: "Print JSON.") var json = false

    func ask(_ method: String, _ verb: String) async throws -> JSONValue {
        try await server.client().json(method, "/v1/channels/\(id.percentEncoded)\(verb)")
    }
}

/// How commands show channels.
enum ChannelOutput {
    static func line(_ channel: JSONValue) -> String {
        ["channel_id", "kind", "state", "host", "name", "reason"].compactMap { channel[$0]?.string }
            .joined(separator: "  ")
    }

    static func print(_ channel: JSONValue, json: Bool) {
        if json { return Swift.print(String(decoding: channel.raw, as: UTF8.self)) }
        Swift.print(line(channel))
        if let secret = channel["secret"]?.string { Swift.print("  secret: \(secret)") }
    }
}
