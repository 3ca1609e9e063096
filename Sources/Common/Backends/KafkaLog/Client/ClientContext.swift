import CRdKafka
import Common
import Logging
import Synchronization

/// What librdkafka's callbacks reach: where to log, whom to wake, and what is wrong with the connection.
final class ClientContext: Sendable {
    private let logger: Logger
    /// Called from librdkafka's threads when a queue that was empty has something.
    let ring: @Sendable () -> Void
    private let problem: ConnectionProblem

    init(logger: Logger, problem: ConnectionProblem, ring: @escaping @Sendable () -> Void) {
        self.logger = logger
        self.problem = problem
        self.ring = ring
    }

    /// Notes an error event of the client.
    func note(_ event: OpaquePointer) {
        let code = rd_kafka_event_error(event)
        let reason = rd_kafka_event_error_string(event).map { String(cString: $0) } ?? KafkaFailure.text(code)
        problem.note(KafkaFailure.error(code, reason))
    }

    /// - Parameter level: As in syslog.
    func log(_ text: String, facility: String, level: Int32) {
        let level: Logger.Level =
            switch level {
            // Each client gets the settings of all kinds of clients, and says which it has no use for.
            case _ where facility == "CONFWARN": .debug
            case ...4: .warning
            case 5...6: .info
            default: .debug
            }
        logger.log(level: level, "\(text)", metadata: ["facility": "\(facility)"])
    }
}

/// What was last heard to be wrong with the way to the brokers, until something works again.
final class ConnectionProblem: Sendable {
    private let error = Mutex<EventLogError?>(nil)

    func note(_ error: EventLogError) {
        self.error.withLock { noted in
            // That no broker is left is no reason, but what follows from one.
            if case .denied = noted, case .unavailable = error { return }
            noted = error
        }
    }

    func clear() { error.withLock { $0 = nil } }

    /// What a call that found nobody is to say.
    func explaining(_ error: EventLogError) -> EventLogError {
        guard case .unavailable(let what) = error, let known = self.error.withLock({ $0 }) else { return error }
        return switch known {
        case .denied: known
        case .unavailable(let reason) where reason != what: .unavailable("\(what) (\(reason))")
        default: error
        }
    }
}
