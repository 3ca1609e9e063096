import ArgumentParser
import ByteJSON
import Client
import Common
import Demo
import Foundation
import Logging
import Reports
import UnixSignals

/// `earshot demo`: the product at work, in half a minute.
struct DemoCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "demo", abstract: "Show the product at work, and check every number it shows.",
        discussion: """
            Plays an invented product's customers: a forum is read page by page, an issue tracker's webhooks arrive
            signed, reviews and a survey come from files. Then it stays up, for you to ask.

            earshot demo --corpus ./recorded                 plays recorded feedback instead
            earshot demo --live https://forum.example.org    follows a public Discourse forum
            earshot demo --once --json                       ends with the figures as JSON
            """)

    @Option(help: "A folder of recorded feedback to play.") var corpus: String?
    @Option(help: "A public Discourse forum to follow.") var live: String?
    @Option(help: "The data folder; a temporary one by default.") var data: String?
    @Option(help: "The port to listen on; 0 lets the system choose.") var port = 0
    @Option(help: "How many items the invented world holds.") var items = 20_000
    @Option(help: "The invented world's seed.") var seed: UInt64 = 2026
    @Flag(help: "Do not stay up at the end.") var once = false
    @Flag(help: "Print the figures as JSON.") var json = false

    func validate() throws {
        if corpus != nil, live != nil { throw ValidationError("--corpus and --live exclude each other") }
        if let live, !live.hasPrefix("https://"), !live.hasPrefix("http://") {
            throw ValidationError("--live takes a forum's address, https://…, not `\(live)`")
        }
        if items < 100 { throw ValidationError("--items must be at least 100") }
    }

    func run() async throws {
        try await reportingErrors {
            let temporary = FileManager.default.temporaryDirectory.path + "/earshot-demo-\(UUID().uuidString)"
            let folder = data ?? temporary
            defer { if data == nil { try? FileManager.default.removeItem(atPath: temporary) } }
            var settings = try await Settings.read(data: folder)
            settings.port = port
            settings.logLevel = .error
            if live == nil {
                // a forum of our own, which may be asked as fast as it answers
                settings.allowedAddresses = ["127.0.0.0/8", "::1/128"]
                settings.keepsRequestBounds = false
            }
            let screen = DemoScreen(isQuiet: json)
            let run = DemoRun(programme: try programme(), settings: settings, screen: screen)
            try await run.run { outcome in
                if json {
                    print(outcome.json)
                } else {
                    try show(outcome)
                }
                if outcome.checks.contains(where: { !$0.holds }) {
                    for check in outcome.checks where !check.holds {
                        printError("\(check.name): found \(check.found), the truth is \(check.truth)")
                    }
                    throw ExitCode.failed
                }
                if !once { try await stayUp(outcome) }
            }
        }
    }

    private func programme() throws -> DemoRun.Programme {
        if let corpus { return .corpus(try Corpus(folder: corpus)) }
        if let live { return .live(url: live) }
        return .world(World.generate(seed: seed, items: items))
    }

    private func show(_ outcome: DemoRun.Outcome) throws {
        let books = outcome.books
        let report = try JSONDecoder().decode(InsightReport.self, from: Data(outcome.report))
        print(InsightReportText.render(report, width: min(terminalWidth, 110), colour: isTerminal))
        if let story = outcome.story {
            print("\nWhat was it about in the three weeks after release 4.2.0?\n")
            let report = try JSONDecoder().decode(InsightReport.self, from: Data(story))
            print(InsightReportText.render(report, width: min(terminalWidth, 110), colour: isTerminal))
        }
        print(
            """

            \(books.accepted) items were accepted in \(String(format: "%.1f", outcome.seconds)) s: \(books.stored) stored, \
            \(books.duplicate) known already, \(books.merged) cross-posts,
            \(books.filtered) filtered, \(books.dead) set aside as unreadable. One in, exactly one out.
            """)
        if !outcome.checks.isEmpty {
            let exact = outcome.checks.filter { $0.tolerance == 0 }
            print(
                "\(exact.filter(\.holds).count) of \(exact.count) counts equal the truth of the invented world; "
                    + "\(outcome.checks.filter(\.holds).count) of \(outcome.checks.count) figures hold with the engines' own."
            )
        }
    }

    private func stayUp(_ outcome: DemoRun.Outcome) async throws {
        print(
            """

            Still up. Ask it:

              export TOKEN=\(outcome.token.reveal())
              curl -H "Authorization: Bearer $TOKEN" '\(outcome.url)/GetInsightReports?workspace_id=\(outcome.workspace)&from=\(outcome.span.from)&to=\(outcome.span.to)&interval=week&group_by=topic'
              curl -H "Authorization: Bearer $TOKEN" '\(outcome.url)/v1/feedback?workspace_id=\(outcome.workspace)&sentiment=negative&limit=5'
              curl -N -H "Authorization: Bearer $TOKEN" '\(outcome.url)/v1/events'
              curl \(outcome.url)/metrics

            Ctrl-C ends it.
            """)
        fflush(nil)  // whoever reads this through a pipe sees it now, not when it ends
        for await _ in await UnixSignalsSequence(trapping: .sigint, .sigterm) { return }
    }
}

/// Columns of the terminal that standard output goes to; 100 where it goes elsewhere.
private var terminalWidth: Int {
    var size = winsize()
    return ioctl(STDOUT_FILENO, UInt(TIOCGWINSZ), &size) == 0 && size.ws_col > 0 ? Int(size.ws_col) : 100
}

private var isTerminal: Bool { isatty(STDOUT_FILENO) == 1 }

extension DemoRun.Outcome {
    /// The figures, and the report.
    var json: String {
        var w = JSONWriter()
        w.beginObject()
        w.member("accepted", books.accepted)
        w.member("stored", books.stored)
        w.member("duplicate", books.duplicate)
        w.member("merged", books.merged)
        w.member("filtered", books.filtered)
        w.member("dead", books.dead)
        w.member("in_flight", books.inFlight)
        w.member("balanced", books.balanced)
        w.member("seconds", (seconds * 1000).rounded() / 1000)
        w.member("workspace_id", workspace)
        if !checks.isEmpty {
            w.key("checks")
            w.beginArray()
            for check in checks {
                w.beginObject()
                w.member("name", check.name)
                w.member("truth", check.truth)
                w.member("found", check.found)
                w.member("tolerance", check.tolerance)
                w.member("holds", check.holds)
                w.endObject()
            }
            w.endArray()
        }
        w.key("report")
        w.raw(report)
        w.endObject()
        return String(decoding: w.bytes, as: UTF8.self)
    }
}
