import Common
import Synchronization

/// A database whose process dies at one of its transactions: from then on nothing is read or written, as far as that
/// process knows.
final class MortalDatabase: Database {
    enum Death: Sendable, CaseIterable {
        /// What is being written is not committed.
        case before
        /// It is, and the process does not live to know.
        case after
    }

    private struct State {
        /// Transactions until death; nil is none in sight.
        var left: Int?
        var death = Death.before
        var isDead = false
    }
    private let database: any Database
    private let state = Mutex(State())

    init(_ database: any Database) { self.database = database }

    var dialect: Dialect { database.dialect }
    var isDead: Bool { state.withLock { $0.isDead } }

    /// Dies at the `count`-th transaction from now on.
    func die(at count: Int, _ death: Death) {
        state.withLock { state in
            state.left = count
            state.death = death
        }
    }

    private static let gone = DatabaseError.unavailable("this process is dead")

    func read<Value: Sendable>(_ body: @escaping @Sendable (any DatabaseConnection) throws -> Value) async throws
        -> Value
    {
        if isDead { throw Self.gone }
        return try await database.read(body)
    }

    func write<Value: Sendable>(_ body: @escaping @Sendable (any DatabaseConnection) throws -> Value) async throws
        -> Value
    {
        let death = try state.withLock { state -> Death? in
            if state.isDead { throw Self.gone }
            guard let left = state.left else { return nil }
            state.left = left - 1
            guard left <= 1 else { return nil }
            state.isDead = true
            return state.death
        }
        if death == .before { throw Self.gone }
        let value = try await database.write(body)
        if death == .after { throw Self.gone }
        return value
    }

    func notifications(_ channel: String) -> AsyncStream<Void> { database.notifications(channel) }
    func migrate(_ migrations: [Migration]) async throws { try await database.migrate(migrations) }
    func close() async throws { try await database.close() }
}
