import ByteJSON
import Client
import Common
import CurlTransport
import Demo
import Foundation
import Synchronization
import TestKit
import Testing

/// The webhook role in a process of its own, on Kafka's wire, whose log goes away and which is killed meanwhile.
@Suite("A webhook role whose log goes away", .serialized)
struct SpoolTests {
    @Test(
        "keeps what it answered for through cuts and kills, in the spool, on the way and without a log to begin with",
        .timeLimit(.minutes(10)))
    func kills() async throws {
        try await Self.withShape { shape in
            try await shape.hooks.start()
            try await shape.sender.deliver(300)
            #expect(try await shape.notes() == [])
            for round in 0..<4 {
                try shape.kafka.goDown()
                try await shape.sender.deliver(200)
                #expect(try await shape.notes().contains { $0.contains("wait in the spool") })
                shape.hooks.kill()
                try await shape.hooks.start()
                // Begun without its log: it knows its streams and senders all the same
                try await shape.sender.deliver(100)
                async let more: Void = shape.sender.deliver(400)
                try shape.kafka.comeUp()
                // While it forwards, or just before, or just after
                try await Task.sleep(for: .milliseconds([20, 300, 900, 2000][round]))
                shape.hooks.kill()
                try await shape.hooks.start()
                try await more
            }
            try await shape.checkBooks()
        }
    }

    @Test("over its bound it answers 503 with Retry-After, and takes in again when the log is back")
    func bound() async throws {
        try await Self.withShape(["EARSHOT_WEBHOOK_SPOOL_MEGABYTES": "1"]) { shape in
            try await shape.hooks.start()
            try await shape.sender.deliver(50)
            try shape.kafka.goDown()
            let refusal = try await shape.sender.flood(bytes: 4000)
            #expect(refusal.status == 503)
            #expect(refusal["Retry-After"].flatMap { Int($0) } ?? 0 > 0)
            #expect(shape.sender.acknowledged > 150)
            let ready = try await shape.transport.send(OutgoingRequest("GET", shape.hooks.url + "/ready"))
            let metrics = try await shape.transport.send(OutgoingRequest("GET", shape.hooks.url + "/metrics"))
            #expect(String(decoding: metrics.body, as: UTF8.self).contains("\nearshot_spool_records "))
            #expect([200, 503].contains(ready.status))
            try shape.kafka.comeUp()
            try await waitUntil("the spool is empty") { try await shape.notes() == [] }
            try await shape.sender.deliver(50)
            try await shape.checkBooks()
        }
    }

    /// All roles but webhook.
    private struct Core: Installation {
        let environment: [String: String]
        let process: ServerProcess
        let transport: any HTTPTransport = CurlTransport(policy: .any)

        var url: String { process.url }
        func start() async throws { try await process.start() }
        func kill() { process.kill() }
    }

    /// Two processes on a log and a database of their own: the webhook role, and all others.
    private struct Pair: Sendable {
        let kafka: MockCluster
        let core: Core
        let hooks: ServerProcess
        let sender: Sender
        let transport = CurlTransport(policy: .any)

        /// What the webhook role says is to be looked after.
        func notes() async throws -> [String] {
            let answer = try await transport.send(OutgoingRequest("GET", hooks.url + "/ready"))
            guard answer.status == 200 else { return ["not ready"] }
            return try JSONDocument(parsing: answer.body).root["notes"]?.elements.compactMap(\.string) ?? []
        }

        /// Waits until nothing is left to do, and holds the books to what the senders were told.
        func checkBooks() async throws {
            try await waitUntil("the spool is empty") { try await notes() == [] }
            try await waitUntil("all is settled", timeout: .seconds(120)) {
                try await core.doctor()["stored"]?.int64 ?? 0 >= Int64(sender.acknowledged)
            }
            try await core.settle()
            let books = try await core.doctor(deep: true)
            #expect(books["balanced"]?.bool == true && books["healthy"]?.bool == true, "\(JSONText(books))")
            #expect(books["stored"]?.int64 == Int64(sender.acknowledged), "\(JSONText(books))")
            // What was taken in twice was sent twice: the answer was lost with the process
            let twice = try #require(books["duplicate"]?.int64)
            #expect(twice <= Int64(sender.unanswered), "\(JSONText(books))")
            #expect(books["accepted"]?.int64 == Int64(sender.acknowledged) + twice, "\(JSONText(books))")
        }
    }

