import ArgumentParser
import ByteJSON
import Client
import Common

/// `earshot schedules`: reports that are made again and again.
struct SchedulesCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "schedules", abstract: "Reports that are made again and again, and sent.",
        discussion: """
            Examples: earshot schedules new insight_summary --workspace ws_… --cron '0 8 * * MON' \\
                          --timezone Europe/Berlin --period previous_week --notify ann@example.org --skip-if-empty
                      earshot schedules test sc_… --notify me@example.org
                      earshot schedules pause sc_…
            """,
        subcommands: [List.self, New.self, Show.self, Test.self, Pause.self, Resume.self, Delete.self],
        defaultSubcommand: List.self)

    /// `earshot schedules list`.
    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "List schedules, the newest first.")

        @OptionGroup var options: ListOptions

        func run() async throws {
            try await reportingErrors {
                try await options.print("/v1/schedules", member: "schedules") { ScheduleOutput.line($0) }
            }
        }
    }

    /// `earshot schedules new`.
    struct New: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Have a report made again and again.")

        @OptionGroup var server: ServerOptions
        @Argument(help: "What kind of report.") var kind: String
        @Option(help: "The workspace's id.") var workspace: String
        @Option(help: "When, as crontab has it: '0 8 * * MON'.") var cron: String
        @Option(help: "The clock that this is by: Europe/Berlin.") var timezone = "UTC"
        @Option(help: "Of what time: previous_day, previous_week, previous_month, last_7_days, …") var period: String
        @Option(help: "Of the file.") var format = "html"
        @Option(help: "name=value of a filter or another parameter; may be repeated.") var filter: [String] = []
        @Option(help: "Who is told: an address, or a channel's id; may be repeated.") var notify: [String] = []
        @Flag(help: "Tell nobody where nothing was said.") var skipIfEmpty = false
        @Option(help: "A name for people.") var name: String?
        @Flag(help: "Print JSON.") var json = false

        func validate() throws {
            for one in filter where !one.contains("=") { throw ValidationError("--filter \(one) is not name=value") }
        }

        func run() async throws {
            try await reportingErrors {
                var report: [String: JSON] = [
                    "kind": .string(kind), "format": .string(format), "period": .string(period),
                ]
                for one in filter {
                    let parts = one.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
                    report[String(parts[0])] = .array(
                        (report[String(parts[0])]?.array ?? []) + [.string(String(parts[1]))])
                }
                var body: [String: JSON] = [
                    "workspace_id": .string(workspace), "cron": .string(cron), "timezone": .string(timezone),
                    "report": .object(report), "notify": .array(notify.map { .string($0) }),
                    "skip_if_empty": .bool(skipIfEmpty),
                ]
                body["name"] = name.map { .string($0) }
                ScheduleOutput.print(
                    try await server.client().json("POST", "/v1/schedules", body: .object(body)), json: json)
            }
        }
    }

    /// `earshot schedules show`.
    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Show one schedule and how it went last.")

        @OptionGroup var one: OneSchedule

        func run() async throws {
            try await reportingErrors { ScheduleOutput.print(try await one.ask("GET"), json: one.json) }
        }
    }

    /// `earshot schedules test`.
    struct Test: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Have the report made and sent now, to its people or to those named here.")

        @OptionGroup var one: OneSchedule
        @Option(help: "Who is told in their place; may be repeated.") var notify: [String] = []

        func run() async throws {
            try await reportingErrors {
                let body: JSON = notify.isEmpty ? [:] : ["notify": .array(notify.map { .string($0) })]
                let answer = try await one.ask("POST", "/test", body: body)
                print(one.json ? String(decoding: answer.raw, as: UTF8.self) : answer["report_id"]?.string ?? "")
            }
        }
    }

    /// `earshot schedules pause`.
    struct Pause: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Let a schedule rest.")

        @OptionGroup var one: OneSchedule

        func run() async throws {
            try await reportingErrors {
                ScheduleOutput.print(try await one.ask("PATCH", body: ["state": "paused"]), json: one.json)
            }
        }
    }

    /// `earshot schedules resume`.
    struct Resume: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Let a schedule go on; what it missed is left out.")

        @OptionGroup var one: OneSchedule

        func run() async throws {
            try await reportingErrors {
                ScheduleOutput.print(try await one.ask("PATCH", body: ["state": "active"]), json: one.json)
            }
        }
    }

    /// `earshot schedules delete`.
    struct Delete: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Forget a schedule; its reports stay.")

        @OptionGroup var server: ServerOptions
        @Argument(help: "The schedule's id: sc_…") var id: String

        func run() async throws {
            try await reportingErrors {
                try await server.client().send("DELETE", "/v1/schedules/\(id.percentEncoded)")
            }
        }
    }
}

/// Which schedule a command is about.
struct OneSchedule: ParsableArguments {
    @OptionGroup var server: ServerOptions
    @Argument(help: "The schedule's id: sc_…") var id: String
    @Flag(help: "Print JSON.") var json = false

    func ask(_ method: String, _ verb: String = "", body: JSON? = nil) async throws -> JSONValue {
        try await server.client().json(method, "/v1/schedules/\(id.percentEncoded)\(verb)", body: body)
    }
}

/// How commands show schedules.
enum ScheduleOutput {
    static func line(_ schedule: JSONValue) -> String {
        let parts = ["schedule_id", "state", "cron", "timezone", "next_at", "name", "last_reason"]
        return parts.compactMap { schedule[$0]?.string }.joined(separator: "  ")
    }

    static func print(_ schedule: JSONValue, json: Bool) {
        Swift.print(json ? String(decoding: schedule.raw, as: UTF8.self) : line(schedule))
    }
}
