import ArgumentParser
import Client
import Common
import Foundation
import Reports

/// `earshot trace`: tells where a piece of feedback came from and what became of it.
struct TraceCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "trace", abstract: "Tell where a piece of feedback came from and what became of it.",
        discussion: "Example: earshot trace --token $TOKEN fb_…")

    @OptionGroup var server: ServerOptions
    @Argument(help: "The feedback's unique identifier.") var feedback: String
    @Flag(help: "Print JSON.") var json = false

    func run() async throws {
        try await reportingErrors {
            let answer = try await server.client().send("GET", "/v1/feedback/\(feedback.percentEncoded)/trace")
            if json { return print(String(decoding: answer.body, as: UTF8.self)) }
            print(text(of: try JSONDecoder().decode(FeedbackTrace.self, from: Data(answer.body))))
        }
    }

    private func text(of trace: FeedbackTrace) -> String {
        let facts: [(String, String?)] = [
            ("feedback", trace.id.rawValue), ("workspace", trace.workspaceID.rawValue),
            ("status", trace.status.rawValue), ("merged into", trace.mergedInto),
            ("cross-posts", trace.crossPosts.isEmpty ? nil : trace.crossPosts.joined(separator: ", ")),
            ("revision", "\(trace.revision), contents \(trace.contentHash)"), ("stream", trace.streamID?.rawValue),
            ("connector", trace.connector), ("came by", trace.how),
            ("engines", trace.engines.isEmpty ? nil : trace.engines.joined(separator: ", ")),
            (
                "raw event",
                trace.raw.map { "\($0.topic), partition \($0.partition), offset \($0.offset), item \($0.item)" }
            ),
        ]
        let steps = trace.steps.map { ($0.step, Optional($0.at.description)) }
        return (facts + steps).compactMap { name, value in
            value.map { name.padding(toLength: 14, withPad: " ", startingAt: 0) + $0 }
        }.joined(separator: "\n")
    }
}
