public import Common
import Synchronization

/// Counts the edges of work, before and after each effect, and dies at one of them.
public final class Faults: Sendable {
    private let state: Mutex<(passed: Int, deadly: Int?)>

    /// - Parameter deadly: The edge to die at; nil only counts.
    public init(deadly: Int? = nil) { state = Mutex((0, deadly)) }

    /// How many edges were passed.
    public var passed: Int { state.withLock { $0.passed } }

    /// Passes one edge, or dies there.
    public func edge() throws {
        try state.withLock { state in
            defer { state.passed += 1 }
            if state.deadly == state.passed { throw Crash() }
        }
    }

    public struct Crash: Error {}
}

/// A real log whose process dies before an append, half-way through it, or after it.
public struct FaultyLog: ForwardingLog {
    public let base: any EventLog
    let faults: Faults

    public init(base: any EventLog, faults: Faults) {
        self.base = base
        self.faults = faults
    }

    public func append(_ batch: RecordBatch, to topic: Topic) async throws -> [LogPosition] {
        try faults.edge()
        do {
            try faults.edge()
        } catch {
            try await base.append(batch.firstHalf, to: topic)
            throw error
        }
        let positions = try await base.append(batch, to: topic)
        try faults.edge()
        return positions
    }
}

/// A real database whose process dies before a transaction, inside it, or after it.
public struct FaultyDatabase: Database {
    let base: any Database
    let faults: Faults

    public init(base: any Database, faults: Faults) {
        self.base = base
        self.faults = faults
    }

    public var dialect: Dialect { base.dialect }
    public func read<Value: Sendable>(_ body: @escaping @Sendable (any DatabaseConnection) throws -> Value) async throws
        -> Value
    {
        try await base.read(body)
    }
    public func write<Value: Sendable>(_ body: @escaping @Sendable (any DatabaseConnection) throws -> Value)
        async throws
        -> Value
    {
        try faults.edge()
        let faults = faults
        let value = try await base.write { connection in
            let value = try body(connection)
            try faults.edge()
            return value
        }
        try faults.edge()
        return value
    }
    public func notifications(_ channel: String) -> AsyncStream<Void> { base.notifications(channel) }

    public func migrate(_ migrations: [Migration]) async throws { try await base.migrate(migrations) }
    public func close() async throws { try await base.close() }
}

extension RecordBatch {
    var firstHalf: RecordBatch {
        var half = RecordBatch()
        for i in 0..<count / 2 {
            half.append(key: key(at: i), headers: headers(at: i), value: value(at: i), timestamp: timestamp(at: i))
        }
        return half
    }
}
