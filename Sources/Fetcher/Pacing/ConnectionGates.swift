import Common
import Synchronization

/// The budgets and breakers of all connections; streams of one connection share theirs.
final class ConnectionGates: Sendable {
    private struct Gate {
        var budget = RequestBudget()
        var breaker: CircuitBreaker
        var lastFailure = ""
    }

    /// Why a request may not be sent now.
    enum Refusal: Sendable, Hashable {
        case quota(until: Timestamp)
        case broken(until: Timestamp, reason: String)
    }

    private let gates = Mutex<[ConnectionID: Gate]>([:])
    private let breaker: CircuitBreaker

    init(breaker: CircuitBreaker) { self.breaker = breaker }

    /// Asks to send a request; whoever may send it must say how it went.
    func admit(_ connection: ConnectionID, at now: Timestamp, perMinute: Int?) -> Refusal? {
        with(connection) { gate in
            if let until = gate.breaker.admit(at: now) { return .broken(until: until, reason: gate.lastFailure) }
            if let until = gate.budget.admit(at: now, perMinute: perMinute) {
                gate.breaker.abandoned(at: now)
                return .quota(until: until)
            }
            return nil
        }
    }

    func succeeded(_ connection: ConnectionID) { with(connection) { $0.breaker.succeeded() } }

    func failed(_ connection: ConnectionID, at now: Timestamp, reason: String) {
        with(connection) { gate in
            gate.breaker.failed(at: now)
            gate.lastFailure = reason
        }
    }

    func abandoned(_ connection: ConnectionID, at now: Timestamp) { with(connection) { $0.breaker.abandoned(at: now) } }

    func block(_ connection: ConnectionID, until time: Timestamp) { with(connection) { $0.budget.block(until: time) } }

    private func with<Value>(_ connection: ConnectionID, _ body: (inout sending Gate) -> sending Value) -> sending Value
    {
        gates.withLock { body(&$0[connection, default: Gate(breaker: breaker)]) }
    }
}
