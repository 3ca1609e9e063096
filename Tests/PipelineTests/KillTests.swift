import ByteJSON
import Common
import Demo
import Foundation
import Glibc
import ServiceLifecycle
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
        let world = World.generate(seed: 7, items: 3000)
        let forumServer = ForumServer(Forum(of: world), refuseEvery: 90)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await forumServer.run() }
            let port = try #require(await forumServer.port())
            let scenario = Scenario(world: world, forumAddress: "http://127.0.0.1:\(port)")
            let expected = try await Self.undisturbed(scenario)
            let truth = Truth(of: world) { $0.rawValue }
            #expect(expected.feedback.count >= truth.feedback)
            let found = try await Self.disturbed(scenario)
            #expect(found == expected, "\(found.differences(from: expected).joined(separator: "\n"))")
            group.cancelAll()
        }
    }

    private static func undisturbed(_ scenario: Scenario) async throws -> Tables {
        try await withServer { server in
            let (client, stage) = try await scenario.set(on: server)
            try await scenario.perform(stage, with: client, on: server)
            try await server.settle()
            let books = try server.doctor(deep: true)
            #expect(books["balanced"]?.bool == true && books["healthy"]?.bool == true, "\(JSONText(books))")
            return try await Tables.read(workspace: stage.workspace, with: client)
        }
    }

    private static func disturbed(_ scenario: Scenario) async throws -> Tables {
        try await withServer { server in
            let (client, stage) = try await scenario.set(on: server)
            try await withThrowingTaskGroup(of: Void.self) { group in
                // the customers go on and on, and say everything again, as senders do that heard no answer
                let work = Task {
                    while !Task.isCancelled { try await scenario.perform(stage, with: client, on: server) }
                }
                var random = SystemRandomNumberGenerator()
                for _ in 0..<kills {
                    try await Task.sleep(for: .milliseconds(Int.random(in: 5...250, using: &random)))
                    server.kill()
                    try await server.start()
                }
                work.cancel()
                _ = try? await work.value
                group.cancelAll()
            }
            // once more to the end, so that everything was said
            try await scenario.perform(stage, with: client, on: server)
            try await server.settle()
            let books = try server.doctor(deep: true)
            #expect(books["balanced"]?.bool == true && books["healthy"]?.bool == true, "\(JSONText(books))")
            return try await Tables.read(workspace: stage.workspace, with: client)
        }
    }

    private static func withServer<Value>(_ body: (ServerProcess) async throws -> Value) async throws -> Value {
        let folder = try TemporaryFolder()
        let server = try ServerProcess(data: folder.path)
        try await server.start()
        do {
            let value = try await body(server)
            server.kill()
            return value
        } catch {
            server.kill()
            throw error
        }
    }
}
