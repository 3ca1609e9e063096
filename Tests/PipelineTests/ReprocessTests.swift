import ByteJSON
import Common
import Connectors
import Engines
import Logging
import SQLiteDatabase
import SQLiteLog
import ServiceKit
import TestKit
import Testing

@testable import Parser
@testable import Reports

/// Kept raw events are read again by another mapping, at any moment, with kills: nobody can tell from a first reading by
/// that mapping, and nothing is counted twice.
@Suite("Reprocessing")
struct ReprocessTests {
    @Test("at any moment leaves the tables of a fresh reading, and the books as they were", arguments: 0..<25)
    func anyMoment(seed: UInt64) async throws {
        var random = RandomSource(seed: seed)
        let events = Self.events(&random, timesChange: false)
        let fresh = try await Plant(mapping: Self.newMapping)
        try await fresh.push(events)
        try await fresh.settle()

        let plant = try await Plant(mapping: nil)
        let moment = Int.random(in: 0...events.count, using: &random)
        try await plant.push(Array(events[..<moment]))
        for _ in 0..<Int.random(in: 0...3, using: &random) { try await plant.doSomething(&random) }
        try await plant.changeMapping(to: Self.newMapping)
        try await plant.begin()
        var at = moment
        while at < events.count {
            let end = min(events.count, at + Int.random(in: 1...9, using: &random))
            try await plant.push(Array(events[at..<end]))
            at = end
            try await plant.doSomething(&random)
        }
        for _ in 0..<12 { try await plant.doSomething(&random) }
        try await plant.settle()

        #expect(try await plant.tables() == fresh.tables())
        try await plant.expectBalance(items: events.count)
        let job = try #require(try await plant.lastJob())
        #expect(job.finishedAt != nil)
        #expect(job.parts.allSatisfy { $0.next == $0.end })
    }

    /// A mapping may tell other times of change, so that what counted as the newest revision is not any more. Then
    /// one reading corrects each item's times, and another one its choice among them.
    @Test("twice leaves the tables of a fresh reading, also where the mapping tells other times", arguments: 0..<15)
    func otherTimes(seed: UInt64) async throws {
        var random = RandomSource(seed: 100 + seed)
        let mapping: JSON = ["text": "words", "updated_at": "moved_at"]
        let events = Self.events(&random, timesChange: true)
        let fresh = try await Plant(mapping: mapping)
        try await fresh.push(events)
        try await fresh.settle()

        let plant = try await Plant(mapping: nil)
        try await plant.push(events)
        try await plant.settle()
        try await plant.changeMapping(to: mapping)
        for _ in 0..<2 {
            try await plant.begin()
            for _ in 0..<6 { try await plant.doSomething(&random) }
            try await plant.settle()
        }
        #expect(try await plant.tables() == fresh.tables())
        try await plant.expectBalance(items: events.count)
    }

