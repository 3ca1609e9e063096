public import Common

/// What a step throws to say what is to be done.
public enum JobFailure: Error, Sendable, Hashable, CustomStringConvertible {
    /// The request cannot be met, now or later: fail now.
    case rejected(String)
    /// Somebody else is down or busy: wait, so long if they say so, and try again.
    case unavailable(String, retryAfter: Duration? = nil)
    /// Not this one, not now, but nothing is wrong with whom it needs: wait and try again.
    case deferred(String, retryAfter: Duration? = nil)
    /// A bug: stop and say so.
    case defect(String)

    public var description: String {
        switch self {
        case .rejected(let reason): reason
        case .unavailable(let reason, _), .deferred(let reason, _): reason
        case .defect(let reason): "a defect of this program: \(reason)"
        }
    }

    /// What an error means that a step did not translate itself.
    init(_ error: any Error) {
        self =
            switch error {
            case let failure as JobFailure: failure
            case let error as StepTimedOut: .unavailable("\(error)")
            case let error as DatabaseError:
                switch error {
                case .unavailable, .serializationFailure: .unavailable("\(error)")
                case .constraint, .newerSchema, .statement, .corrupt: .defect("\(error)")
                }
            case let error as HTTPTransportError:
                error.isTransient || error == .cancelled ? .unavailable("\(error)") : .rejected("\(error)")
            case let error as EventLogError: .unavailable("\(error)")
            case let error as FileStorageError: JobFailure(error)
            default: .defect("\(error)")
            }
    }
}

/// A step was not done in its time.
struct StepTimedOut: Error, CustomStringConvertible {
    let step: String
    let after: Duration
    var description: String { "step \(step) was not done in \(after)" }
}

/// How long to wait between attempts: doubled each time, or by a ladder; with jitter.
public struct RetryPolicy: Sendable, Hashable {
    /// Attempts in all.
    public var attempts: Int
    /// Seconds before the second attempt.
    public var first: Double
    /// Seconds at most, unless a provider asks for more.
    public var most: Double
    /// Seconds before the second attempt, the third and so on; nil doubles ``first``.
    public var ladder: [Double]?

    public init(attempts: Int = 8, first: Double = 2, most: Double = 600) {
        self.attempts = attempts
        self.first = first
        self.most = most
    }

    /// One attempt more than the ladder has steps.
    public init(ladder: [Double]) {
        self.init(attempts: ladder.count + 1, first: ladder.first ?? 0, most: ladder.max() ?? 0)
        self.ladder = ladder
    }

    /// What follows a failed attempt.
    public enum Verdict: Sendable, Hashable {
        /// Another attempt after so many seconds.
        case again(after: Double, reason: String)
        case end(reason: String)
    }

    /// - Parameters:
    ///   - attempt: The number of the attempt that failed, from 1.
    ///   - random: From 0 to 1.
    public func verdict(_ failure: JobFailure, attempt: Int, random: Double) -> Verdict {
        let (reason, asked): (String, Duration?)
        switch failure {
        case .unavailable(let why, let after), .deferred(let why, let after): (reason, asked) = (why, after)
        case .rejected, .defect: return .end(reason: failure.description)
        }
        guard attempt < attempts else { return .end(reason: "\(reason) (given up after \(attempt) attempts)") }
        let whole = ladder.map { $0[max(0, attempt - 1)] } ?? min(most, first * Double(1 << min(attempt - 1, 30)))
        let pause = whole * (0.5 + random / 2)
        return .again(after: max(pause, asked?.seconds ?? 0), reason: reason)
    }
}
