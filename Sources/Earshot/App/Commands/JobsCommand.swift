import ArgumentParser
import ByteJSON
import Client
import Common
import Foundation

/// `earshot jobs`: what the server does later or slowly.
struct JobsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "jobs", abstract: "List, show, retry and cancel jobs.",
        discussion: """
            Examples: earshot jobs list --state running,requested
                      earshot jobs show job_…
                      earshot jobs retry job_…
            """,
        subcommands: [List.self, Show.self, Retry.self, Cancel.self], defaultSubcommand: List.self)

    /// `earshot jobs list`.
    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "List jobs, the newest first.")

        @OptionGroup var options: JobListOptions
        @Option(help: "Of this kind.") var kind: String?

        func run() async throws {
            try await reportingErrors {
                try await options.list.print(
                    "/v1/jobs", member: "jobs", [("state", options.state), ("kind", kind)], JobOutput.line)
            }
        }
    }

    /// `earshot jobs show`.
    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Show one job and what happened to it.")

        @OptionGroup var one: OneJob

        func run() async throws {
            try await reportingErrors {
                JobOutput.print(
                    try await one.server.client().json("GET", "/v1/jobs/\(one.id.percentEncoded)"), json: one.json)
            }
        }
    }

    /// `earshot jobs retry`.
    struct Retry: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Have a job tried again that ended without success; steps that are done stay done.")

        @OptionGroup var one: OneJob

        func run() async throws { try await reportingErrors { try await one.post("retry") } }
    }

    /// `earshot jobs cancel`.
    struct Cancel: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "End a job; what it did is undone where it can be.")

        @OptionGroup var one: OneJob

        func run() async throws { try await reportingErrors { try await one.post("cancel") } }
    }
}

/// Which job a command is about.
struct OneJob: ParsableArguments {
    @OptionGroup var server: ServerOptions
    @Argument(help: "The job's id: job_…") var id: String
    @Flag(help: "Print JSON.") var json = false

    func post(_ verb: String) async throws {
        JobOutput.print(try await server.client().json("POST", "/v1/jobs/\(id.percentEncoded)/\(verb)"), json: json)
    }
}
