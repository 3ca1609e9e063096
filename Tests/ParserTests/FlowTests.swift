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

/// Raw events become feedback.
@Suite struct FlowTests {
    @Test func aNoteBecomesFeedback() async throws {
        let bench = try await Bench()
        try await bench.push([
            """
            {"id":"n1","title":"Map","text":"The **new** map is great","format":"markdown","rating":4,
             "created_at":"2021-01-01T00:00:00Z","updated_at":"2021-01-02T00:00:00Z","labels":["map","ui"],
             "author":{"id":"u7","name":"Ada","email":"ada@example.com","country":"GB"},"remark":"kept"}
            """
        ])
        try await bench.drain(try bench.handler())
        let found = try await bench.feedback()
        let feedback = try #require(found.first)
        #expect(found.count == 1)
        #expect(
            feedback.id
                == FeedbackID.derive(
                    workspace: bench.workspace, connector: "notes", instance: "here", externalID: "n1"))
        #expect(feedback.workspace == bench.workspace)
        #expect(feedback.account == bench.account)
        #expect(feedback.source.stream == bench.stream)
        #expect(feedback.source.how == "push")
        #expect(feedback.connector == "notes@1")
        #expect(feedback.title == "Map")
        #expect(feedback.text == "The new map is great")
        #expect(feedback.rating == 4)
        #expect(feedback.ratingScale == Feedback.RatingScale(1, 5))
        #expect(feedback.timestamp == Timestamp("2021-01-01"))
        #expect(feedback.editedAt == Timestamp("2021-01-02"))
        #expect(feedback.revision == Timestamp("2021-01-02")?.milliseconds)
        #expect(feedback.labels == ["map", "ui"])
        #expect(feedback.custom == ["remark": "kept"])
        #expect(feedback.author.email == "ada@example.com")
        #expect(feedback.collectedAt == .then)
        #expect(feedback.contentHash.utf8.count == 32)
        #expect(feedback.engines == (try bench.handler().engineIdentities))
    }

    @Test func aDeliveryIsSplitInOrder() async throws {
        let bench = try await Bench()
        let notes = (0..<5).map { #"{"id":"n\#($0)","text":"Note \#($0)","spam":\#($0 == 3)}"# }
        let positions = try await bench.push([#"{"notes":[\#(notes.joined(separator: ","))]}"#])
        try await bench.drain(try bench.handler())
        let found = try await bench.feedback()
        #expect(found.map(\.source.externalID) == ["n0", "n1", "n2", "n4"])
        #expect(found.map(\.raw.item) == [0, 1, 2, 4])
        #expect(found.allSatisfy { $0.raw.partition == positions[0].partition && $0.raw.offset == positions[0].offset })
        let counts = try await bench.ledger().total
        #expect(counts.events == 1)
        #expect(counts.extra == 4)
        #expect(counts.emitted == 4)
        #expect(counts.filtered == 1)
        #expect(counts.isBalanced)
    }

    @Test func feedbackKeepsTheOrderOfItsRawPartition() async throws {
        let bench = try await Bench()
        try await bench.push(
            (0..<500).map { #"{"id":"n\#($0 % 7)","text":"State \#($0) of it"}"# }, key: { "n\($0 % 7)" })
        try await bench.drain(try bench.handler(), limit: 64)
        for partition in 0..<Topic.feedback.partitions {
            var last: [Int: Feedback.RawReference] = [:]
            for record in try await bench.all(of: .feedback, partition: partition) {
                let raw = try Feedback(try JSONDocument(parsing: record.value ?? []).root).raw
                if let before = last[raw.partition] { #expect(before < raw) }
                last[raw.partition] = raw
            }
        }
        #expect(try await bench.feedback().count == 500)
    }

    @Test func aDeletionIsSaid() async throws {
        let bench = try await Bench()
        try await bench.push([#"{"id":"n1","deleted":"2021-02-03T00:00:00Z"}"#])
        try await bench.drain(try bench.handler())
        let feedback = try #require(try await bench.feedback().first)
        #expect(feedback.deletedAt == Timestamp("2021-02-03"))
        #expect(feedback.revision == Timestamp("2021-02-03")?.milliseconds)
        #expect(feedback.text.isEmpty)
        #expect(feedback.engines.isEmpty)
    }

    @Test func anEditThatLeavesNoWordsIsSaid() async throws {
        let bench = try await Bench()
        try await bench.push(
            [
                #"{"id":"n1","text":"Words","updated_at":"2021-01-01T00:00:00Z"}"#,
                #"{"id":"n1","text":"<p> </p>","format":"html","updated_at":"2021-01-02T00:00:00Z"}"#,
            ], key: { _ in "n1" })
        try await bench.drain(try bench.handler())
        let found = try await bench.feedback()
        #expect(found.map(\.text) == ["Words", ""])
        #expect(found.map(\.id).allSatisfy { $0 == found[0].id })
    }

    @Test func aStreamThatWasDeletedIsFiltered() async throws {
        let bench = try await Bench()
        try await bench.directory.publish([.stream(bench.record(status: .deleted))])
        try await bench.push([#"{"id":"n1","text":"Too late"}"#])
        try await bench.drain(try bench.handler())
        #expect(try await bench.feedback().isEmpty)
        let ledger = try await bench.ledger()
        #expect(ledger.total.filtered == 1)
        #expect(ledger.workspaces.map(\.workspace) == [bench.workspace])
    }

    @Test func aStreamThatThisProcessHasNotHeardOfYetIsLookedUp() async throws {
        let bench = try await Bench()
        let elsewhere = Directory(log: bench.log, logger: .quiet)
        try await elsewhere.load()
        let fresh = StreamID.make()
        try await elsewhere.publish([
            .stream(
                StreamRecord(
                    id: fresh, workspace: bench.workspace, connection: bench.connection, connector: "notes",
                    name: "fresh", createdAt: .then))
        ])
        var batch = RecordBatch()
        batch.append(key: "k", headers: bench.headers(stream: fresh), value: Array(#"{"id":"1","text":"Hello"}"#.utf8))
        try await bench.log.append(batch, to: .raw)
        try await bench.drain(try bench.handler())
        #expect(try await bench.feedback().map(\.source.stream) == [fresh])
    }

    @Test func equalContentHasAnEqualHashAndAnEditAnother() async throws {
        let bench = try await Bench()
        try await bench.push(
            [
                #"{"id":"1","text":"The same","labels":["a","b"]}"#,
                #"{"id":"1","text":"The same","labels":["b","a"]}"#,
                #"{"id":"1","text":"Not the same","labels":["a","b"]}"#,
                #"{"id":"1","text":"The same","labels":["ab"]}"#,
                #"{"id":"1","title":"The","text":" same","labels":["a","b"]}"#,
                #"{"id":"1","text":"The same","labels":["a","b"],"rating":3}"#,
            ], key: { _ in "one" })
        try await bench.drain(try bench.handler())
        let hashes = try await bench.feedback().map(\.contentHash)
        #expect(hashes.count == 6)
        #expect(hashes[0] == hashes[1])
        #expect(Set(hashes).count == 5)
    }

    @Test func theRoleRuns() async throws {
        let bench = try await Bench()
        let role = try await ParserRole.build(try bench.context())
        #expect(await role.readiness().allSatisfy(\.isHealthy))
        try await withRunning(role.services[0], role.services[1], logger: .quiet) {
            try await bench.push([#"{"id":"1","text":"Hello"}"#, "no JSON"])
            try await waitUntil("both are done with") { try await bench.ledger().total.items == 2 }
            let store = DeadLetterStore(database: bench.database)
            try await waitUntil("the dead letter is kept") { try await store.count(DeadLetterStore.Filter()) == 1 }
        }
        #expect(try await bench.feedback().count == 1)
    }
}
