import ArgumentParser
import Client
import Common
import Foundation
import Reports

/// `earshot insights`: asks a server what customers said.
struct InsightsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "insights", abstract: "Ask what customers said in a time.",
        discussion: """
            Example: earshot insights --token $TOKEN --workspace ws_… --from 2021-01-01 --to 2021-02-20 \\
                       --group-by source,language --filter sentiment=negative --filter topic=login
            """)

    @OptionGroup var server: ServerOptions
    @Option(help: "The workspace's id.") var workspace: String
    @Option(help: "First day or instant; without it, thirty days before the end.") var from: String?
    @Option(help: "The day or instant after the last; without it, tomorrow.") var to: String?
    @Option(help: "hour, day, week, month, quarter or year.") var interval: String?
    @Option(help: "IANA time zone, such as Asia/Kolkata.") var timezone: String?
    @Option(help: "source, stream, language, sentiment, intent, topic, rating, product_version, platform, country.")
    var groupBy: String?
    @Option(help: "NAME=VALUE, as often as you like: any of the names of --group-by, or q for words of the text.")
    var filter: [String] = []
    @Flag(help: "Print JSON.") var json = false
    @Flag(help: "Print without colours.") var plain = false

    func validate() throws {
        for one in filter where !one.contains("=") {
            throw ValidationError("--filter \(one) is not NAME=VALUE, such as sentiment=negative")
        }
    }

    func run() async throws {
        try await reportingErrors {
            let answer = try await server.client().send("GET", "/GetInsightReports", query: query)
            if json { return print(String(decoding: answer.body, as: UTF8.self)) }
            let report = try JSONDecoder().decode(InsightReport.self, from: Data(answer.body))
            let width = ProcessInfo.processInfo.terminalWidth
            print(
                InsightReportText.render(report, width: min(width, 110), colour: !plain && isatty(STDOUT_FILENO) == 1))
        }
    }

    private var query: [(String, String)] {
        let named = [
            ("workspace_id", workspace), ("from", from), ("to", to), ("interval", interval), ("timezone", timezone),
            ("group_by", groupBy), ("compare", "previous_period"),
        ]
        return named.compactMap { name, value in value.map { (name, $0) } }
            + filter.map { one in
                let parts = one.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
                return (String(parts[0]), String(parts[1]))
            }
    }
}

extension ProcessInfo {
    /// Columns of the terminal; 88 if there is none.
    fileprivate var terminalWidth: Int {
        var size = winsize()
        guard ioctl(STDOUT_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else { return 88 }
        return Int(size.ws_col)
    }
}
