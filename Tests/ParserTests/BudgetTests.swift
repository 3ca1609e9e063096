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

/// A burst of failures stops the parser rather than draining the topic.
@Suite struct BudgetTests {
    private static let settings: ParserSettings = {
        var settings = ParserSettings()
        settings.deadLetterBudget = DeadLetterBudget(window: 20, ratio: 0.5)
        return settings
    }()
    private static let good = #"{"id":"1","text":"Good"}"#
    private static let bad = #"{"id":"1"}"#

    @Test func theWindow() {
        let budget = DeadLetterBudget(window: 4, ratio: 0.5)
        var outcomes = RecentOutcomes(window: 4)
        for failed in [true, true, true] { outcomes.note(failed: failed) }
        #expect(!outcomes.exceeds(budget))  // not full yet
        outcomes.note(failed: false)
        #expect(outcomes.exceeds(budget))
        outcomes.note(failed: false)
        #expect(!outcomes.exceeds(budget))  // two of four are borne
        #expect(outcomes.failures == 2)
    }

    /// A bench where ours is the only stream: nobody but itself is held up.
    private func alone() async throws -> Bench {
        let bench = try await Bench()
        try await bench.directory.publish([
            .stream(
                StreamRecord(
                    id: bench.otherStream, workspace: bench.otherWorkspace, connection: bench.connection,
                    connector: "notes", name: "theirs", status: .deleted, createdAt: .then))
        ])
        return bench
    }

    /// Appends events to one partition, ours and theirs in turn as `isOurs` says.
    private func push(_ payloads: [String], to bench: Bench, isOurs: (Int) -> Bool) async throws {
        var batch = RecordBatch()
        for (i, payload) in payloads.enumerated() {
            let headers =
                isOurs(i) ? bench.headers() : bench.headers(stream: bench.otherStream, workspace: bench.otherWorkspace)
            batch.append(key: "one", headers: headers, value: Array(payload.utf8))
        }
        try await bench.log.append(batch, to: .raw)
    }

    @Test func oneStreamsBurstHoldsNobodyUp() async throws {
        let bench = try await Bench()
        try await push(Array(repeating: Self.bad, count: 100), to: bench) { _ in true }
        try await push(Array(repeating: Self.good, count: 10), to: bench) { _ in false }
        let handler = try bench.handler(settings: Self.settings)
        try await bench.drain(handler, limit: 30)
        #expect(handler.stopped == nil)
        #expect(try await bench.deadLetters().count == 100, "nothing is lost")
        #expect(try await bench.feedback().count == 10)

        let status = try #require(bench.directory.current.status(of: bench.stream))
        #expect(status.state == .failing)
        #expect(status.workspace == bench.workspace)
        #expect(status.reason?.contains("text is missing") == true)
        #expect(status.reason?.contains("earshot reprocess --stream \(bench.stream)") == true)
        #expect(bench.directory.current.status(of: bench.otherStream) == nil)

        // another process knows it, and that it is over
        let restarted = try bench.handler(settings: Self.settings)
        try await push([Self.good], to: bench) { _ in true }
        try await bench.drain(restarted)
        #expect(bench.directory.current.status(of: bench.stream)?.state == .failing)
        try await push([Self.good], to: bench) { _ in true }
        try await bench.drain(restarted)
        #expect(bench.directory.current.status(of: bench.stream) == nil)
        let elsewhere = Directory(log: bench.log, logger: .quiet)
        try await elsewhere.load()
        #expect(elsewhere.current.status(of: bench.stream) == nil)
    }

