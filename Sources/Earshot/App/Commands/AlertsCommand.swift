import ArgumentParser
import ByteJSON
import Client
import Common

/// `earshot alerts`: what was found by what is watched for.
struct AlertsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "alerts", abstract: "Rules that watch the feedback, and what they found.",
        discussion: """
            Examples: earshot alerts watch topic --workspace ws_… --notify ch_…
                      earshot alerts watch volume --workspace ws_… --factor 3 --hours 6
                      earshot alerts list --state open
                      earshot alerts acknowledge al_…
            """,
        subcommands: [List.self, Show.self, Acknowledge.self, Snooze.self, Rules.self, Watch.self, Unwatch.self],
        defaultSubcommand: List.self)

    /// `earshot alerts list`.
    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "List alerts, the newest first.")

        @OptionGroup var options: ListOptions
        @Option(help: "In these states, separated by commas: open, acknowledged, ended.") var state: String?

        func run() async throws {
            try await reportingErrors {
                try await options.print("/v1/alerts", member: "alerts", [("state", state)]) { AlertOutput.line($0) }
            }
        }
    }

    /// `earshot alerts show`.
    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Show one alert.")

        @OptionGroup var one: OneAlert

        func run() async throws {
            try await reportingErrors { AlertOutput.print(try await one.ask("GET"), json: one.json) }
        }
    }

    /// `earshot alerts acknowledge`.
    struct Acknowledge: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Say that somebody has seen it.")

        @OptionGroup var one: OneAlert

        func run() async throws {
            try await reportingErrors { AlertOutput.print(try await one.ask("POST", "/acknowledge"), json: one.json) }
        }
    }

    /// `earshot alerts snooze`.
    struct Snooze: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Do not tell it again for some hours, should it end and come back.")

        @OptionGroup var one: OneAlert
        @Option(help: "For how many hours.") var hours = 24

        func run() async throws {
            try await reportingErrors {
                let body: JSON = ["hours": .integer(Int64(hours))]
                AlertOutput.print(try await one.ask("POST", "/snooze", body: body), json: one.json)
            }
        }
    }

    /// `earshot alerts rules`.
    struct Rules: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "List what is watched for.")

        @OptionGroup var options: ListOptions

        func run() async throws {
            try await reportingErrors {
                try await options.print("/v1/alert-rules", member: "rules") { AlertOutput.rule($0) }
            }
        }
    }

    /// `earshot alerts watch`.
    struct Watch: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Have something watched for.")

        @OptionGroup var server: ServerOptions
        @Argument(help: "volume, sentiment, topic, silence or dead_letters.") var kind: String
        @Option(help: "The workspace's id.") var workspace: String
        @Option(help: "Hours that are compared with as many before.") var hours: Int?
        @Option(help: "Volume: how many times as much as before.") var factor: Double?
        @Option(help: "Sentiment: by how many points of net sentiment.") var drop: Double?
        @Option(help: "How much there must be at least.") var minimum: Int?
        @Option(help: "Hours in which one thing is not told again.") var throttleHours: Int?
        @Option(help: "Who is told: an address, or a channel's id; may be repeated.") var notify: [String] = []
        @Option(help: "A name for people.") var name: String?
        @Flag(help: "Print JSON.") var json = false

        func run() async throws {
            try await reportingErrors {
                var body: [String: JSON] = [
                    "workspace_id": .string(workspace), "kind": .string(kind),
                    "notify": .array(notify.map { .string($0) }),
                ]
                body["hours"] = hours.map { .integer(Int64($0)) }
                body["factor"] = factor.map { .double($0) }
                body["drop"] = drop.map { .double($0) }
                body["minimum"] = minimum.map { .integer(Int64($0)) }
                body["throttle_hours"] = throttleHours.map { .integer(Int64($0)) }
                body["name"] = name.map { .string($0) }
                let rule = try await server.client().json("POST", "/v1/alert-rules", body: .object(body))
                print(json ? String(decoding: rule.raw, as: UTF8.self) : AlertOutput.rule(rule))
            }
        }
    }

    /// `earshot alerts unwatch`.
    struct Unwatch: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Forget a rule and its alerts.")

        @OptionGroup var server: ServerOptions
        @Argument(help: "The rule's id: ar_…") var id: String

        func run() async throws {
            try await reportingErrors {
                try await server.client().send("DELETE", "/v1/alert-rules/\(id.percentEncoded)")
            }
        }
    }
}

/// Which alert a command is about.
struct OneAlert: ParsableArguments {
    @OptionGroup var server: ServerOptions
    @Argument(help: "The alert's id: al_…") var id: String
    @Flag(help: "Print JSON.") var json = false

    func ask(_ method: String, _ verb: String = "", body: JSON? = nil) async throws -> JSONValue {
        try await server.client().json(method, "/v1/alerts/\(id.percentEncoded)\(verb)", body: body)
    }
}

/// How commands show alerts.
enum AlertOutput {
    static func line(_ alert: JSONValue) -> String {
        ["alert_id", "state", "raised_at", "title", "text"].compactMap { alert[$0]?.string }.joined(separator: "  ")
    }

    static func rule(_ rule: JSONValue) -> String {
        ["rule_id", "state", "kind", "name", "snoozed_until"].compactMap { rule[$0]?.string }.joined(separator: "  ")
    }

    static func print(_ alert: JSONValue, json: Bool) {
        Swift.print(json ? String(decoding: alert.raw, as: UTF8.self) : line(alert))
    }
}
