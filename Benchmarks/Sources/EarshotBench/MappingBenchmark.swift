import ArgumentParser
import ByteJSON
import Common
import Connectors
import Foundation

/// Normalising recorded payloads beside a bare scan of their bytes.
///
/// Normalising is what the parser does with a raw event before it cleans the text: read the record's headers and bytes,
/// split the payload, map each item. The scan only validates and indexes the same bytes.
struct MappingBenchmark: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "mapping", abstract: "Normalise recorded payloads: times a bare scan of the same bytes.")

    @Option(help: "How often each way is timed.") var repetitions = 21
    @Option(help: "Only payloads in whose name this occurs; for profiling.") var only: String?

    func run() throws {
        guard let folder = ProcessInfo.processInfo.environment["EARSHOT_FIXTURES"], !folder.isEmpty else {
            print("SKIPPED: set EARSHOT_FIXTURES to the folder of recorded payloads")
            return
        }
        let workloads = try [
            Workload(
                "GitHub issue, polled", "github", from: "issues", of: folder + "/github/issues_real_page_1.json",
                entity: ["repository": "o/r"]),
            Workload(
                "GitHub comment, polled", "github", from: "comments", of: folder + "/github/issue_comments_list.json",
                entity: ["repository": "o/r"]),
            Workload(
                "GitHub issue, webhook", "github", from: nil, of: folder + "/github/webhook_issues_opened.json",
                entity: ["repository": "o/r"], kept: ["x-github-event": "issues"]),
            Workload(
                "App Store review, polled", "app_store", from: "reviews",
                of: folder + "/appstore/rss_customerreviews_page_1.json", entity: ["app_id": "1", "country": "us"]),
            Workload(
                "Discourse post, polled", "discourse", from: "posts", of: folder + "/discourse/posts_latest.json",
                config: ["base_url": "https://forum.example.org/"]),
        ].filter { workload in only.map { workload.name.contains($0) } ?? true }
        var seconds = workloads.map { _ in (scan: [Double](), map: [Double]()) }
        // In turns, so that what else the machine does falls on all alike.
        for _ in 0..<max(1, repetitions) {
            for (at, workload) in workloads.enumerated() {
                seconds[at].scan.append(try workload.scan())
                seconds[at].map.append(workload.map())
            }
        }
        print("one thread, median of \(repetitions); wanted: at most 3 times the scan")
        var table = Table("payload", "items", "bytes an item", "scan µs", "normalise µs", "times the scan")
        for (workload, times) in zip(workloads, seconds) {
            let scan = median(times.scan)
            let map = median(times.map)
            table.add(
                workload.name, grouped(Double(workload.items.count)), grouped(workload.bytesAnItem),
                fixed(scan * 1e6, 2), fixed(map * 1e6, 2), fixed(map / scan, 2))
        }
        table.show()
    }
}

/// Items of one recorded payload, as the parser gets them.
private struct Workload {
    let name: String
    let items: [[UInt8]]
    private let records: RecordBatch
    private let mapper: Mapper
    private let rounds: Int

    var bytesAnItem: Double { Double(items.reduce(0) { $0 + $1.count }) / Double(items.count) }

    /// - Parameter source: Which request of the connector gave the payload, which is then cut into items; nil is a
    ///   webhook.
    init(
        _ name: String, _ connector: String, from source: String?, of file: String, config: [String: JSON] = [:],
        entity: [String: JSON] = [:], kept: [String: String] = [:]
    ) throws {
        self.name = name
        guard let manifest = ConnectorLibrary().manifests.first(where: { $0.name == connector }) else {
            throw BenchmarkFailure(what: "no connector \(connector)")
        }
        let settings = manifest.spec.check(connection: config, stream: entity)
        let facts = StreamFacts(id: "st_x", name: "x", entity: settings.stream, config: settings.connection)
        mapper = try Mapper(manifest: manifest, stream: facts)
        let document = try JSONDocument(parsing: Array(try Data(contentsOf: URL(fileURLWithPath: file))))
        var headers: RecordHeaders = [
            RawHeader.workspace: "ws_0000000000000000000000", RawHeader.connection: "cn_0000000000000000000000",
            RawHeader.stream: "st_0000000000000000000000", RawHeader.connector: manifest.identity,
            RawHeader.how: source == nil ? "push" : "pull", RawHeader.receivedAt: "2024-01-01T00:00:00.000Z",
            RawHeader.contentType: "application/json",
        ]
        if let source { headers.append(RawHeader.source, source) }
        for (name, value) in kept { headers.append(RawHeader.kept + name, value) }

        var items: [[UInt8]] = []
        if let read = manifest.read.first(where: { $0.name == source }) {
            for item in Path(read.items).value(in: document.root)?.elements.map(\.self) ?? []
            where read.skip?.holds(in: MappingScope(item: item, entity: facts.entity)) != true {
                items.append(Array(item.raw))
            }
        } else {
            items = [document.bytes]
        }
        var records = RecordBatch()
        for item in items { records.append(key: "key", headers: headers, value: item) }
        self.items = items
        self.records = records
        rounds = max(1, 4000 / items.count)
        let mapped = (0..<records.count).flatMap { mapper.map(records.value(at: $0) ?? [], headers: headers) }
        guard !mapped.isEmpty, mapped.allSatisfy({ if case .malformed = $0 { false } else { true } }) else {
            throw BenchmarkFailure(what: "\(file) is not mapped: \(mapped.prefix(1))")
        }
    }

    /// Seconds an item.
    func scan() throws -> Double {
        var sum = 0
        let begun = ContinuousClock.now
        for _ in 0..<rounds {
            for item in items { sum &+= try JSONDocument(parsing: item).root.kind.rawValue == 7 ? 1 : 0 }
        }
        return time(since: begun, sum)
    }

    /// Seconds an item.
    func map() -> Double {
        var sum = 0
        let begun = ContinuousClock.now
        for _ in 0..<rounds {
            for i in 0..<records.count {
                sum &+= mapper.map(records.value(at: i) ?? [], headers: records.headers(at: i)).count
            }
        }
        return time(since: begun, sum)
    }

    private func time(since begun: ContinuousClock.Instant, _ sum: Int) -> Double {
        let seconds = (ContinuousClock.now - begun).inSeconds
        precondition(sum > 0, "nothing was done")
        return seconds / Double(rounds * items.count)
    }
}
