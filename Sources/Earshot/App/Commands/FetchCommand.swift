import ArgumentParser
import ByteJSON
import Client
import Common

/// `earshot fetch`: has a stream read now, and if asked waits until it is read.
struct FetchCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "fetch", abstract: "Read a stream now, or everything in it since a day.",
        discussion: """
            Example: earshot fetch st_… --wait --token "$TOKEN"
            Example: earshot fetch st_… --backfill-since 2021-01-01 --token "$TOKEN"
            """)

    @Argument(help: "The stream, st_….") var stream: String
    @Option(help: "Read everything since this day or instant again.") var backfillSince: String?
    @Flag(help: "Wait until the stream is read.") var wait = false
    @Flag(help: "Print JSON.") var json = false
    @OptionGroup var server: ServerOptions

    func run() async throws {
        try await reportingErrors {
            guard let id = StreamID(stream) else {
                throw ValidationError("`\(stream)` is no stream; it must look like st_…")
            }
            if let backfillSince, Timestamp(backfillSince) == nil {
                throw ValidationError("`\(backfillSince)` is no day such as 2021-01-01, and no instant")
            }
            let client = try server.client()
            let request: JSON = .object(backfillSince.map { ["backfill_since": .string($0)] } ?? [:])
            let asked = try await client.json("POST", "/v1/streams/\(id)/fetch", body: request)
            guard wait, let since = asked["requested_at"]?.string.flatMap({ Timestamp($0) }) else {
                print(json ? String(decoding: asked.raw, as: UTF8.self) : "\(id) will be read now")
                return
            }
            let status = try await outcome(of: id, since: since, client)
            print(json ? String(decoding: status.raw, as: UTF8.self) : Self.sentence(status, id))
            if status["status"]?.string == "failing" { throw ExitCode.failed }
        }
    }

    /// The stream's state once it was read, failed or has to wait for its quota.
    private func outcome(of id: StreamID, since: Timestamp, _ client: APIClient) async throws -> JSONValue {
        while true {
            let status = try await client.json("GET", "/v1/streams/\(id)/status")
            let caughtUp = status["caught_up_to"]?.string.flatMap { Timestamp($0) }
            switch status["status"]?.string {
            case "current" where caughtUp.map { $0 >= since } ?? false: return status
            case "failing", "waiting_for_quota", "paused", "listening": return status
            default: try await Task.sleep(for: .milliseconds(250))
            }
        }
    }

    private static func sentence(_ status: JSONValue, _ id: StreamID) -> String {
        let items = status["items_read"]?.int64 ?? 0
        let until = status["until"]?.string ?? "later"
        return switch status["status"]?.string {
        case "current": "\(id) is read up to \(status["caught_up_to"]?.string ?? "now"), \(items) items so far"
        case "waiting_for_quota": "\(id) waits for the provider's quota until \(until), \(items) items so far"
        case "failing":
            "\(id) cannot be read: \(status["reason"]?.string ?? "no reason given"); the next try is at \(until)"
        case "paused": "\(id) is paused"
        default: "\(id) is not polled: what there is, is pushed"
        }
    }
}
