import ByteJSON
import Common
import Connectors
import Engines
import Foundation
import Logging
import SQLiteLog
import ServiceKit
import TestKit
import Testing

@testable import Parser

/// What the code writes on topics follows the schemas.
@Suite struct SchemaTests {
    @Test func feedbackThatTheParserWrites() async throws {
        let bench = try await Bench(policy: .mask)
        try await bench.push([
            #"{"id":"1","text":"Hello"}"#, #"{"id":"2","deleted":true}"#,
            #"{"id":"3","title":"T","text":"Write to a@example.com","rating":4.5,"labels":["x"],"url":"https://x.example","remark":{"a":[1,null]},"created_at":"2021-01-01","updated_at":"2021-01-02","author":{"id":"u","name":"n","email":"e@example.com","country":"DE"}}"#,
        ])
        try await bench.drain(try bench.handler())
        let schema = try SchemaFile("feedback.v1")
        var count = 0
        for partition in 0..<Topic.feedback.partitions {
            for record in try await bench.all(of: .feedback, partition: partition) {
                #expect(try schema.errors(in: record.value ?? []) == [])
                count += 1
            }
        }
        #expect(count == 3)
        for kind in Feedback.Kind.allCases { #expect(try schemaAccepts(schema, kind: kind)) }
    }

    private func schemaAccepts(_ schema: SchemaFile, kind: Feedback.Kind) throws -> Bool {
        var feedback = Feedback(
            id: .make(), workspace: .make(),
            source: .init(name: "s", instance: "i", connection: .make(), stream: .make(), externalID: "1", how: "pull"),
            text: "t", connector: "s@1", contentHash: String(repeating: "0", count: 32), timestamp: .then,
            collectedAt: .then, revision: 1, raw: .init(partition: 0, offset: 0, item: 0))
        feedback.kind = kind
        feedback.productVersion = "1.2"
        feedback.platform = "ios"
        feedback.threadID = "t"
        feedback.inReplyTo = "r"
        feedback.author.locale = "en-GB"
        var writer = JSONWriter()
        feedback.write(to: &writer)
        let errors = try schema.errors(in: writer.bytes)
        #expect(errors == [])
        return errors.isEmpty
    }

    @Test func theSchemaRefusesWhatIsNotFeedback() throws {
        let schema = try SchemaFile("feedback.v1")
        #expect(!schema.errors(in: ["unique_identifier": "fb_1"]).isEmpty)
        #expect(schema.errors(in: 7).contains { $0.contains("object") })
        #expect(try !schema.errors(in: Array(#"{"colour":"red"}"#.utf8)).isEmpty)
    }

    @Test func deadLettersThatTheParserWrites() async throws {
        let bench = try await Bench()
        var batch = RecordBatch()
        batch.append(key: "k", headers: bench.headers(), value: [UInt8]?.none)
        batch.append(key: "k", value: [0xFF])
        batch.append(key: String?.none, headers: bench.headers(), value: Array(#"{"notes":[{},{}]}"#.utf8))
        try await bench.log.append(batch, to: .raw)
        try await bench.drain(try bench.handler())
        let schema = try SchemaFile("dead-letter.v1")
        let records = try await bench.all(of: .deadLetters, partition: 0)
        #expect(records.count == 4)
        for record in records { #expect(try schema.errors(in: record.value ?? []) == []) }
        // The same by the type's own coding, which other services write with.
        for letter in try await bench.deadLetters() {
            #expect(try schema.errors(in: try encoded(letter)) == [])
        }
        for stage in DeadLetter.Stage.allCases {
            var letter = try #require(try await bench.deadLetters().first)
            letter.stage = stage
            #expect(try schema.errors(in: try encoded(letter)) == [])
        }
    }

    @Test func directoryRecords() async throws {
        let bench = try await Bench()
        var stream = bench.record(entity: ["query": "tags:feedback"], mapping: ["text": "body"], status: .paused)
        stream.pollEvery = 900
        stream.backfillSince = .then
        stream.webhookSecrets = [.init(sealed: "x", notAfter: .then), .init(sealed: "y")]
        try await bench.directory.publish([
            .stream(stream),
            .workspace(
                WorkspaceRecord(
                    id: .make(), account: .make(), name: "n", createdAt: .then, personalData: .drop,
                    filters: [FilterRule(field: .text, match: .contains, value: "spam")], sealedKey: "k",
                    isDeleted: true)),
            .connection(
                ConnectionRecord(
                    id: .make(), workspace: bench.workspace, connector: "discourse", config: ["base_url": "https://x"],
                    sealedSecrets: "s")),
            .connection(
                ConnectionRecord(
                    id: .make(), workspace: bench.workspace, connector: "discourse", config: [:], sealedSecrets: nil,
                    isDeleted: true)),
            .key(VerificationKeyRecord(keyID: "k1", publicKey: "abc", notAfter: .then)),
            .revocation(RevocationRecord(token: .make(), revokedAt: .then)),
        ])
        let schema = try SchemaFile("directory.v1")
        let records = try await bench.all(of: .connections, partition: 0)
        #expect(records.count >= 8)
        for record in records { #expect(try schema.errors(in: record.value ?? []) == []) }
    }

    @Test func fetchRequestsAndStreamStatuses() async throws {
        let requests = try SchemaFile("fetch-request.v1")
        #expect(try requests.errors(in: try encoded(FetchRequest(stream: .make(), requestedAt: .then))) == [])
        #expect(
            try requests.errors(
                in: try encoded(FetchRequest(stream: .make(), requestedAt: .then, backfillSince: .then))) == [])
        let bench = try await Bench()
        let states: [StreamStatus.State] = [
            .pending, .current, .backfilling, .waitingForQuota, .failing, .paused, .listening,
        ]
        for state in states {
            try await bench.directory.publish(
                StreamStatus(
                    stream: bench.stream, workspace: bench.workspace, state: state, caughtUpTo: .then, since: .then,
                    until: .then, reason: "r", itemsRead: 7, at: .then))
        }
        let schema = try SchemaFile("stream-status.v1")
        let records = try await bench.all(of: .streamStatus, partition: 0)
        #expect(records.count == states.count)
        for record in records { #expect(try schema.errors(in: record.value ?? []) == []) }
    }

    @Test func headersOfRawEvents() async throws {
        let bench = try await Bench()
        var headers = bench.headers()
        headers.append(RawHeader.kept + "x-github-event", "issues")
        headers.append(RawHeader.source, "issues")
        headers.append(RawHeader.replayOf, DeadLetterID.make().rawValue)
        headers.append(RawHeader.attempt, "2")
        let object = JSON.object(
            Dictionary(
                headers.all.map { ($0.name, .string(String(decoding: $0.value, as: UTF8.self))) },
                uniquingKeysWith: { $1 }))
        let schema = try SchemaFile("raw-event.v1")
        #expect(schema.errors(in: object) == [])
        #expect(!schema.errors(in: ["how": "carrier pigeon"]).isEmpty)
    }

    private func encoded(_ value: some Encodable) throws -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return Array(try encoder.encode(value))
    }
}
