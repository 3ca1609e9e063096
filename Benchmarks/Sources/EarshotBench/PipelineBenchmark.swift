import ArgumentParser
import ByteJSON
import Client
import Common
import CurlTransport
import Foundation

/// The whole: reviews imported over HTTP, through log, parser with all engines, and store.
struct PipelineBenchmark: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "pipeline", abstract: "Import reviews through the released binary: rate, parts, memory, freshness."
    )

    @Option(help: "The binary that `make build` made.") var earshot = ".build/release/earshot"
    @Option(help: "How many reviews.") var count = 200_000
    @Option(help: "The port to use.") var port = 18_431
    @Option(help: "Webhooks to time from POST to visible.") var probes = 100

    func run() async throws {
        let reviews = try Reviews(count: count)
        let server = try await ServerUnderTest(binary: earshot, port: port)
        do {
            try await measure(server, with: reviews)
        } catch {
            await server.stop()
            throw error
        }
        await server.stop()
    }

    private func measure(_ server: ServerUnderTest, with reviews: Reviews) async throws {
        let client = try server.client()
        let before = server.memory().now
        let answer = try await client.json(
            "POST", "/CreateWorkspace",
            body: [
                "name": "Bench",
                "feedback_entities": [
                    reviews.isRecorded
                        ? ["connector": "jsonl", "mapping": reviews.mapping] : ["connector": "jsonl"],
                    ["connector": "standard_webhook"],
                ],
            ])
        guard let workspace = answer["workspace_id"]?.string, let stream = answer["streams"]?[0]?["stream_id"]?.string
        else {
            throw BenchmarkFailure(what: "no workspace: \(String(decoding: answer.raw, as: UTF8.self))")
        }
        let begun = ContinuousClock.now
        let processor = server.processorSeconds()
        try await send(reviews.lines, to: stream, with: client)
        let sent = (ContinuousClock.now - begun).inSeconds
        try await settle(server)
        let seconds = (ContinuousClock.now - begun).inSeconds
        let used = server.processorSeconds() - processor
        let memory = server.memory()

        print(
            "\(grouped(Double(count))) \(reviews.isRecorded ? "recorded" : "invented") reviews of \(fixed(reviews.averageBytes, 0)) bytes, two processes on this machine"
        )
        var table = Table("figure", "measured", "wanted")
        table.add("feedback a second, POST to settled", grouped(Double(count) / seconds), "20,000")
        table.add("rows a second accepted (durable)", grouped(Double(count) / sent), "")
        table.add("CPU a feedback, µs", fixed(used / Double(count) * 1e6, 1), "100")
        table.add("start to ready, s", fixed(server.secondsToReady, 2), "1")
        table.add("memory at rest, MiB", fixed(memory.now, 0), "300")
        table.add("memory at most, MiB", fixed(memory.peak, 0), "300")
        table.add("memory before, MiB", fixed(before, 0), "")
        table.show()
        let busy = try await server.metric("earshot_stage_busy_seconds_total")
        let wait = try await server.metric("earshot_stage_wait_seconds_total")
        var stages = Table("stage", "busy s", "µs an item", "waiting s")
        for (labels, value) in busy.sorted(by: { $0.value > $1.value }) {
            stages.add(labels, fixed(value, 2), fixed(value / Double(count) * 1e6, 1), fixed(wait[labels] ?? 0, 1))
        }
        print("")
        stages.show()
        print("")
        try await freshness(workspace: workspace, stream: answer["streams"]?[1], client: client, server: server)
    }

    private func send(_ lines: [[UInt8]], to stream: String, with client: APIClient) async throws {
        let chunk = 5000
        try await withThrowingTaskGroup(of: Void.self) { group in
            var next = 0
            func add() {
                let first = next
                let body = Array(lines[first..<min(first + chunk, lines.count)].joined(separator: [0x0A])) + [0x0A]
                next += chunk
                group.addTask {
                    try await client.send(
                        "POST", "/v1/streams/\(stream)/imports",
                        query: [("key", "bench"), ("first_row", String(first + 1))],
                        body: body, contentType: "application/x-ndjson")
                }
            }
            while next < min(lines.count, 2 * chunk) { add() }
            while try await group.next() != nil { if next < lines.count { add() } }
        }
    }

    /// Waits until every item has met its fate, by the server's own counts; then the books must balance.
    private func settle(_ server: ServerUnderTest) async throws {
        let fates = [#"stage="parser",outcome="filtered""#, #"stage="parser",outcome="dead""#]
        while true {
            let items = try await server.metric("earshot_stage_items_total")
            let settled = items.filter { fates.contains($0.key) || $0.key.hasPrefix(#"stage="reports","#) }
            if settled.values.reduce(0, +) >= Double(count) { break }
            try await Task.sleep(for: .milliseconds(100))
        }
        let books = try server.doctor()
        guard books["balanced"]?.bool == true, books["at_rest"]?.bool == true else {
            throw BenchmarkFailure(what: "the books do not balance: \(books)")
        }
    }

    /// From POST to the number in GetInsightReports.
    private func freshness(workspace: String, stream: JSONValue?, client: APIClient, server: ServerUnderTest)
        async throws
    {
        guard probes > 0, let url = stream?["webhook_url"]?.string, let secret = stream?["webhook_secret"]?.string,
            let id = stream?["stream_id"]?.string
        else { return }
        var times: [Double] = []
        for number in 1...probes {
            let delivery = StandardDelivery(
                id: "msg_\(number)", text: "Probe number \(number) says that the app is fine.", secret: secret)
            let begun = ContinuousClock.now
            let response = try await server.transport.send(
                OutgoingRequest("POST", url, headers: delivery.headers, body: delivery.body))
            guard response.status == 202 else {
                throw BenchmarkFailure(what: "a probe was answered \(response.status)")
            }
            while true {
                let report = try await client.json(
                    "GET", "/GetInsightReports",
                    query: [
                        ("workspace_id", workspace), ("from", "2026-01-01"), ("to", "2036-01-01"), ("interval", "year"),
                        ("stream", id),
                    ])
                if report["totals"]?["feedback"]?.int64 ?? 0 >= Int64(number) { break }
            }
            times.append((ContinuousClock.now - begun).inSeconds * 1000)
        }
        times.sort()
        var table = Table("POST to visible in GetInsightReports", "ms", "wanted")
        table.add("p50", fixed(times[times.count / 2], 1), "")
        table.add("p99", fixed(times[min(times.count - 1, times.count * 99 / 100)], 1), "500")
        table.show()
    }
}
