import ByteJSON
import Foundation
import TestKit
import Testing

/// Kills, cuts, restarts and zombies while the roles work apart, and whether anybody can tell afterwards.
@Suite("Roles apart", .serialized)
struct DistributedKillTests {
    /// `EARSHOT_TEST_SEED` and `EARSHOT_TEST_ROUNDS` have a plan played again.
    private static func plan() -> DisturbancePlan {
        let environment = ProcessInfo.processInfo.environment
        return DisturbancePlan(
            seed: environment["EARSHOT_TEST_SEED"].flatMap { UInt64($0) } ?? .random(in: 0..<1_000_000),
            rounds: environment["EARSHOT_TEST_ROUNDS"].flatMap { Int($0) } ?? 100)
    }

    @Test(
        "a hundred kills, cuts, restarts and zombies leave the tables of an undisturbed run",
        .timeLimit(.minutes(30)))
    func disturbances() async throws {
        let plan = Self.plan()
        try await Self.compare(with: plan.description) { installation, scenario in
            let (client, stage) = try await scenario.set(on: installation)
            let customers = Customers {
                try await scenario.perform(stage, with: client, on: installation)
                try await scenario.askAgain(stage, with: client)
            }
            let begun = ContinuousClock.now
            for (number, round) in plan.rounds.enumerated() {
                try await Task.sleep(for: .milliseconds(round.pause))
                do {
                    try await round.disturbance.happen(to: installation)
                } catch {
                    throw ProcessFailure("round \(number + 1): \(error)")
                }
            }
            let time = ContinuousClock.now - begun
            await customers.leave()
            let books = try? await installation.doctor()
            print(
                """
                seed \(plan.seed): \(plan.rounds.count) rounds in \(time), everything said \(customers.rounds) times, \
                \(books?["accepted"]?.int64 ?? -1) items accepted, \(books?["in_flight"]?.int64 ?? -1) of them in flight
                """)
            return try await scenario.finish(stage, with: client, on: installation)
        }
    }

    /// `EARSHOT_TEST_CUT_SECONDS`, longer than what an append, a session and a lease last.
    private static let cut = ProcessInfo.processInfo.environment["EARSHOT_TEST_CUT_SECONDS"].flatMap { Int($0) }

    @Test(
        "a broker that is away for minutes leaves the tables of an undisturbed run",
        .enabled(if: cut != nil, "SKIPPED: EARSHOT_TEST_CUT_SECONDS=150 cuts the broker off for as long"),
        .timeLimit(.minutes(30)))
    func longCut() async throws {
        let time = try #require(Self.cut)
        try await Self.compare(with: "cut for \(time) s") { installation, scenario in
            let (client, stage) = try await scenario.set(on: installation)
            let customers = Customers {
                try await scenario.perform(stage, with: client, on: installation)
                try await scenario.askAgain(stage, with: client)
            }
            try await installation.broker.cut(for: .seconds(time))
            await customers.leave()
            return try await scenario.finish(stage, with: client, on: installation)
        }
    }

    @Test("a second and a third parser that come while events wait lose nothing and double nothing")
    func moreParsers() async throws {
        try await Self.compare(with: "three parsers") { installation, scenario in
            let (client, stage) = try await scenario.set(on: installation)
            try installation.process("parser").kill()
            try await scenario.perform(stage, with: client, on: installation)
            try await installation.process("parser").start()
            for number in 2...3 { try await installation.another("parser", number: number).start() }
            return try await scenario.finish(stage, with: client, on: installation)
        }
    }

    private static func compare(
        with comment: String, _ body: (DistributedInstallation, Scenario) async throws -> Tables
    ) async throws {
        let expected = try await Scenario.expected.value
        let installation = try await DistributedInstallation()
        defer { installation.kill() }
        do {
            try await installation.start()
            let found = try await Scenario.withScenario { try await body(installation, $0) }
            #expect(found == expected, "\(comment)\n\(found.differences(from: expected).joined(separator: "\n"))")
        } catch {
            Issue.record(error, "\(comment)\n\(installation.lastWords)")
        }
    }
}
