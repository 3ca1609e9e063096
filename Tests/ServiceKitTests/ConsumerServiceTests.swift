import Common
import SQLiteLog
import ServiceKit
import ServiceLifecycle
import Synchronization
import TestKit
import Testing

@Suite("ConsumerService")
struct ConsumerServiceTests {
    static let group = ConsumerGroup("workers")

    /// Notes the values it is handed; does first what a test wants.
    private final class Recorder: BatchHandler {
        let values = Mutex<[String]>([])
        let calls = Mutex(0)
        private let before: @Sendable (_ call: Int) async throws -> Void

        init(before: @escaping @Sendable (_ call: Int) async throws -> Void = { _ in }) { self.before = before }

        func handle(_ batches: [PartitionBatch]) async throws {
            try await before(
                calls.withLock {
                    $0 += 1; return $0
                })
            let texts = batches.flatMap { batch in
                (0..<batch.records.count).map { String(decoding: batch.records.value(at: $0) ?? [], as: UTF8.self) }
            }
            values.withLock { $0 += texts }
        }

        var seen: [String] { values.withLock { $0 } }
    }

    private struct Failure: Error {}

    private func service(_ platform: Platform, _ handler: some BatchHandler, limit: Int = 1000) -> ConsumerService {
        ConsumerService(
            name: "test", log: platform.log, topic: .deadLetters, group: Self.group, limit: limit, handler: handler,
            metrics: Metrics(), logger: .quiet)
    }

    private func append(_ values: [String], to platform: Platform) async throws {
        var batch = RecordBatch()
        for value in values { batch.append(key: value, value: Array(value.utf8)) }
        try await platform.log.append(batch, to: .deadLetters)
    }

    private func committed(_ platform: Platform) async throws -> Int64 {
        try await platform.log.committed(Self.group, topic: .deadLetters)[0]
    }

    @Test("what fails comes again, in order, and only what was done is committed")
    func retry() async throws {
        let platform = try await Platform()
        try await append(["a", "b", "c"], to: platform)
        let handler = Recorder { call in
            if call <= 2 {
                #expect(try await committed(platform) == 0)
                throw Failure()
            }
        }
        try await withRunning(service(platform, handler)) {
            try await waitUntil("all is committed") { try await committed(platform) == 3 }
        }
        #expect(handler.seen == ["a", "b", "c"])
        #expect(handler.calls.withLock { $0 } == 3)
    }

    @Test("what waits can be seen when the numbers are asked for")
    func lag() async throws {
        let platform = try await Platform()
        let metrics = Metrics()
        let service = ConsumerService(
            name: "test", log: platform.log, topic: .deadLetters, group: Self.group, handler: Recorder(),
            metrics: metrics, logger: .quiet)
        let line = #"earshot_consumer_lag{topic="\#(Topic.deadLetters.name)",group="workers"} "#
        try await append(["a", "b", "c"], to: platform)
        #expect(await metrics.scrape().contains(line + "3.0\n"))
        try await withRunning(service) {
            try await waitUntil("all is committed") { try await committed(platform) == 3 }
        }
        #expect(await metrics.scrape().contains(line + "0.0\n"))
    }

    /// Prepares batches of one record and holds the first one's work until the second is prepared.
    private final class Ahead: BatchHandler {
        let events = Mutex<[String]>([])

        func handle(_ batches: [PartitionBatch]) async throws { try await prepare(batches)() }

        func prepare(_ batches: [PartitionBatch]) async throws -> @Sendable () async throws -> Void {
            let value = String(decoding: batches[0].records.value(at: 0) ?? [], as: UTF8.self)
            events.withLock { $0.append("prepare \(value)") }
            return { [self] in
                if value == "a" {
                    try await waitUntil("b is prepared") { events.withLock { $0.contains("prepare b") } }
                }
                events.withLock { $0.append("work \(value)") }
            }
        }
    }

    @Test("the next batch is prepared while the last is handled, and their work keeps its order")
    func prepareAhead() async throws {
        let platform = try await Platform()
        let handler = Ahead()
        try await append(["a", "b", "c"], to: platform)
        try await withRunning(service(platform, handler, limit: 1)) {
            try await waitUntil("all is committed") { try await committed(platform) == 3 }
        }
        let events = handler.events.withLock { $0 }
        #expect(events.filter { $0.hasPrefix("work") } == ["work a", "work b", "work c"])
        #expect(events.firstIndex(of: "prepare b")! < events.firstIndex(of: "work a")!)
    }

    @Test("the next process goes on where the last one committed")
    func resume() async throws {
        let platform = try await Platform()
        for values in [["a", "b"], ["c"]] {
            try await append(values, to: platform)
            let handler = Recorder()
            let end = try await platform.log.bounds(of: .deadLetters)[0].end
            try await withRunning(service(platform, handler)) {
                try await waitUntil("all is committed") { try await committed(platform) == end }
            }
            #expect(handler.seen == values)
        }
    }

    @Test("a graceful stop finishes and commits the batch in hand")
    func gracefulStop() async throws {
        let platform = try await Platform()
        try await append(["a", "b"], to: platform)
        let (begun, beginning) = AsyncStream<Void>.makeStream()
        let (released, release) = AsyncStream<Void>.makeStream()
        let handler = Recorder { _ in
            beginning.yield()
            for await _ in released { break }
            try Task.checkCancellation()
        }
        let group = ServiceGroup(
            configuration: .init(services: [.init(service: service(platform, handler))], logger: .quiet))
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            tasks.addTask { try await group.run() }
            for await _ in begun { break }
            await group.triggerGracefulShutdown()
            release.yield()
            try await tasks.waitForAll()
        }
        #expect(handler.seen == ["a", "b"])
        #expect(try await committed(platform) == 2)
    }

    @Test("members that join and leave lose nothing: a lost partition is let go, its records come to the other")
    func fencing() async throws {
        let platform = try await Platform()
        let all = (0..<200).map { "\($0)" }
        let first = Recorder(), second = Recorder()
        try await withRunning(service(platform, first, limit: 5)) {
            for chunk in stride(from: 0, to: 100, by: 10) {
                try await append(Array(all[chunk..<chunk + 10]), to: platform)
            }
            try await withRunning(service(platform, second, limit: 5)) {
                for chunk in stride(from: 100, to: 150, by: 10) {
                    try await append(Array(all[chunk..<chunk + 10]), to: platform)
                }
            }
            for chunk in stride(from: 150, to: 200, by: 10) {
                try await append(Array(all[chunk..<chunk + 10]), to: platform)
            }
            try await waitUntil("all is committed") { try await committed(platform) == 200 }
        }
        #expect(Set(first.seen + second.seen) == Set(all))
    }

    @Test("a handler that keeps its own position is asked for it")
    func ownPosition() async throws {
        let platform = try await Platform()
        try await append(["a", "b", "c"], to: platform)
        struct Positioned: BatchHandler {
            let recorder: Recorder
            func start(of partition: Int) async throws -> Int64? { 2 }
            func handle(_ batches: [PartitionBatch]) async throws { try await recorder.handle(batches) }
        }
        let recorder = Recorder()
        try await withRunning(service(platform, Positioned(recorder: recorder))) {
            try await waitUntil("all is committed") { try await committed(platform) == 3 }
        }
        #expect(recorder.seen == ["c"])
    }
}
