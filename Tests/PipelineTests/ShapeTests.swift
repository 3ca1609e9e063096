import TestKit
import Testing

/// The pipeline scenario, the same in both shapes.
@Suite("The pipeline", .serialized)
struct ShapeTests {
    @Test("shows the same in every shape", .timeLimit(.minutes(10)), arguments: Shape.allCases)
    func scenario(shape: Shape) async throws {
        let expected = try await Scenario.expected.value
        let found = try await Scenario.withScenario { try await $0.undisturbed(in: shape) }
        #expect(found == expected, "\(found.differences(from: expected).joined(separator: "\n"))")
    }
}