    @Test("settles the dead letters of what can be read now, and keeps what cannot be read any more")
    func deadLetters() async throws {
        let plant = try await Plant(mapping: nil)
        try await plant.push([#"{"id":"1","words":"Only words"}"#, #"{"id":"2","text":"Only a text"}"#])
        try await plant.settle()
        try await plant.collectDeadLetters()
        let open = DeadLetterStore.Filter(isReplayed: false)
        #expect(try await plant.deadLetters.count(open) == 1)
        let before = try await plant.tables()
        #expect(before.count == 1)

        try await plant.changeMapping(to: Self.newMapping)
        try await plant.begin()
        try await plant.settle()
        #expect(try await plant.deadLetters.count(open) == 0)
        let after = try await plant.tables()
        #expect(after.count == 2)
        #expect(before.allSatisfy { after[$0.key] == $0.value }, "what cannot be read any more stays")
        let job = try #require(try await plant.lastJob())
        #expect(job.parts.reduce(0) { $0 + $1.failed } == 1)
        #expect(job.parts.contains { $0.example?.contains("text is missing") == true })
        try await plant.expectBalance(items: 2)
    }

    @Test("of one stream leaves the others alone")
    func oneStream() async throws {
        let plant = try await Plant(mapping: nil)
        try await plant.push([#"{"id":"1","text":"Old","words":"New"}"#])
        try await plant.push([#"{"id":"2","text":"Old too","words":"New too"}"#], to: plant.otherStream)
        try await plant.settle()
        try await plant.changeMapping(to: Self.newMapping)
        try await plant.begin(ReprocessFilter(workspace: plant.workspace, stream: plant.stream))
        try await plant.settle()
        let texts = try await plant.tables().values.map { $0.split(separator: "|")[1] }
        #expect(texts.sorted() == ["New", "Old too"])
    }

    private static let newMapping: JSON = ["text": "words"]

    /// Revisions of a few items in any order: edits, deletions, copies, cross-posts.
    private static func events(_ random: inout RandomSource, timesChange: Bool) -> [String] {
        let long = "This sentence is so long that nobody would say the very same by chance, whoever says it."
        let texts = ["It crashes every day, terrible.", "I love it, great work!", long]
        var events: [String] = []
        for number in 0..<Int.random(in: 5...60, using: &random) {
            if let copy = events.randomElement(using: &random), Int.random(in: 0..<7, using: &random) == 0 {
                events.append(copy)
                continue
            }
            let id = Int.random(in: 0..<12, using: &random)
            func time() -> String {
                "2021-01-02T00:\(Int.random(in: 10..<60, using: &random)):\(number < 10 ? "0" : "")\(number)Z"
            }
            let changed = time()
            if Int.random(in: 0..<9, using: &random) == 0 {
                events.append(#"{"id":"\#(id)","deleted":"\#(changed)"}"#)
                continue
            }
            events.append(
                """
                {"id":"\(id)","text":"\((texts + ["Number \(number)", ""]).randomElement(using: &random)!)",\
                "words":"\((texts + ["Body \(number)", " "]).randomElement(using: &random)!)",\
                "created_at":"2021-01-01T00:00:00Z","updated_at":"\(changed)",\
                "moved_at":"\(timesChange ? time() : changed)","author":{"id":"u\(id % 3)"}}
                """)
        }
        return events
    }
}

/// Parser and Reports on a real log and real databases, driven step by step; each step may be a process that dies.
private final class Plant: Sendable {
    let workspace = WorkspaceID("ws_plant")!
    let stream = StreamID("st_plant")!
    let otherStream = StreamID("st_other")!
    let deadLetters: DeadLetterStore
    private let folder: TemporaryFolder
    private let log: SQLiteLog
    private let parserDatabase: SQLiteDatabase
    private let reportsDatabase: SQLiteDatabase
    private let directory: Directory
    private let connectors: ConnectorRegistry
    private let pipeline: EnginePipeline
    private static let now = Timestamp("2021-02-20T10:11:12Z")!
    private static let logger = {
        var logger = Logger(label: "reprocess-tests")
        logger.logLevel = .critical
        return logger
    }()

    init(mapping: JSON?) async throws {
        folder = try TemporaryFolder()
        log = try SQLiteLog(folder: folder.file("log"))
        parserDatabase = try SQLiteDatabase(path: folder.file("parser.sqlite"))
        reportsDatabase = try SQLiteDatabase(path: folder.file("reports.sqlite"))
        deadLetters = DeadLetterStore(database: parserDatabase)
        directory = Directory(log: log, logger: Self.logger)
        connectors = ConnectorLibrary.load().registry
        pipeline = try .standard()
        try await log.create(Topic.all)
        try await parserDatabase.migrate(ParserRole.migrations)
        try await reportsDatabase.migrate(ReportsRole.migrations)
        try await directory.load()
        try await directory.publish([
            .workspace(
                WorkspaceRecord(
                    id: workspace, account: AccountID("ac_plant")!, name: "Plant", createdAt: Self.now, sealedKey: ""))
        ])
        try await changeMapping(to: mapping)
    }

    func changeMapping(to mapping: JSON?) async throws {
        try await directory.publish(
            [stream, otherStream].map { id in
                .stream(
                    StreamRecord(
                        id: id, workspace: workspace, connection: ConnectionID("cn_plant")!, connector: "jsonl",
                        name: id.rawValue, mapping: mapping, createdAt: Self.now))
            })
    }

    /// Appends events; those of one item stay in order.
    func push(_ payloads: [String], to stream: StreamID? = nil) async throws {
        let stream = stream ?? self.stream
        var batch = RecordBatch()
        for payload in payloads {
            let id = try JSONDocument(parsing: payload).root["id"]?.string
            batch.append(
                key: id,
                headers: [
                    RawHeader.workspace: workspace.rawValue, RawHeader.stream: stream.rawValue,
                    RawHeader.connector: "jsonl@1", RawHeader.how: "import",
                    RawHeader.receivedAt: Self.now.description, RawHeader.delivery: "d",
                ], value: Array(payload.utf8))
        }
        try await log.append(batch, to: .raw)
    }

    func begin(_ filter: ReprocessFilter = ReprocessFilter()) async throws {
        _ = try await reprocessing(Faults()).begin(filter)
    }

    func lastJob() async throws -> ReprocessJob? {
        let id = try await parserDatabase.read { db in
            try db.first("SELECT id FROM reprocess_job ORDER BY requested_at DESC, id DESC") { JobID($0.text(0)) }
        }
        guard let id = id ?? nil else { return nil }
        return try await ReprocessStore(database: parserDatabase).job(id)
    }

    /// One of the three works for a while; now and then it dies at it.
    func doSomething(_ random: inout RandomSource) async throws {
        let isDeadly = Int.random(in: 0..<3, using: &random) == 0
        let faults = Faults(deadly: isDeadly ? Int.random(in: 0..<12, using: &random) : nil)
        let limit = Int.random(in: 1...20, using: &random)
        do {
            switch Int.random(in: 0..<3, using: &random) {
            case 0: try await parse(limit: limit, faults)
            case 1: try await store(limit: limit, faults)
            default: _ = try await reprocessing(faults).step()
            }
        } catch is Faults.Crash {}
    }

    /// Everybody works until nothing is left to do.
    func settle() async throws {
        while try await parse(limit: 1000, Faults()) {}
        while try await reprocessing(Faults()).step() != .idle {}
        while try await store(limit: 1000, Faults()) {}
    }

    func collectDeadLetters() async throws {
        let collector = DeadLetterCollector(
            store: deadLetters, directory: directory, days: 90, now: { Self.now }, logger: Self.logger)
        try await pull(.deadLetters, .deadLetters, limit: 1000, collector)
    }

    @discardableResult
    private func parse(limit: Int, _ faults: Faults) async throws -> Bool {
        var settings = ParserSettings()
        settings.deadLetterBudget = DeadLetterBudget(ratio: 1)
        let context = RoleContext(
            log: FaultyLog(base: log, faults: faults), database: FaultyDatabase(base: parserDatabase, faults: faults),
            transport: NoNetwork(), directory: directory, vault: try Vault(masterKey: Array(repeating: 7, count: 32)),
            connectors: connectors, metrics: Metrics(), logger: Self.logger, publicURL: "http://localhost",
            now: { Self.now })
        return try await pull(
            .raw, .parser, limit: limit,
            RawEventHandler(context: context, pipeline: pipeline, settings: settings))
    }

    @discardableResult
    private func store(limit: Int, _ faults: Faults) async throws -> Bool {
        let sink = FeedbackSink(
            log: log, database: FaultyDatabase(base: reportsDatabase, faults: faults), directory: directory,
            words: WordCache(capacity: 100), live: LiveFeedback(epoch: 0), changed: Bell(),
            retention: Retention(database: reportsDatabase, days: nil, logger: Self.logger, now: { Self.now }),
            metrics: Metrics(), now: { Self.now })
        return try await pull(.feedback, .reports, limit: limit, sink)
    }

    /// A process that starts, does one pull and ends.
    ///
    /// - Returns: Whether there was anything.
    @discardableResult
    private func pull(_ topic: Topic, _ group: ConsumerGroup, limit: Int, _ handler: some BatchHandler) async throws
        -> Bool
    {
        let consumer = try await log.consumer(of: topic, group: group) { try await handler.start(of: $0) }
        let outcome: Result<Bool, any Error>
        do {
            let batches = try await consumer.next(limit: limit, wait: .zero)
            if !batches.isEmpty {
                try await handler.handle(batches)
                try await consumer.commit(batches)
            }
            outcome = .success(!batches.isEmpty)
        } catch {
            outcome = .failure(error)
        }
        await consumer.close()
        return try outcome.get()
    }

    private func reprocessing(_ faults: Faults) -> Reprocessing {
        let database = FaultyDatabase(base: parserDatabase, faults: faults)
        return Reprocessing(
            log: FaultyLog(base: log, faults: faults), store: ReprocessStore(database: database),
            deadLetters: DeadLetterStore(database: database), directory: directory, connectors: connectors,
            pipeline: pipeline, settings: ParserSettings(), logger: Self.logger, now: { Self.now })
    }

    /// What the tables say of each item, without where it was read from.
    func tables() async throws -> [String: String] {
        #expect(try await ReportsStore(database: reportsDatabase).verify() == [])
        return try await reportsDatabase.read { db in
            let rows = try db.query("SELECT id, state, merged_into, revision, hash, document FROM feedback") { row in
                let document = row.blob(5)
                let feedback = document.isEmpty ? nil : try Feedback(JSONDocument(parsing: document).root)
                let said = feedback.map {
                    "\($0.text)|\($0.sentiment)|\($0.sentimentScore)|\($0.topics)|\($0.timestamp)|\($0.editedAt as Any)"
                }
                return (
                    FeedbackID(row.digest(0)).rawValue,
                    "\(row.integer(1))|\(said ?? "")|\(row.optionalDigest(2)?.hexadecimal ?? "")|"
                        + "\(row.integer(3))|\(row.digest(4).hexadecimal)"
                )
            }
            return Dictionary(uniqueKeysWithValues: rows)
        }
    }

    /// Everything that was pushed has one fate in the two ledgers.
    func expectBalance(items: Int) async throws {
        let parser = try await ParserLedger.load(from: parserDatabase)
        let reports = try await ReportsStore(database: reportsDatabase).ledger().total
        #expect(parser.total.isBalanced)
        #expect(parser.total.items == items)
        #expect(reports.total == parser.total.emitted)
    }
}

private struct NoNetwork: HTTPTransport {
    func send(_ request: OutgoingRequest) async throws(HTTPTransportError) -> IncomingResponse {
        throw .forbiddenAddress(request.url)
    }
}