    private static func withShape(
        _ settings: [String: String] = [:], _ body: @escaping @Sendable (Pair) async throws -> Void
    ) async throws {
        let kafka = try MockCluster()
        for topic in Topic.all { try kafka.create(topic: topic.name, partitions: topic.partitions) }
        let postgres = try await PostgresCluster()
        let folder = try TemporaryFolder()
        var environment = [
            "EARSHOT_LOG": "kafka://\(kafka.address)?topics=expect&session.timeout.ms=6000",
            "EARSHOT_DATABASE": postgres.url.reveal(),
            "EARSHOT_MASTER_KEY": Data((0..<32).map { UInt8($0) }).base64EncodedString(),
        ]
        let hooks = try ServerProcess(
            data: folder.file("hooks"), roles: ["webhook"], environment: environment.merging(settings) { $1 })
        environment["EARSHOT_HTTP_PUBLIC_URL"] = hooks.url
        let process = try ServerProcess(
            data: folder.file("core"), roles: ["workspace", "reports", "parser", "fetcher"], environment: environment)
        environment["EARSHOT_DATA"] = folder.file("core")
        let core = Core(environment: environment, process: process)
        defer {
            hooks.kill()
            core.kill()
        }
        try await core.start()
        let made = try await core.client(account: "Spool").json(
            "POST", "/CreateWorkspace",
            body: ["name": "Spool", "feedback_entities": [["connector": "standard_webhook", "name": "Form"]]])
        let stream = try #require(made["streams"]?[0])
        let sender = Sender(
            url: try #require(stream["webhook_url"]?.string), secret: try #require(stream["webhook_secret"]?.string))
        try await body(Pair(kafka: kafka, core: core, hooks: hooks, sender: sender))
        withExtendedLifetime((postgres, folder)) {}
    }

    /// Somebody who sends every delivery again until it is acknowledged.
    private final class Sender: Sendable {
        private struct Counts {
            var next = 0
            var acknowledged = 0
            var unanswered = 0
        }
        private let url: String
        private let secret: String
        private let transport = CurlTransport(policy: .any)
        private let counts = Mutex(Counts())

        init(url: String, secret: String) {
            self.url = url
            self.secret = secret
        }

        /// Deliveries that were answered with 202, or with 200 when they were sent again.
        var acknowledged: Int { counts.withLock { $0.acknowledged } }
        /// Tries of which it is not known what became of them.
        var unanswered: Int { counts.withLock { $0.unanswered } }

        /// Sends new deliveries, some at a time, until all are acknowledged.
        func deliver(_ count: Int) async throws {
            try await withThrowingTaskGroup(of: Void.self) { tasks in
                for part in 0..<8 {
                    tasks.addTask {
                        for _ in 0..<(count / 8 + (part < count % 8 ? 1 : 0)) {
                            let number = self.draw()
                            try await waitUntil("delivery \(number) is acknowledged", timeout: .seconds(120)) {
                                [200, 202].contains(try await self.send(number)?.status)
                            }
                            self.counts.withLock { $0.acknowledged += 1 }
                        }
                    }
                }
                try await tasks.waitForAll()
            }
        }

        /// Sends new deliveries until one is refused.
        func flood(bytes: Int) async throws -> IncomingResponse {
            while true {
                let number = draw()
                guard let response = try await send(number, padding: bytes) else { continue }
                guard response.status == 202 else { return response }
                counts.withLock { $0.acknowledged += 1 }
            }
        }

        private func draw() -> Int {
            counts.withLock { counts in
                counts.next += 1
                return counts.next
            }
        }

        /// - Returns: The answer; nil if there was none.
        private func send(_ number: Int, padding: Int = 0) async throws -> IncomingResponse? {
            var text = "Delivery number \(number) says that export \(number * 7919) fails"
            if padding > 0 { text += String(repeating: " again", count: padding / 6) }
            let body: JSON = [
                "id": .string("d\(number)"), "text": .string(text), "created_at": "2026-01-02T03:04:05Z",
            ]
            let delivery = Delivery(
                body: Array(body.bytes),
                headers: [("Content-Type", "application/json"), ("webhook-id", "msg_\(number)")]
            ).signedByStandard(secret: secret, at: .now)
            do {
                return try await transport.send(
                    OutgoingRequest("POST", url, headers: delivery.headers, body: delivery.body))
            } catch {
                counts.withLock { $0.unanswered += 1 }
                return nil
            }
        }
    }
}
