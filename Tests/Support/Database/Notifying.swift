import Common
import Synchronization
import Testing

extension DatabaseConformance {
    private struct ChangedMyMind: Error {}

    static let notifying: [DatabaseBehaviour] = [
        DatabaseBehaviour("rings who listens when a transaction that notifies is committed, and not before") { bench in
            let database = try await bench.withItems()
            let rings = Rings(of: database, "news")
            let others = Rings(of: database, "other news")
            defer {
                rings.stop()
                others.stop()
            }
            try await rings.settle(database, "news")
            try await others.settle(database, "other news")
            let (before, beforeOthers) = (rings.count, others.count)
            let gate = Gate()
            async let written: Void = database.write { connection in
                try connection.execute("INSERT INTO item (id) VALUES (1)")
                for _ in 0..<3 { try connection.notify("news") }
                gate.wait()
            }
            try await Task.sleep(for: .milliseconds(50))
            #expect(rings.count == before)
            gate.open()
            try await written
            try await waitUntil("it rings") { rings.count > before }
            #expect(others.count == beforeOthers)
        },
        DatabaseBehaviour("rings for nothing that was undone") { bench in
            let database = try await bench.withItems()
            let rings = Rings(of: database, "news")
            defer { rings.stop() }
            try await rings.settle(database, "news")
            let before = rings.count
            await #expect(throws: ChangedMyMind.self) {
                try await database.write { connection in
                    try connection.notify("news")
                    throw ChangedMyMind()
                }
            }
            try await Task.sleep(for: .milliseconds(50))
            #expect(rings.count == before)
        },
        DatabaseBehaviour("rings everybody who listens, and keeps a ring for who is busy") { bench in
            let database = try await bench.withItems()
            let kept = database.notifications("news")
            let rings = [Rings(of: database, "news"), Rings(of: database, "news")]
            defer { for one in rings { one.stop() } }
            for one in rings { try await one.settle(database, "news") }
            let before = rings.map(\.count)
            try await database.write { try $0.notify("news") }
            try await waitUntil("all hear it") { zip(rings, before).allSatisfy { $0.count > $1 } }
            for await _ in kept { break }
        },
        DatabaseBehaviour("ends what rings when it is closed") { bench in
            let database = try await bench.withItems()
            let rings = database.notifications("news")
            try await database.close()
            for await _ in rings {}
            for await _ in database.notifications("news") {}
        },
    ]
}

/// Counts the rings of a channel.
private final class Rings: Sendable {
    private let counted = Mutex(0)
    private let work = Mutex<Task<Void, Never>?>(nil)

    init(of database: any Database, _ channel: String) {
        let rings = database.notifications(channel)
        let task = Task { for await _ in rings { counted.withLock { $0 += 1 } } }
        work.withLock { $0 = task }
    }

    var count: Int { counted.withLock { $0 } }
    func stop() { work.withLock { $0?.cancel() } }

    /// Waits until it is heard, and nothing rings any more.
    func settle(_ database: any Database, _ channel: String) async throws {
        try await database.write { try $0.notify(channel) }
        try await waitUntil("somebody listens") { self.count > 0 }
        var last = -1
        while last != count {
            last = count
            try await Task.sleep(for: .milliseconds(50))
        }
    }
}
