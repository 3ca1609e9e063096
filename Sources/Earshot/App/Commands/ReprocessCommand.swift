import ArgumentParser
import ByteJSON
import Client
import Common
import Foundation

/// `earshot reprocess`: has the raw events that are kept read again by the manifests, mappings and engines of now.
struct ReprocessCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "reprocess", abstract: "Read kept raw events again, after a mapping or an engine has changed.",
        discussion: """
            Examples: earshot reprocess --stream st_… --wait --token "$TOKEN"
                      earshot reprocess --workspace ws_… --token "$TOKEN"
                      earshot reprocess --token "$ADMIN_TOKEN"        everything that is kept
            Manifests are read when the server starts: restart it after a change of a file, then reprocess.
            Nothing is counted twice, and what cannot be read any more stays as it was.
            """)

    @Option(help: "Of this workspace.") var workspace: String?
    @Option(help: "Of this stream.") var stream: String?
    @Flag(help: "Wait until it is done.") var wait = false
    @Flag(help: "Print JSON.") var json = false
    @OptionGroup var server: ServerOptions

    func run() async throws {
        try await reportingErrors {
            let client = try server.client()
            var members: [String: JSON] = [:]
            members["workspace_id"] = workspace.map { .string($0) }
            members["stream_id"] = stream.map { .string($0) }
            var job = try await client.json("POST", "/v1/reprocess", body: .object(members))
            guard let id = job["job_id"]?.string else { throw ReprocessAnswerError() }
            while wait, job["status"]?.string == "running" {
                try await Task.sleep(for: .milliseconds(250))
                job = try await client.json("GET", "/v1/reprocess/\(id.percentEncoded)")
            }
            print(json ? String(decoding: job.raw, as: UTF8.self) : Self.sentence(job))
        }
    }

    private static func sentence(_ job: JSONValue) -> String {
        func number(_ name: String) -> String { (job[name]?.int64 ?? 0).formatted() }
        let id = job["job_id"]?.string ?? ""
        guard job["status"]?.string == "completed" else { return "\(id): \(number("events")) events are looked at" }
        var text = "\(id): of \(number("events_done")) events, \(number("emitted")) items were read again"
        if let failed = job["failed"]?.int64, failed > 0 {
            text += "\nnot read, and as they were before: \(number("failed"))"
            if let example = job["example_of_failure"]?.string { text += ", the last because \(example)" }
        }
        return text
    }
}

private struct ReprocessAnswerError: Error, CustomStringConvertible {
    var description: String { "the server named no job; is it of this version?" }
}
