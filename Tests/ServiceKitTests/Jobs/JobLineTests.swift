import Common
import TestKit
import Testing

@testable import ServiceKit

/// Who is next in line, after whatever happened to those that wait: against a plain list.
@Suite("The line of jobs", .timeLimit(.minutes(5)))
struct JobLineTests {
    /// What the line is to be.
    private struct Model {
        struct Entry {
            var lane: Lane
            var due: Timestamp
        }
        var waiting: [JobID: Entry] = [:]
        var running: [JobID: Lane] = [:]
    }

    @Test("takes the oldest of each lane, loses none and takes none twice", arguments: TestDatabase.Engine.allCases)
    func line(on engine: TestDatabase.Engine) async throws {
        let bench = try await JobBench(engine)
        var definition = bench.kind { _ in }
        definition.limit = 1000
        definition.workspaceLimit = 1000
        definition.retry = RetryPolicy(attempts: 1000)
        let kept = definition
        for seed in 0..<(engine == .sqlite ? 12 : 4) {
            var random = RandomSource(seed: UInt64(seed))
            var model = Model()
            for _ in 0..<60 { try await step(&model, bench, kept, &random) }
            bench.pass(7200)
            // Whatever waits is taken in the end.
            while !model.waiting.isEmpty {
                let before = model.waiting.count
                try await claim(50, &model, bench, kept)
                try #require(model.waiting.count < before, "\(model.waiting.count) are lost")
            }
            for id in model.running.keys { _ = try await bench.table { try $0.cancel(id, reason: "the end") } }
            #expect(try await bench.database.read { try $0.query("SELECT name FROM job_line") { $0.text(0) } } == [])
        }
    }

    @Test("what is over its deadline is not begun, and holds nobody up", arguments: TestDatabase.Engine.allCases)
    func late(on engine: TestDatabase.Engine) async throws {
        let bench = try await JobBench(engine)
        let definition = bench.kind { _ in }
        func enqueue(_ count: Int, deadline: Duration) async throws -> [JobID] {
            try await bench.table { table in
                try (0..<count).map { _ in
                    try table.enqueue(JobRequest("k", workspace: workspaceA), deadline: deadline).job.id
                }
            }
        }
        let late = try await enqueue(3, deadline: .seconds(10))
        bench.pass(20)
        let waiting = try await enqueue(2, deadline: .seconds(10))
        let taken = try await bench.table { table in
            try table.claim(1, of: ["k": definition], by: "w", leaseEnds: table.now.advanced(bySeconds: 30))
        }
        #expect(taken.map(\.id) == [waiting[0]])
        for id in late { #expect(try await bench.job(id)?.state == .expired) }
        #expect(try await bench.job(waiting[1])?.state == .requested)
    }

    @Test("a history says who took a job up, before and after it is over", arguments: TestDatabase.Engine.allCases)
    func history(on engine: TestDatabase.Engine) async throws {
        let bench = try await JobBench(engine)
        let definition = bench.kind { _ in }
        let id = try await bench.table {
            try $0.enqueue(JobRequest("k", workspace: workspaceA), deadline: .seconds(1000)).job.id
        }
        func take(by worker: String) async throws -> Job {
            bench.pass(1)
            return try #require(
                try await bench.table { table in
                    try table.claim(1, of: ["k": definition], by: worker, leaseEnds: table.now.advanced(bySeconds: 30))
                }.first)
        }
        let job = try await take(by: "first")
        #expect(try await bench.job(id)?.history.map(\.reason) == ["requested", "taken up by first"])
        bench.pass(1)
        _ = try await bench.table { try $0.settle(job, .again(after: 0, reason: "busy")) }
        _ = try await take(by: "second")
        _ = try await bench.table { try $0.cancel(id, reason: "enough") }
        let history = try #require(try await bench.job(id)?.history)
        #expect(
            history.map(\.reason) == [
                "requested", "taken up by first", "busy", "taken up by second", "enough",
            ])
        #expect(history.map(\.state) == [.requested, .running, .requested, .running, .cancelled])
        #expect(
            zip(history, history.dropFirst()).map { $1.at.milliseconds - $0.at.milliseconds } == [1000, 1000, 1000, 0])
    }

    private func step(
        _ model: inout Model, _ bench: JobBench, _ definition: JobDefinition, _ random: inout RandomSource
    ) async throws {
        switch Int.random(in: 0..<10, using: &random) {
        case 0..<4:
            for _ in 0..<Int.random(in: 1...5, using: &random) {
                var request = JobRequest("k", workspace: [workspaceA, workspaceB, nil].randomElement(using: &random)!)
                request.priority = [5, 5, 9].randomElement(using: &random)!
                if Int.random(in: 0..<4, using: &random) == 0 { request.due = bench.now.advanced(bySeconds: 30) }
                // Processes have clocks of their own: one is late.
                let slow = Int.random(in: 0..<4, using: &random) == 0 ? -5.0 : 0
                let (asked, at) = (request, bench.now.advanced(bySeconds: slow))
                let job = try await bench.database.write {
                    try JobTable($0, at: at).enqueue(asked, deadline: .seconds(1_000_000)).job
                }
                model.waiting[job.id] = .init(
                    lane: Lane(kind: "k", workspace: job.workspace, priority: job.priority), due: job.due)
            }
        case 4..<7: try await claim(Int.random(in: 1...8, using: &random), &model, bench, definition)
        case 7:
            guard let id = model.waiting.keys.sorted().randomElement(using: &random) else { return }
            _ = try await bench.table { try $0.cancel(id, reason: "not wanted") }
            let entry = model.waiting.removeValue(forKey: id)
            if Bool.random(using: &random), let entry {
                _ = try await bench.table { try $0.retry(id, deadline: .seconds(1_000_000), reason: "after all") }
                model.waiting[id] = .init(lane: entry.lane, due: bench.now)
            }
        case 8:
            guard let id = model.running.keys.sorted().randomElement(using: &random) else { return }
            let pause = [0.0, 20].randomElement(using: &random)!
            try await bench.table { table in
                let job = try #require(try table.job(id))
                _ = try table.settle(job, .again(after: pause, reason: "busy"))
            }
            model.waiting[id] = .init(
                lane: model.running.removeValue(forKey: id)!, due: bench.now.advanced(bySeconds: pause))
        default: bench.pass(Double.random(in: 0...20, using: &random))
        }
    }

    private func claim(
        _ limit: Int, _ model: inout Model, _ bench: JobBench, _ definition: JobDefinition
    ) async throws {
        let taken = try await bench.table { table in
            try table.sweep([:])
            return try table.claim(
                limit, of: ["k": definition], by: "w", leaseEnds: table.now.advanced(bySeconds: 1_000_000))
        }
        let now = bench.now
        let ready = model.waiting.filter { $0.value.due <= now }
        #expect(taken.count == min(limit, ready.count))
        #expect(Set(taken.map(\.id)).count == taken.count)
        let takenOfLane = Dictionary(grouping: taken.map(\.id)) { ready[$0]?.lane }
        #expect(takenOfLane[nil] == nil, "it was not in line")
        for (lane, ids) in takenOfLane {
            let oldest = ready.filter { $0.value.lane == lane }.keys.sorted().prefix(ids.count)
            #expect(ids.sorted() == Array(oldest))
        }
        for job in taken { model.running[job.id] = model.waiting.removeValue(forKey: job.id)?.lane }
    }
}