    @Test func aBurstOfSeveralCustomersStopsTheParser() async throws {
        let bench = try await Bench()
        try await push(Array(repeating: Self.bad, count: 60), to: bench) { $0.isMultiple(of: 3) }
        await #expect(throws: StoppedReason.self) {
            try await bench.drain(try bench.handler(settings: Self.settings))
        }
        #expect(try await bench.deadLetters().isEmpty)
    }

    @Test func whoseAffairItIs() {
        func outcomes(_ items: [(workspace: String, stream: String, failed: Bool)]) -> PartitionOutcomes {
            var outcomes = PartitionOutcomes(DeadLetterBudget(window: 6, ratio: 0.5))
            for item in items {
                outcomes.note(
                    JudgedItem(
                        stream: StreamID("st_" + item.stream), workspace: WorkspaceID("ws_" + item.workspace),
                        failed: item.failed))
            }
            return outcomes
        }
        let many = PartitionOutcomes.Installation(workspaces: 3, streams: 9)
        let one = PartitionOutcomes.Installation(workspaces: 1, streams: 2)
        let alone = PartitionOutcomes.Installation(workspaces: 1, streams: 1)
        let ofOneStream = outcomes(Array(repeating: ("a", "a1", true), count: 6))
        #expect(!ofOneStream.isWidespread(in: many))
        #expect(!ofOneStream.isWidespread(in: one))
        #expect(ofOneStream.isWidespread(in: alone))
        let ofTwoStreams = outcomes((0..<6).map { ("a", "a\($0 % 2)", true) })
        #expect(!ofTwoStreams.isWidespread(in: many), "one customer's")
        #expect(ofTwoStreams.isWidespread(in: one))
        let ofTwoCustomers = outcomes((0..<6).map { ("w\($0 % 2)", "s", true) })
        #expect(ofTwoCustomers.isWidespread(in: many))
        let besideThree = outcomes([
            ("a", "a", true), ("a", "a", true), ("a", "a", true), ("b", "b", true), ("c", "c", false),
            ("d", "d", false),
        ])
        #expect(!besideThree.isWidespread(in: many), "two of four")
    }

    @Test func aBurstStopsTheParserAndLosesNothing() async throws {
        let bench = try await alone()
        try await bench.push(Array(repeating: Self.good, count: 10), key: { _ in "one" })
        let handler = try bench.handler(settings: Self.settings)
        try await bench.drain(handler)
        try await bench.push(Array(repeating: Self.bad, count: 100), key: { _ in "one" })
        let failure = await #expect(throws: StoppedReason.self) { try await bench.drain(handler) }
        #expect(failure?.description.contains("text is missing") == true)
        #expect(handler.stopped != nil)
        #expect(try await bench.deadLetters().isEmpty)
        #expect(try await bench.ledger().total.items == 10)
        // It stops again as long as nothing is done about it.
        await #expect(throws: StoppedReason.self) { try await bench.drain(handler) }

        handler.allow(failures: 100)
        try await bench.drain(handler)
        #expect(handler.stopped == nil)
        #expect(try await bench.deadLetters().count == 100)
        #expect(try await bench.ledger().total.dead == 100)
    }

    @Test func anAllowanceIsUsedUp() async throws {
        let bench = try await alone()
        let handler = try bench.handler(settings: Self.settings)
        handler.allow(failures: 15)
        try await bench.push(Array(repeating: Self.bad, count: 30), key: { _ in "one" })
        try await bench.drain(handler)
        try await bench.push(Array(repeating: Self.bad, count: 30), key: { _ in "one" })
        await #expect(throws: StoppedReason.self) { try await bench.drain(handler) }
        #expect(try await bench.ledger().total.dead == 30)
    }

    @Test func aMendedMappingLetsItGoOn() async throws {
        let bench = try await alone()
        let handler = try bench.handler(settings: Self.settings)
        try await bench.push(Array(repeating: #"{"id":"1","body":"Here"}"#, count: 50), key: { _ in "one" })
        await #expect(throws: StoppedReason.self) { try await bench.drain(handler) }
        try await bench.directory.publish([.stream(bench.record(mapping: ["text": "body"]))])
        try await bench.drain(handler)
        #expect(handler.stopped == nil)
        #expect(try await bench.feedback().count == 50)
        #expect(try await bench.deadLetters().isEmpty)
    }

    @Test func scatteredFailuresAreBorne() async throws {
        let bench = try await Bench()
        let handler = try bench.handler(settings: Self.settings)
        try await bench.push((0..<200).map { $0 % 2 == 0 ? Self.bad : Self.good }, key: { _ in "one" })
        try await bench.drain(handler)
        #expect(try await bench.deadLetters().count == 100)
        #expect(handler.stopped == nil)
    }

    @Test func aStoppedParserIsNotReady() async throws {
        let bench = try await alone()
        try await bench.push(Array(repeating: Self.bad, count: 50), key: { _ in "one" })
        let role = try await ParserRole.build(try bench.context(), settings: Self.settings)
        try await withRunning(role.services[0], logger: .quiet) {
            try await waitUntil("it stops") { await role.readiness().contains { !$0.isHealthy } }
        }
        let check = try #require(await role.readiness().first)
        #expect(check.reason?.contains("/v1/parser/resume") == true)
        #expect(try await bench.deadLetters().isEmpty)
    }
}
