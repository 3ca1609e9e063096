import TestKit
import Testing

/// Kills the program again and again while it works, and looks whether anybody can tell afterwards.
@Suite("Killed at any moment", .serialized)
struct KillTests {
    static let kills = 200

    @Test(
        "two hundred kills during fetch, hooks and import leave the tables of an undisturbed run",
        .timeLimit(.minutes(20)))
    func kills() async throws {
        let expected = try await Scenario.expected.value
        let found = try await Scenario.withScenario { scenario in
            try await Shape.embedded.run { try await Self.disturb($0, scenario) }
        }
        #expect(found == expected, "\(found.differences(from: expected).joined(separator: "\n"))")
    }

    private static func disturb(_ server: any Installation, _ scenario: Scenario) async throws -> Tables {
        let (client, stage) = try await scenario.set(on: server)
        let customers = Customers { try await scenario.perform(stage, with: client, on: server) }
        var random = SystemRandomNumberGenerator()
        for _ in 0..<kills {
            try await Task.sleep(for: .milliseconds(Int.random(in: 5...250, using: &random)))
            await server.kill()
            try await server.start()
        }
        await customers.leave()
        // Once more to the end, so that everything was said.
        return try await scenario.finish(stage, with: client, on: server)
    }
}
