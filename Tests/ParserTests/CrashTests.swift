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

/// Killed between any two steps and started again, the parser leaves the same feedback and an exact ledger.
@Suite struct CrashTests {
    private static let payloads = [
        #"{"id":"1","text":"One"}"#, "broken",
        #"{"notes":[{"id":"2","text":"Two"},{"id":"3"},{"id":"4","text":"Four"}]}"#,
        #"{"id":"5","text":"Five","spam":true}"#, #"{"id":"6","text":"Six"}"#, "[", #"{"id":"1","text":"One, edited"}"#,
        #"{"notes":[]}"#, #"{"id":"7","text":"Seven"}"#,
    ]

    /// One process after another until the topic is done with; those before the last die at the given edges.
    private func run(
        _ bench: Bench, deadlyEdges: [Int], limit: Int, between: () async throws -> Void = {}
    ) async throws -> Faults {
        for deadly in deadlyEdges {
            let faults = Faults(deadly: deadly)
            let handler = try bench.handler(
                log: FaultyLog(base: bench.log, faults: faults),
                database: FaultyDatabase(base: bench.database, faults: faults))
            do {
                try await bench.drain(handler, limit: limit)
            } catch is Faults.Crash {}
            try await between()
        }
        let faults = Faults()
        try await bench.drain(
            try bench.handler(
                log: FaultyLog(base: bench.log, faults: faults),
                database: FaultyDatabase(base: bench.database, faults: faults)),
            limit: limit)
        return faults
    }

    private func keys(onePartition: Bool) -> (Int) -> String {
        { onePartition ? "one" : "k\($0)" }
    }

    @Test(arguments: [true, false], [1, 4, 1000])
    func everyEdge(onePartition: Bool, limit: Int) async throws {
        let undisturbed = try await Bench()
        try await undisturbed.push(Self.payloads, key: keys(onePartition: onePartition))
        let edges = try await run(undisturbed, deadlyEdges: [], limit: limit).passed
        #expect(edges > 6)
        let expected = try await Picture(of: undisturbed)
        #expect(expected.counts.emitted == 6)
        #expect(expected.counts.dead == 3)
        #expect(expected.counts.filtered == 2)
        for edge in stride(from: limit == 1 ? 0 : 10, to: edges, by: limit == 1 ? 7 : 1) {
            let bench = try await Bench()
            try await bench.push(Self.payloads, key: keys(onePartition: onePartition))
            _ = try await run(bench, deadlyEdges: [edge, edge / 2], limit: limit)
            #expect(try await Picture(of: bench) == expected, "died at edge \(edge) of \(edges)")
        }
    }

    /// A rule may change while the process is down: what went out stays counted as out, what did not as not.
    @Test(arguments: 11..<21)
    func theMappingChangesAfterACrash(edge: Int) async throws {
        let bench = try await Bench()
        try await bench.push(Self.payloads, key: keys(onePartition: true))
        _ = try await run(bench, deadlyEdges: [edge], limit: 1000) {
            try await bench.directory.publish([.stream(bench.record(status: .deleted))])
        }
        let ledger = try await bench.ledger()
        #expect(ledger.total.isBalanced)
        #expect(ledger.total.emitted == (try await bench.feedback().count))

        // And the other way round: what was left out would pass now.
        let other = try await Bench()
        try await other.directory.publish([.stream(other.record(status: .deleted))])
        try await other.push(Array(Self.payloads.prefix(3)), key: keys(onePartition: true))
        try await other.drain(try other.handler())
        try await other.directory.publish([.stream(other.record())])
        try await other.push(Self.payloads, key: keys(onePartition: true))
        _ = try await run(other, deadlyEdges: [edge, edge], limit: 1000)
        let second = try await other.ledger()
        #expect(second.total.isBalanced)
        #expect(second.total.emitted == (try await other.feedback().count))
    }

    @Test func aConsumerThatLostItsPartitionWritesNothing() async throws {
        let bench = try await Bench()
        try await bench.push(Self.payloads, key: keys(onePartition: true))
        let zombie = try bench.handler()
        let stale = try await batch(bench, zombie)
        try await bench.drain(try bench.handler())
        let before = try await Picture(of: bench)
        await #expect(throws: EventLogError.self) { try await zombie.handle([stale]) }
        #expect(try await Picture(of: bench) == before)
    }

    private func batch(_ bench: Bench, _ handler: RawEventHandler) async throws -> PartitionBatch {
        let consumer = try await bench.log.consumer(of: .raw, group: ConsumerGroup("zombie")) {
            try await handler.start(of: $0)
        }
        let batch = try await consumer.next(limit: 1000, wait: .seconds(1))
        await consumer.close()
        return try #require(batch.first)
    }

    /// Any sequence of good, bad, filtered and split events, with any crashes, is accounted for to the last item.
    @Test(arguments: 0..<12)
    func anySequenceWithAnyCrashes(seed: UInt64) async throws {
        var random = RandomSource(seed: seed)
        let payloads = (0..<Int.random(in: 1...80, using: &random)).map { Self.payload($0, &random) }
        let partitions = Int.random(in: 1...6, using: &random)
        let key: (Int) -> String = { "k\($0 % partitions)" }

        let undisturbed = try await Bench()
        try await undisturbed.push(payloads, key: key)
        let edges = try await run(undisturbed, deadlyEdges: [], limit: 1000).passed
        let expected = try await Picture(of: undisturbed)
        #expect(expected.counts.events == payloads.count)
        #expect(expected.counts.isBalanced)

        let bench = try await Bench()
        let half = payloads.count / 2
        try await bench.push(Array(payloads[..<half]), key: key)
        let crashes = (0..<Int.random(in: 1...4, using: &random)).map { _ in Int.random(in: 0..<edges, using: &random) }
        let limit = Int.random(in: 1...50, using: &random)
        _ = try await run(bench, deadlyEdges: crashes, limit: limit)
        try await bench.push(Array(payloads[half...]), key: { key($0 + half) })
        _ = try await run(bench, deadlyEdges: crashes.reversed(), limit: limit)
        #expect(try await Picture(of: bench) == expected)
    }

    private static func payload(_ number: Int, _ random: inout RandomSource) -> String {
        func note(_ random: inout RandomSource) -> String {
            let id = Int.random(in: 0..<20, using: &random)
            switch Int.random(in: 0..<10, using: &random) {
            case 0: return #"{"id":"\#(id)"}"#
            case 1: return #"{"id":"\#(id)","text":"Spam","spam":true}"#
            case 2: return #"{"id":"\#(id)","deleted":true}"#
            case 3: return "7"
            default: return #"{"id":"\#(id)","text":"Note \#(number) of this run"}"#
            }
        }
        switch Int.random(in: 0..<8, using: &random) {
        case 0: return "no JSON"
        case 1:
            let notes = (0..<Int.random(in: 0...6, using: &random)).map { _ in note(&random) }
            return #"{"notes":[\#(notes.joined(separator: ","))]}"#
        default: return note(&random)
        }
    }

    /// All that can be seen from outside.
    private struct Picture: Equatable {
        var feedback: [String]
        var deadLetters: [String]
        var counts: ParserLedger.Counts
        var next: Int64

        init(of bench: Bench) async throws {
            let ledger = try await bench.ledger()
            feedback = try await bench.feedback().map { "\($0.source.externalID): \($0.text) \($0.deletedAt != nil)" }
                .sorted()
            deadLetters = try await bench.deadLetters().map { "\($0.reason) \($0.item)" }.sorted()
            counts = ledger.total
            next = ledger.positions.reduce(0) { $0 + $1.next }
        }
    }
}
