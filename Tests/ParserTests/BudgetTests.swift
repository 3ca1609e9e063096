import ByteJSON
import Common
import Connectors
import Engines
import Foundation
import Logging
import SQLiteDatabase
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

    @Test func aBurstStopsTheParserAndLosesNothing() async throws {
        let bench = try await Bench()
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
        let bench = try await Bench()
        let handler = try bench.handler(settings: Self.settings)
        handler.allow(failures: 15)
        try await bench.push(Array(repeating: Self.bad, count: 30), key: { _ in "one" })
        try await bench.drain(handler)
        try await bench.push(Array(repeating: Self.bad, count: 30), key: { _ in "one" })
        await #expect(throws: StoppedReason.self) { try await bench.drain(handler) }
        #expect(try await bench.ledger().total.dead == 30)
    }

    @Test func aMendedMappingLetsItGoOn() async throws {
        let bench = try await Bench()
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
        let bench = try await Bench()
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
